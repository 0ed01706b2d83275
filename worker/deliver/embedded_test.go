// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package deliver_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"convoy.dev/convoy/worker/deliver"
	"convoy.dev/convoy/worker/key"
)

func embedded(t *testing.T, log *bytes.Buffer, handler deliver.Func) *deliver.Embedded {
	t.Helper()
	e, err := deliver.NewEmbedded(deliver.EmbeddedConfig{Handler: handler, Timeout: 10 * time.Second, Log: slog.New(slog.NewTextHandler(log, nil))})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(e.Close)
	return e
}

var errBroken = errors.New("the database is away")

func TestWhatAHandlerReturns(t *testing.T) {
	for _, c := range []struct {
		name    string
		handler deliver.Func
		want    deliver.Outcome
		logged  string
	}{
		{"all are completed", func(context.Context, *deliver.Call) (int, error) { return 3, nil }, deliver.Outcome{Kind: deliver.Done}, ""},
		{"all are completed, whatever the error", func(context.Context, *deliver.Call) (int, error) { return 3, errBroken }, deliver.Outcome{Kind: deliver.Done}, ""},
		{"an error", func(context.Context, *deliver.Call) (int, error) { return 0, errBroken }, deliver.Outcome{Kind: deliver.Failed}, "database"},
		{"some, then an error", func(context.Context, *deliver.Call) (int, error) { return 2, errBroken },
			deliver.Outcome{Kind: deliver.Failed, Completed: 2}, "completed=2"},
		{"some, and no error", func(context.Context, *deliver.Call) (int, error) { return 1, nil }, deliver.Outcome{Kind: deliver.Failed, Completed: 1}, ""},
		{"more than there are", func(context.Context, *deliver.Call) (int, error) { return 4, nil }, deliver.Outcome{Kind: deliver.Failed}, ""},
		{"fewer than none", func(context.Context, *deliver.Call) (int, error) { return -1, errBroken }, deliver.Outcome{Kind: deliver.Failed}, ""},
		{"rejected", func(context.Context, *deliver.Call) (int, error) {
			return 0, fmt.Errorf("booking: %w", deliver.Reject(errBroken))
		},
			deliver.Outcome{Kind: deliver.Failed, Permanent: true}, "permanent=true"},
		{"later", func(context.Context, *deliver.Call) (int, error) {
			return 0, deliver.RetryAfter(errBroken, time.Minute)
		},
			deliver.Outcome{Kind: deliver.Failed, RetryAfter: time.Minute}, "database"},
		{"much later", func(context.Context, *deliver.Call) (int, error) {
			return 0, deliver.RetryAfter(errBroken, 48*time.Hour)
		},
			deliver.Outcome{Kind: deliver.Failed, RetryAfter: time.Hour}, "database"},
		{"a panic", func(context.Context, *deliver.Call) (int, error) { panic("no such order") }, deliver.Outcome{Kind: deliver.Failed}, "embedded_test.go"},
		{"its goroutine's end", func(context.Context, *deliver.Call) (int, error) { runtime.Goexit(); return 3, nil }, deliver.Outcome{Kind: deliver.Failed}, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			var log bytes.Buffer
			got := embedded(t, &log, c.handler).Deliver(t.Context(), several(key.Message{Data: []byte("secret")}, key.Message{}, key.Message{}))
			if (got.Detail == "") != (got.Kind == deliver.Done) || strings.Contains(got.Detail, "database") {
				t.Errorf("detail %q", got.Detail)
			}
			if got.Detail = ""; got != c.want {
				t.Errorf("got %+v, want %+v", got, c.want)
			}
			if !strings.Contains(log.String(), c.logged) || (c.logged == "") != (log.Len() == 0) || strings.Contains(log.String(), "secret") {
				t.Errorf("logged %s", log.String())
			}
		})
	}
}

func TestErrorsKeepWhatTheyWrap(t *testing.T) {
	if deliver.Reject(nil) != nil || deliver.RetryAfter(nil, time.Second) != nil {
		t.Error("no error became one")
	}
	for _, err := range []error{deliver.Reject(errBroken), deliver.RetryAfter(errBroken, time.Second)} {
		if !errors.Is(err, errBroken) || err.Error() != errBroken.Error() {
			t.Errorf("%v has lost its cause", err)
		}
	}
}

func TestAHandlerThatMindsItsContextIsKnownToBeDone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log bytes.Buffer
		e := embedded(t, &log, func(ctx context.Context, _ *deliver.Call) (int, error) {
			<-ctx.Done()
			return 0, ctx.Err()
		})
		began := time.Now()
		if got := e.Deliver(t.Context(), call("", nil)); got.Kind != deliver.Failed || time.Since(began) != 10*time.Second {
			t.Errorf("after %v: %+v", time.Since(began), got)
		}
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(time.Second, cancel)
		if got := e.Deliver(ctx, call("", nil)); got.Kind != deliver.Failed {
			t.Errorf("cancelled: %+v", got)
		}
	})
}

// A handler that goes on beyond its time keeps its key: a second call waits, and begins when the first has returned. Other
// keys, and the same key in another lane, do not wait.
func TestAKeyIsNeverCalledBesideItself(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log bytes.Buffer
		release := make(chan struct{}) // closed to let the first call return
		var calls atomic.Int32
		e := embedded(t, &log, func(_ context.Context, c *deliver.Call) (int, error) {
			if calls.Add(1) == 1 {
				<-release
			}
			return c.Len(), nil
		})
		began := time.Now()
		got := e.Deliver(t.Context(), call("", nil))
		if got.Kind != deliver.TimedOut || !got.Sent.Equal(began) || time.Since(began) > 11*time.Second {
			t.Errorf("after %v: %+v", time.Since(began), got)
		}
		other := call("", nil)
		other.Lane++
		if got := e.Deliver(t.Context(), other); got.Kind != deliver.Done {
			t.Errorf("the same key of another lane: %+v", got)
		}
		if got := e.Deliver(t.Context(), call("", nil)); got.Kind != deliver.Failed || calls.Load() != 2 {
			t.Errorf("beside the first call: %+v, %d calls", got, calls.Load())
		}
		time.AfterFunc(time.Second, func() { close(release) })
		if got := e.Deliver(t.Context(), call("", nil)); got.Kind != deliver.Done || calls.Load() != 3 {
			t.Errorf("after the first call: %+v, %d calls", got, calls.Load())
		}
	})
}

func TestClosingSaysThatHandlersGoOn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log bytes.Buffer
		release := make(chan struct{}) // closed to let the call return
		e := embedded(t, &log, func(context.Context, *deliver.Call) (int, error) { <-release; return 1, nil })
		e.Deliver(t.Context(), call("", nil))
		e.Close()
		if !strings.Contains(log.String(), "have not returned") {
			t.Errorf("logged %s", log.String())
		}
		close(release)
	})
}

func TestAnEmbeddedHandlerIsConfigured(t *testing.T) {
	handler, log := func(context.Context, *deliver.Call) (int, error) { return 1, nil }, slog.New(slog.DiscardHandler)
	for _, c := range []deliver.EmbeddedConfig{
		{Timeout: time.Second, Log: log}, {Handler: handler, Log: log}, {Handler: handler, Timeout: time.Second},
	} {
		if _, err := deliver.NewEmbedded(c); err == nil {
			t.Errorf("%+v is accepted", c)
		}
	}
}
