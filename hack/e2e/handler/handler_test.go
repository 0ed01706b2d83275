// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package handler

import (
	"context"
	"encoding/json"
	"net"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"

	"convoy.dev/convoy/hack/e2e/checker"
	"convoy.dev/convoy/hack/e2e/collect"
	"convoy.dev/convoy/hack/e2e/shop"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// stand is a handler with its collector.
type stand struct {
	*Handler
	server *collect.Server
}

func newStand(t *testing.T) stand {
	t.Helper()
	listener, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server := collect.Serve(listener, time.Hour)
	client := collect.Connect(server.Address())
	t.Cleanup(func() {
		client.Close()
		if err := server.Close(); err != nil {
			t.Error(err)
		}
	})
	s := stand{New(Settings{Pod: "a", CallTime: time.Hour}, client), server}
	for s.deliver(t.Context(), call(shop.Event{Order: "first", Number: 1, State: shop.Created}, 1)) != http.StatusOK {
		runtime.Gosched() // It is not connected yet.
	}
	return s
}

func call(event shop.Event, epoch int) map[string]string {
	body, err := json.Marshal(event)
	if err != nil {
		panic(err)
	}
	return map[string]string{
		"ce-specversion": "1.0", "ce-id": "1", "ce-source": "/orders", "ce-type": "order",
		"convoy-key": event.Order, "convoy-lane": "0", "convoy-epoch": strconv.Itoa(epoch), "convoy-attempt": "1",
		"convoy-sequence": strconv.FormatUint(event.Number, 10), "body": string(body),
	}
}

func (s stand) deliver(ctx context.Context, call map[string]string) int {
	r := httptest.NewRequestWithContext(ctx, http.MethodPost, "/", strings.NewReader(call["body"]))
	for name, value := range call {
		if name != "body" {
			r.Header.Set(name, value)
		}
	}
	w := httptest.NewRecorder()
	s.ServeHTTP(w, r)
	return w.Code
}

func event(number uint64, state shop.State) shop.Event {
	return shop.Event{Order: "k", Number: number, State: state}
}

func TestAnOrderIsTakenThroughItsLife(t *testing.T) {
	s := newStand(t)
	for i, c := range []struct {
		event shop.Event
		epoch int
		want  int
	}{
		{event(1, shop.Created), 1, http.StatusOK},
		{event(2, shop.Paid), 1, http.StatusOK},
		{event(2, shop.Paid), 2, http.StatusOK},         // A repeat, after a crash.
		{event(3, shop.Packed), 1, http.StatusConflict}, // Of the past, and not worked on.
		{event(3, shop.Delivered), 2, http.StatusUnprocessableEntity},
	} {
		s.settings.Work = 0
		if c.want == http.StatusConflict {
			s.settings.Work = time.Hour
		}
		if got := s.deliver(t.Context(), call(c.event, c.epoch)); got != c.want {
			t.Errorf("call %d is answered with %d, want %d", i, got, c.want)
		}
	}
	var rules []checker.Rule
	for _, v := range s.server.Report().Words {
		rules = append(rules, v.Rule)
	}
	if diff := cmp.Diff([]checker.Rule{checker.RuleStale, checker.RuleImpossible}, rules); diff != "" {
		t.Error(diff)
	}
}

func TestAnOrderThatIsNotTakenIsGivenUp(t *testing.T) {
	s := newStand(t)
	s.server.Reject("k")
	if got := s.deliver(t.Context(), call(event(1, shop.Created), 1)); got != http.StatusUnprocessableEntity {
		t.Errorf("answered with %d", got)
	}
	if got := s.server.Report(); got.Rejections != 1 || got.Violations != 0 {
		t.Errorf("%d rejections and %d violations, want one and none", got.Rejections, got.Violations)
	}
	s.server.Reject()
	if got := s.deliver(t.Context(), call(event(1, shop.Created), 1)); got != http.StatusOK {
		t.Errorf("answered with %d when it is taken again", got)
	}
}

func TestAWorkerThatHangsUpEndsTheCall(t *testing.T) {
	s := newStand(t)
	s.settings.Work = time.Hour
	ctx, hangUp := context.WithCancel(t.Context())
	code := make(chan int)
	go func() { code <- s.deliver(ctx, call(event(1, shop.Created), 1)) }()
	for s.server.Report().Running == 0 {
		runtime.Gosched()
	}
	hangUp()
	if got := <-code; got != http.StatusServiceUnavailable {
		t.Errorf("answered with %d", got)
	}
	if got := s.server.Report().Running; got != 0 {
		t.Errorf("%d calls run on", got)
	}
}

func TestFailuresAreToBeTriedAgain(t *testing.T) {
	s := newStand(t)
	s.settings.FailuresPerMille = 1000
	if got := s.deliver(t.Context(), call(event(1, shop.Created), 1)); got != http.StatusServiceUnavailable {
		t.Errorf("answered with %d", got)
	}
}

func TestWhatIsNoCallIsRefused(t *testing.T) {
	s := newStand(t)
	for name, value := range map[string]string{
		"ce-specversion": "0.3", "ce-id": "", "convoy-epoch": "new", "convoy-lane": "", "convoy-attempt": "-1",
		"convoy-sequence": "", "convoy-key": "l", "body": "{",
	} {
		c := call(event(1, shop.Created), 1)
		c[name] = value
		if got := s.deliver(t.Context(), c); got != http.StatusBadRequest {
			t.Errorf("%s %q is answered with %d", name, value, got)
		}
	}
}

func TestSettings(t *testing.T) {
	env := map[string]string{"POD_NAME": "a", "HANDLER_COLLECTOR": "c:1", "HANDLER_HOST": "127.0.0.2", "HANDLER_IGNORE_TERM": "true"}
	got, err := ReadSettings(func(name string) string { return env[name] })
	want := Settings{
		Address: "127.0.0.2:8080", Pod: "a", Collector: "c:1",
		Work: 5 * time.Millisecond, CallTime: 30 * time.Second, IgnoreTerm: true,
	}
	if diff := cmp.Diff(want, got); diff != "" || err != nil {
		t.Error(err, diff)
	}
	for name, value := range map[string]string{"POD_NAME": "", "HANDLER_COLLECTOR": "", "HANDLER_PORT": "http", "HANDLER_FAILURES_PER_MILLE": "-1"} {
		if _, err := ReadSettings(func(asked string) string {
			if asked == name {
				return value
			}
			return env[asked]
		}); err == nil {
			t.Errorf("%s=%q is taken", name, value)
		}
	}
}
