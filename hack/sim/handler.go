// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package sim

import (
	"slices"
	"time"

	"convoy.dev/convoy/worker/order"
)

// outcome is how a handler answers a call.
type outcome uint8

const (
	succeeded outcome = iota
	failed            // to be retried
	rejected          // for good
	noAnswer          // the connection was lost, or the time is over
)

func (o outcome) String() string {
	return [...]string{"succeeded", "failed", "rejected", "no answer"}[o]
}

// token is the epoch that a handler sees: of the lane's grant, then of the worker process.
type token int64

// call is one delivery of one message, as the handler has it.
type call struct {
	lane    int32
	key     string
	seq     order.Sequence
	token   token
	attempt int
	worker  *worker
	slept   bool          // its sender was frozen between the check of its hold and the call
	sent    time.Duration // as the sender says; the time-out counts from it
	started time.Duration
	ends    time.Duration
	result  outcome
	over    bool
	answer  func(outcome)
}

// handler is the user's process in one pod. Its calls outlive the worker that made them; each is over timeoutSeconds
// after its start at the latest: that is its contract.
type handler struct {
	w           *World
	run         *podRun
	dead        bool
	ignoresTerm bool
	calls       []*call
}

func newHandler(w *World, run *podRun) *handler {
	return &handler{w: w, run: run, ignoresTerm: w.dice.chance(w.settings.IgnoresTerm)}
}

// take starts a call.
func (h *handler) take(c *call) {
	if h == nil || h.dead {
		c.worker.process.after(time.Millisecond, func() { c.answer(noAnswer) })
		return
	}
	c.started = h.w.clock.now
	if !h.w.check.callStarted(h, c) {
		h.reply(c, rejected)
		return
	}
	var length time.Duration
	length, c.result = h.w.handling(c)
	c.ends = c.started + length
	limit := c.sent + h.w.settings.Timeout
	if c.slept {
		limit = c.started + h.w.settings.Timeout
	}
	if c.ends >= limit {
		c.ends, c.result = limit, noAnswer
	}
	h.calls = append(h.calls, c)
	h.w.clock.at(c.ends, func() { h.finish(c, true) })
}

func (h *handler) finish(c *call, answers bool) {
	if c.over {
		return
	}
	c.over = true
	h.calls = slices.DeleteFunc(h.calls, func(other *call) bool { return other == c })
	if !answers {
		c.result = noAnswer
	}
	h.w.check.callEnded(h, c)
	h.reply(c, c.result)
}

func (h *handler) reply(c *call, result outcome) {
	c.worker.process.after(h.w.dice.span(100*time.Microsecond, 2*time.Millisecond), func() { c.answer(result) })
}

// kill ends the process, and all its calls with it.
func (h *handler) kill() {
	if h.dead {
		return
	}
	h.dead = true
	for _, c := range slices.Clone(h.calls) {
		h.finish(c, false)
	}
}
