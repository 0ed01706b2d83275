// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package deliver

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime/debug"
	"sync"
	"time"
)

// lastWords is how long a call whose time is over or that was cancelled is waited for: a handler that minds its context
// returns at once, and then is known to be done.
const lastWords = 500 * time.Millisecond

// Func is a handler in this process. completed is how many of the call's messages, from the first on, are completed; err is
// why the next one is not. It stops working when ctx ends.
type Func func(ctx context.Context, call *Call) (completed int, err error)

// EmbeddedConfig is what an Embedded is made with.
type EmbeddedConfig struct {
	Handler Func
	// Timeout is delivery.timeoutSeconds: how long one call may take.
	Timeout time.Duration
	// Now is the caller's clock, for Outcome.Sent. Default: time.Now.
	Now func() time.Time
	// Log is told what handlers return and how they panic.
	Log *slog.Logger
}

func (c *EmbeddedConfig) validate() error {
	if c.Handler == nil || c.Log == nil || c.Timeout <= 0 {
		return fmt.Errorf("configuring calls: a handler (%t), a log (%t) and a positive time-out (%v) are needed", c.Handler != nil, c.Log != nil, c.Timeout)
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	return nil
}

// Embedded calls a handler in this process. It is safe for concurrent use.
type Embedded struct {
	config EmbeddedConfig
	lock   sync.Mutex
	// running has a channel for each key whose call has not returned, closed when it does.
	running map[callKey]chan struct{}
	calls   sync.WaitGroup
}

type callKey struct {
	lane int32
	key  string
}

// NewEmbedded refuses a config that makes no sense.
func NewEmbedded(config EmbeddedConfig) (*Embedded, error) {
	if err := config.validate(); err != nil {
		return nil, err
	}
	return &Embedded{config: config, running: map[callKey]chan struct{}{}}, nil
}

// Reachable says that the handler can be called, which it always can.
func (e *Embedded) Reachable(context.Context) error { return nil }

// Close waits for calls that go on though nobody listens any more, as long as one that was cancelled is waited for.
func (e *Embedded) Close() {
	done := make(chan struct{}) // closed when no call runs
	go func() {
		defer close(done)
		e.calls.Wait()
	}()
	timer := time.NewTimer(lastWords)
	defer timer.Stop()
	select {
	case <-done:
	case <-timer.C:
		e.config.Log.Warn("handlers have not returned, though their time is over or they were cancelled")
	}
}

// Deliver makes the call and waits for its end. When ctx ends the call's context does. A key is never called beside itself:
// while a call of it goes on beyond its time, a later one waits, and fails when its own time is over.
func (e *Embedded) Deliver(ctx context.Context, call *Call) Outcome {
	ctx, cancel := context.WithTimeout(ctx, e.config.Timeout)
	defer cancel()
	id := callKey{call.Lane, call.Key}
	returned := make(chan struct{}) // closed when the handler has returned
	if !e.enter(ctx, id, returned) {
		return Outcome{Kind: Failed, Detail: "an earlier call of the key has not returned"}
	}
	sent := e.config.Now()
	answer := make(chan Outcome, 1) // the handler waits for nobody
	e.calls.Go(func() {
		defer e.leave(id, returned)
		e.call(ctx, call, answer)
	})
	select {
	case outcome := <-answer:
		return outcome
	case <-ctx.Done():
	}
	timer := time.NewTimer(lastWords)
	defer timer.Stop()
	select {
	case outcome := <-answer:
		return outcome
	case <-timer.C:
		return Outcome{Kind: TimedOut, Sent: sent, Detail: "the handler has not returned: " + context.Cause(ctx).Error()}
	}
}

// enter waits until no call of the key runs, and takes its place; false when ctx has ended.
func (e *Embedded) enter(ctx context.Context, id callKey, returned chan struct{}) bool {
	for {
		e.lock.Lock()
		before, runs := e.running[id]
		if !runs {
			e.running[id] = returned
		}
		e.lock.Unlock()
		if !runs {
			return true
		}
		select {
		case <-before:
		case <-ctx.Done():
			return false
		}
	}
}

func (e *Embedded) leave(id callKey, returned chan struct{}) {
	e.lock.Lock()
	defer e.lock.Unlock()
	delete(e.running, id)
	close(returned)
}

// call runs the handler. It answers whatever the handler does: return, panic, or end its goroutine.
func (e *Embedded) call(ctx context.Context, call *Call, answer chan<- Outcome) {
	outcome := Outcome{Kind: Failed, Detail: "the handler ended its goroutine"}
	defer func() {
		if cause := recover(); cause != nil {
			outcome = Outcome{Kind: Failed, Detail: "the handler panicked"}
			e.config.Log.Error("the handler panicked", "lane", call.Lane, "sequence", call.Message.Sequence, "attempt", call.Attempt,
				"panic", fmt.Sprint(cause), "stack", string(debug.Stack()))
		}
		answer <- outcome
	}()
	completed, err := e.config.Handler(ctx, call)
	outcome = e.judge(call, completed, err)
}

// judge says what a handler's return means.
func (e *Embedded) judge(call *Call, completed int, err error) Outcome {
	switch {
	case completed < 0 || completed > call.Len():
		return Outcome{Kind: Failed, Detail: fmt.Sprintf("the handler says that %d of %d messages are completed", completed, call.Len())}
	case completed == call.Len():
		return Outcome{Kind: Done}
	}
	out := Outcome{Kind: Failed, Completed: completed, Detail: "the handler returned no error, and has not completed all messages"}
	if err == nil {
		return out
	}
	out.Detail = "the handler returned an error, which is in the worker's log"
	var refused *rejection
	var wait *delay
	switch {
	case errors.As(err, &refused):
		out.Permanent = true
	case errors.As(err, &wait):
		out.RetryAfter = min(max(wait.after, 0), maxRetryAfter)
	}
	e.config.Log.Warn("the handler returned an error", "lane", call.Lane, "sequence", call.Message.Sequence, "attempt", call.Attempt,
		"messages", call.Len(), "completed", completed, "permanent", out.Permanent, "error", err.Error())
	return out
}
