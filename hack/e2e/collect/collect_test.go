// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package collect

import (
	"context"
	"errors"
	"net"
	"runtime"
	"testing"
	"time"

	"go.uber.org/goleak"

	"convoy.dev/convoy/hack/e2e/checker"
	"convoy.dev/convoy/hack/e2e/shop"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func serve(t *testing.T, address string) *Server {
	t.Helper()
	listener, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	s := Serve(listener, time.Hour)
	t.Cleanup(func() { _ = s.Close() }) // A test may have closed it.
	return s
}

func connect(t *testing.T, s *Server) *Client {
	t.Helper()
	c := Connect(s.Address())
	t.Cleanup(c.Close)
	return c
}

var created = shop.Event{Order: "k", Number: 1, State: shop.Created}

func call(epoch uint64) checker.Call {
	return checker.Call{Pod: "a", Key: "k", Epoch: epoch, Sequence: 1, Attempt: 1, Event: created}
}

// start starts a call, as soon as the client is connected.
func start(t *testing.T, c *Client, call checker.Call) (context.Context, Reported) {
	t.Helper()
	for {
		work, reported, err := c.Start(t.Context(), call)
		if err == nil {
			return work, reported
		}
		if !errors.Is(err, ErrAway) {
			t.Fatal(err)
		}
		runtime.Gosched()
	}
}

func TestACallIsReported(t *testing.T) {
	s := serve(t, "127.0.0.1:0")
	c := connect(t, s)
	s.Publish(created)
	_, reported := start(t, c, call(1))
	if got := s.Report(); got.Running != 1 || got.Backlog() != 1 {
		t.Errorf("started: %+v", got)
	}
	if taken, err := reported.End(checker.Done); !taken || err != nil {
		t.Errorf("the end: %v, %v", taken, err)
	}
	if got := s.Finish(); got.Running != 0 || got.Backlog() != 0 || got.Violations != 0 {
		t.Errorf("ended: %+v", got)
	}
}

func TestAnOverlapOfTwoProcessesIsFound(t *testing.T) {
	s := serve(t, "127.0.0.1:0")
	p, q := connect(t, s), connect(t, s)
	s.Publish(created)
	_, former := start(t, p, call(1))
	_, later := start(t, q, call(2))
	for _, r := range []Reported{former, later} {
		if _, err := r.End(checker.Done); err != nil {
			t.Fatal(err)
		}
	}
	// Before Finish would judge it: the former process has answered the question, or will.
	for s.Report().Violations == 0 {
		runtime.Gosched()
	}
	if got := s.Finish(); got.Violations != 1 || got.Words[0].Rule != checker.RuleOverlap {
		t.Errorf("got %v, want one overlap", got.Words)
	}
}

func TestACallEndsWithItsProcess(t *testing.T) {
	s := serve(t, "127.0.0.1:0")
	p, q := connect(t, s), connect(t, s)
	s.Publish(created)
	work, _ := start(t, p, call(1))
	p.Close()
	<-work.Done()
	for s.Report().Running > 0 {
		runtime.Gosched()
	}
	_, again := start(t, q, call(2))
	if taken, err := again.End(checker.Done); !taken || err != nil {
		t.Errorf("the end: %v, %v", taken, err)
	}
	if got := s.Finish(); got.Violations != 0 {
		t.Errorf("got %v, want no violation", got.Words)
	}
}

func TestWithoutACollectorNothingStarts(t *testing.T) {
	s := serve(t, "127.0.0.1:0")
	c := connect(t, s)
	work, reported := start(t, c, call(1))
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	<-work.Done()
	if _, err := reported.End(checker.Done); !errors.Is(err, ErrAway) {
		t.Errorf("the end: %v, want %v", err, ErrAway)
	}
	for { // Until the client has noticed, in which the old connection answers.
		if _, _, err := c.Start(t.Context(), call(1)); errors.Is(err, ErrAway) {
			break
		}
		runtime.Gosched()
	}
	// It comes back by itself, and so does the client.
	start(t, connect(t, serve(t, s.Address())), call(1))
	start(t, c, call(2))
}

func TestNonsenseEndsTheConnection(t *testing.T) {
	s := serve(t, "127.0.0.1:0")
	conn, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", s.Address())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := conn.Write([]byte("GET / HTTP/1.1\r\n\r\n")); err != nil {
		t.Fatal(err)
	}
	if n, err := conn.Read(make([]byte, 1)); err == nil {
		t.Errorf("read %d bytes, want the end of the connection", n)
	}
	if err := conn.Close(); err != nil {
		t.Error(err)
	}
}
