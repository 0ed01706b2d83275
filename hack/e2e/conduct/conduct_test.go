// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package conduct

import (
	"encoding/json"
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"runtime"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"

	"convoy.dev/convoy/hack/e2e/checker"
	"convoy.dev/convoy/hack/e2e/collect"
	"convoy.dev/convoy/hack/e2e/shop"
)

func newConductor(t *testing.T) *Conductor {
	t.Helper()
	s, err := server.NewServer(&server.Options{JetStream: true, StoreDir: t.TempDir(), DontListen: true, NoSigs: true, NoLog: true})
	if err != nil {
		t.Fatal(err)
	}
	go s.Start()
	t.Cleanup(func() { s.Shutdown(); s.WaitForShutdown() })
	if !s.ReadyForConnections(time.Minute) {
		t.Fatal("the server does not start")
	}
	connection, err := nats.Connect("", nats.InProcessServer(s))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(connection.Close)
	listener, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	collector := collect.Serve(listener, time.Hour)
	c := New(connection, collector)
	t.Cleanup(func() {
		if err := c.Close(); err != nil {
			t.Error(err)
		}
		if err := collector.Close(); err != nil {
			t.Error(err)
		}
	})
	return c
}

func (c *Conductor) ask(t *testing.T, method, path string, want int) checker.Report {
	t.Helper()
	w := httptest.NewRecorder()
	c.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), method, path, nil))
	if w.Code != want {
		t.Fatalf("%s %s is answered with %d %s, want %d", method, path, w.Code, w.Body, want)
	}
	var report checker.Report
	if w.Body.Len() > 0 && want == http.StatusOK {
		if err := json.Unmarshal(w.Body.Bytes(), &report); err != nil {
			t.Fatal(err)
		}
	}
	return report
}

func TestAStoryIsConducted(t *testing.T) {
	c := newConductor(t)
	const publish = "/publish?rate=1000&orders=10&seed=1"
	c.ask(t, "POST", publish, http.StatusOK)
	c.ask(t, "POST", publish, http.StatusConflict)
	for c.ask(t, "GET", "/report", http.StatusOK).Published < 20 {
		runtime.Gosched()
	}
	c.ask(t, "POST", "/phase?name=end", http.StatusOK)
	c.ask(t, "POST", "/rest", http.StatusOK)
	published := c.ask(t, "GET", "/report", http.StatusOK).Published
	report := c.ask(t, "POST", "/finish", http.StatusOK)
	if report.Published != published || report.Violations == 0 || report.Words[0].Rule != checker.RuleLost {
		t.Errorf("nobody has consumed %d messages, and the report is %+v", published, report)
	}
}

func TestKeysAreRejectedAndDiscarded(t *testing.T) {
	c := newConductor(t)
	client := collect.Connect(c.collector.Address())
	t.Cleanup(client.Close)
	start := func(key string, number uint64) checker.Decision {
		t.Helper()
		event := shop.Event{Order: key, Number: number, State: shop.Created}
		for {
			_, reported, err := client.Start(t.Context(), checker.Call{Key: key, Epoch: 1, Sequence: number, Attempt: 1, Event: event})
			if errors.Is(err, collect.ErrAway) {
				runtime.Gosched() // It is not connected yet.
				continue
			}
			if err != nil {
				t.Fatal(err)
			}
			if _, err := reported.End(checker.Done); err != nil {
				t.Fatal(err)
			}
			return reported.Decision
		}
	}
	c.ask(t, "POST", "/reject?keys=k,l", http.StatusOK)
	if !start("k", 1).Reject || !start("l", 1).Reject || start("m", 1).Reject {
		t.Error("others are rejected than k and l")
	}
	c.ask(t, "POST", "/reject?keys=", http.StatusOK)
	if start("k", 2).Reject {
		t.Error("k is rejected for ever")
	}
	c.ask(t, "POST", "/discard?keys=k", http.StatusOK)
	start("k", 4)
	if got := c.ask(t, "GET", "/report", http.StatusOK); got.Discarded != 1 || got.Violations != 0 {
		t.Errorf("the report is %+v, want one message discarded", got)
	}
}

func TestWhatToPublishIsChecked(t *testing.T) {
	c := newConductor(t)
	for _, path := range []string{"/publish", "/publish?rate=0&orders=10&seed=1", "/publish?rate=1&orders=0&seed=1", "/publish?lanes=-1&rate=1&orders=1&seed=1"} {
		c.ask(t, "POST", path, http.StatusBadRequest)
	}
}
