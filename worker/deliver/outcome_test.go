// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package deliver_test

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"convoy.dev/convoy/worker/deliver"
)

func TestAnAnswerConcludesTheCall(t *testing.T) {
	for _, c := range []struct {
		status     int
		header     string
		value      string
		want       deliver.Kind
		permanent  bool
		retryAfter time.Duration
	}{
		{status: 200, want: deliver.Done},
		{status: 204, want: deliver.Done},
		{status: 200, header: "convoy-outcome", value: "Reject", want: deliver.Failed, permanent: true},
		{status: 500, header: "Convoy-Outcome", value: "reject", want: deliver.Failed, permanent: true},
		{status: 400, want: deliver.Failed, permanent: true},
		{status: 410, want: deliver.Failed, permanent: true},
		{status: 413, want: deliver.Failed, permanent: true},
		{status: 415, want: deliver.Failed, permanent: true},
		{status: 422, header: "Retry-After", value: "7", want: deliver.Failed, permanent: true},
		{status: 301, header: "Location", value: "/elsewhere", want: deliver.Failed},
		{status: 401, want: deliver.Failed},
		{status: 404, want: deliver.Failed},
		{status: 409, want: deliver.Failed},
		{status: 429, header: "Retry-After", value: "7", want: deliver.Failed, retryAfter: 7 * time.Second},
		{status: 503, header: "Retry-After", value: "999999", want: deliver.Failed, retryAfter: time.Hour},
		{status: 503, header: "Retry-After", value: "soon", want: deliver.Failed},
		{status: 503, header: "Retry-After", value: "-7", want: deliver.Failed},
		{status: 503, header: "Retry-After", value: "Thu, 01 Jan 1970 00:00:00 GMT", want: deliver.Failed},
		{status: 503, header: "Retry-After", value: "Fri, 01 Jan 2100 00:00:00 GMT", want: deliver.Failed, retryAfter: time.Hour},
	} {
		t.Run(fmt.Sprintf("%d %s %s", c.status, c.header, c.value), func(t *testing.T) {
			var calls atomic.Int32
			client, _ := serve(t, func(w http.ResponseWriter, _ *http.Request) {
				calls.Add(1)
				if c.header != "" {
					w.Header().Set(c.header, c.value)
				}
				w.WriteHeader(c.status)
			})
			got := client.Deliver(t.Context(), call("{}", nil))
			if got.Kind != c.want || got.Permanent != c.permanent || got.RetryAfter != c.retryAfter {
				t.Errorf("got %+v, want %v, permanent %t, retry after %v", got, c.want, c.permanent, c.retryAfter)
			}
			if calls.Load() != 1 {
				t.Errorf("the handler was called %d times", calls.Load())
			}
		})
	}
}

func TestARefusedConnectionReachesNobody(t *testing.T) {
	client, server := serve(t, func(http.ResponseWriter, *http.Request) {})
	server.Close()
	if got := client.Deliver(t.Context(), call("{}", nil)); got.Kind != deliver.Unsent || got.Detail == "" {
		t.Errorf("got %+v, want Unsent", got)
	}
}

func TestAConnectionThatNeverComesReachesNobody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		hang := func(ctx context.Context, _, _ string) (net.Conn, error) {
			<-ctx.Done()
			return nil, ctx.Err()
		}
		began := time.Now()
		c := newClient(t, deliver.Config{URL: "http://handler:80/", Dial: hang})
		if got := c.Deliver(t.Context(), call("{}", nil)); got.Kind != deliver.Unsent {
			t.Errorf("got %+v, want Unsent", got)
		}
		if took := time.Since(began); took != 5*time.Second {
			t.Errorf("gave up after %v, want 5s", took)
		}
	})
}

func TestTheDeadlineCountsFromTheConnection(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dial := pipes(untilClosed)
		slow := func(ctx context.Context, network, address string) (net.Conn, error) {
			<-time.NewTimer(4 * time.Second).C
			return dial(ctx, network, address)
		}
		began := time.Now()
		c := newClient(t, deliver.Config{URL: "http://handler:80/", Dial: slow, Timeout: 10 * time.Second})
		got := c.Deliver(t.Context(), call("{}", nil))
		if got.Kind != deliver.TimedOut || got.Sent.Sub(began) != 4*time.Second {
			t.Errorf("got %+v, want TimedOut, sent after 4s", got)
		}
		if took := time.Since(began); took != 14*time.Second {
			t.Errorf("gave up after %v, want 14s", took)
		}
	})
}

