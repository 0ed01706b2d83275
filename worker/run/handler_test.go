// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package run_test

import (
	"context"
	"encoding/json"
	"errors"
	"sync"
	"testing"
	"time"

	"convoy.dev/convoy/worker/broker"
	"convoy.dev/convoy/worker/deliver"
)

// handler is the user's process: it outlives worker processes and calls, and stops working on a call within the time-out
// of its start. It checks every call: keys alone and in order.
type handler struct {
	t    *testing.T
	lock sync.Mutex
	keys map[string]*convoy
	// does says how long a call takes and what it answers; nil is a millisecond and success.
	does func(k string, n int, c *deliver.Call) (time.Duration, deliver.Outcome)
	// down says that it does not listen, deaf that it takes a call and never answers, cut that connections break.
	down, deaf, cut bool
	// skips says that messages may be missing, as those that are dead-lettered.
	skips bool
	// released says that attempts may begin anew, as those of released messages do.
	released bool
	// refuses is how many calls find no connection, though the handler listens.
	refuses int
	calls   int
	// longest is the largest number of messages that a call carried.
	longest int
	work    sync.WaitGroup
}

// convoy is what the handler knows of one key.
type convoy struct {
	running  bool
	done     int // the number of the newest message completed
	repeats  int
	epoch    int64
	attempts map[int]uint32 // the highest attempt of each message
}

// set changes the handler's ways.
func (h *handler) set(how func()) {
	h.lock.Lock()
	defer h.lock.Unlock()
	how()
}

// rest waits for the calls that go on without a worker.
func (h *handler) rest() { h.work.Wait() }

func (h *handler) completed(k string) int {
	h.lock.Lock()
	defer h.lock.Unlock()
	if c := h.keys[k]; c != nil {
		return c.done
	}
	return 0
}

func (h *handler) count() int {
	h.lock.Lock()
	defer h.lock.Unlock()
	return h.calls
}

func (h *handler) repeats() int {
	h.lock.Lock()
	defer h.lock.Unlock()
	sum := 0
	for _, c := range h.keys {
		sum += c.repeats
	}
	return sum
}

var errRefused = errors.New("connection refused")

func (h *handler) reachable(context.Context) error {
	h.lock.Lock()
	defer h.lock.Unlock()
	if h.down {
		return errRefused
	}
	return nil
}

// Deliver is the worker's side of a call.
func (h *handler) Deliver(ctx context.Context, c *deliver.Call) deliver.Outcome {
	if ctx.Err() != nil || h.reachable(ctx) != nil || h.refuse() {
		return deliver.Outcome{Kind: deliver.Unsent, Detail: errRefused.Error()}
	}
	sent := time.Now()
	answer := make(chan deliver.Outcome, 1) // the handler does not wait for who listens
	h.work.Go(func() { h.take(*c, append([]broker.Message{*c.Message}, c.Rest...), answer) })
	deadline := time.NewTimer(timeout)
	defer deadline.Stop()
	select {
	case outcome := <-answer:
		outcome.Sent = sent
		return outcome
	case <-ctx.Done():
	case <-deadline.C:
	}
	return deliver.Outcome{Kind: deliver.TimedOut, Sent: sent, Detail: "no answer"}
}

func (h *handler) refuse() bool {
	h.lock.Lock()
	defer h.lock.Unlock()
	if h.refuses == 0 {
		return false
	}
	h.refuses--
	return true
}

// take is the handler's side.
func (h *handler) take(c deliver.Call, messages []broker.Message, answer chan<- deliver.Outcome) {
	var numbers []int
	for i := range messages {
		var body struct {
			K string
			N int
		}
		if err := json.Unmarshal(messages[i].Data, &body); err != nil || body.K != c.Key {
			h.t.Errorf("key %q came with the message %s, %v", c.Key, messages[i].Data, err)
		}
		numbers = append(numbers, body.N)
	}
	takes, outcome := h.begin(c, numbers)
	timer := time.NewTimer(min(takes, timeout-time.Microsecond)) // Within the time-out, and not at its very end.
	defer timer.Stop()
	<-timer.C
	h.end(c.Key, numbers, outcome, takes < timeout)
	if takes < timeout {
		answer <- outcome
	}
}

func (h *handler) begin(call deliver.Call, numbers []int) (time.Duration, deliver.Outcome) {
	h.lock.Lock()
	defer h.lock.Unlock()
	n := numbers[0]
	h.calls++
	h.longest = max(h.longest, len(numbers))
	for i := 1; i < len(numbers); i++ {
		if numbers[i] <= numbers[i-1] || (numbers[i] != numbers[i-1]+1 && !h.skips) {
			h.t.Errorf("messages %v of key %q come in one call", numbers, call.Key)
		}
	}
	c := h.keys[call.Key]
	if c == nil {
		c = &convoy{attempts: map[int]uint32{}}
		h.keys[call.Key] = c
	}
	if c.running {
		h.t.Errorf("message %d of key %q starts while another of it runs", n, call.Key)
	}
	if n > c.done+1 && !h.skips {
		h.t.Errorf("message %d of key %q comes after %d", n, call.Key, c.done)
	}
	if call.Epoch < c.epoch {
		h.t.Errorf("message %d of key %q comes with epoch %d after %d", n, call.Key, call.Epoch, c.epoch)
	}
	if n <= c.done {
		c.repeats++
	}
	if call.Attempt < c.attempts[n] && !h.released {
		h.t.Errorf("message %d of key %q comes with attempt %d after %d", n, call.Key, call.Attempt, c.attempts[n])
	}
	c.running, c.epoch, c.attempts[n] = true, call.Epoch, call.Attempt
	switch {
	case h.deaf:
		return timeout, deliver.Outcome{}
	case h.cut:
		return time.Millisecond, deliver.Outcome{Kind: deliver.TimedOut}
	case h.does != nil:
		return h.does(call.Key, n, &call)
	}
	return time.Millisecond, deliver.Outcome{Kind: deliver.Done}
}

func (h *handler) end(k string, numbers []int, o deliver.Outcome, answered bool) {
	h.lock.Lock()
	defer h.lock.Unlock()
	c := h.keys[k]
	c.running = false
	completed := o.Completed
	if o.Kind == deliver.Done || o.Kind == deliver.TimedOut {
		completed = len(numbers) // the effect is there, whoever heard of it
	}
	if answered && completed > 0 {
		c.done = max(c.done, numbers[completed-1])
	}
}