func TestACallThatWasWrittenMayStillRun(t *testing.T) {
	for _, c := range []struct {
		name string
		peer func(net.Conn)
	}{
		{"cut after the request", readRequest},
		{"cut amid the answer", func(c net.Conn) {
			readRequest(c)
			_, _ = io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf")
		}},
		{"status, and then nothing", func(c net.Conn) {
			readRequest(c)
			_, _ = io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n")
			untilClosed(c)
		}},
		{"no HTTP", func(c net.Conn) {
			readRequest(c)
			_, _ = io.WriteString(c, "hello\r\n\r\n")
		}},
		{"request read in part", func(c net.Conn) { _, _ = c.Read(make([]byte, 10)) }},
		{"request not read", func(net.Conn) { <-time.NewTimer(40 * time.Second).C }},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				client := newClient(t, deliver.Config{URL: "http://handler:80/", Dial: pipes(c.peer)})
				began := time.Now()
				got := client.Deliver(t.Context(), call("{}", nil))
				if got.Kind != deliver.TimedOut || got.Sent.Before(began) || got.Sent.After(time.Now()) {
					t.Errorf("got %+v, want TimedOut", got)
				}
				<-time.NewTimer(time.Minute).C // The peer ends.
			})
		})
	}
}

func TestCancelled(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(time.Second, cancel)
		c := newClient(t, deliver.Config{URL: "http://handler:80/", Dial: pipes(untilClosed)})
		if got := c.Deliver(ctx, call("{}", nil)); got.Kind != deliver.TimedOut {
			t.Errorf("got %+v, want TimedOut", got)
		}
		if got := c.Deliver(ctx, call("{}", nil)); got.Kind != deliver.Unsent {
			t.Errorf("after the end of its context: got %+v, want Unsent", got)
		}
	})
}

// A server may close an idle connection at any time. A call after that goes over another one.
func TestAConnectionClosedWhileIdle(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		answerOnce := func(c net.Conn) {
			readRequest(c)
			_, _ = io.WriteString(c, "HTTP/1.1 204 No Content\r\n\r\n")
		}
		c := newClient(t, deliver.Config{URL: "http://handler:80/", Dial: pipes(answerOnce)})
		for range 3 {
			if got := c.Deliver(t.Context(), call("{}", nil)); got.Kind != deliver.Done {
				t.Fatalf("got %+v, want Done", got)
			}
			synctest.Wait()
		}
	})
}

func TestConnectionsAreUsedAgain(t *testing.T) {
	dialled := 0
	_, server := serve(t, func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, strings.Repeat("x", 10_000)) })
	c := newClient(t, deliver.Config{URL: server.URL, Dial: func(ctx context.Context, network, address string) (net.Conn, error) {
		dialled++
		return new(net.Dialer).DialContext(ctx, network, address)
	}})
	for range 20 {
		if got := c.Deliver(t.Context(), call("{}", nil)); got.Kind != deliver.Done {
			t.Fatalf("got %+v", got)
		}
	}
	if dialled != 1 {
		t.Errorf("20 calls took %d connections, want 1", dialled)
	}
}

func TestALongAnswerIsNotReadToItsEnd(t *testing.T) {
	client, _ := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		for {
			if _, err := io.WriteString(w, strings.Repeat("x", 10_000)); err != nil {
				return
			}
		}
	})
	if got := client.Deliver(t.Context(), call("{}", nil)); got.Kind != deliver.Done {
		t.Errorf("got %+v, want Done", got)
	}
}

func TestSettingsThatMakeNoSense(t *testing.T) {
	for name, config := range map[string]deliver.Config{
		"no time-out":    {URL: "http://a:1", Source: "/s", Connections: 1},
		"no connections": {URL: "http://a:1", Source: "/s", Timeout: 1},
		"no source":      {URL: "http://a:1", Connections: 1, Timeout: 1},
		"no HTTP":        {URL: "https://a:1", Source: "/s", Connections: 1, Timeout: 1},
		"no URL":         {URL: ":", Source: "/s", Connections: 1, Timeout: 1},
	} {
		if _, err := deliver.New(config); err == nil {
			t.Errorf("%s is accepted", name)
		}
	}
}
