// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package run

import (
	"context"
	"errors"
	"time"

	"convoy.dev/convoy/worker/broker"
	"convoy.dev/convoy/worker/deliver"
	"convoy.dev/convoy/worker/order"
)

// calls are the calls under way.
type calls struct {
	// last is what the last call that failed came to, for conditions.
	last string
}

// Reasons of dead letters, as ConvoyActions name them, too.
const (
	reasonRejected  = "Rejected"
	reasonExhausted = "AttemptsExhausted"
	reasonCrashed   = "WorkerCrashed"
)

// failure is how the last call for a key's first message failed, for what becomes of it and for who asks.
type failure struct {
	reason, detail string
	attempts       uint32
}

// handed is a call on its way to the handler: what the sequencer started, less what is gone from the broker.
type handed struct {
	id   order.CallID
	call *deliver.Call
	// items counts what was started, gone are the places in it of what the broker no longer has; ascending.
	items int
	gone  []int
	// absent are the messages whose bodies are to be read first.
	absent []absent
}

// absent is a message of a call whose body is not in memory.
type absent struct {
	message *broker.Message
	handle  order.Payload
}

// completed is how many of the items are concluded when so many of the messages are, and fewer than all: what is gone is, in
// its place.
func (h *handed) completed(messages int) int {
	for _, place := range h.gone {
		if place <= messages {
			messages++
		}
	}
	return messages
}

// start calls the handler, if the hold still stands at this instant. A process that is frozen between this question and
// the call can send one stale call; its epoch gives it away.
func (w *Worker) start(l *heldLane, e *order.Effect) {
	if l == nil || !w.mayStart(l) {
		w.seq.NotStarted(e.Call)
		return
	}
	h := w.gather(e)
	switch {
	case h.call.Message == nil:
		w.conclude(l, &h)
	case len(h.absent) > 0:
		w.bring(l, h)
	default:
		w.call(l, h)
	}
}

// gather copies the messages of a call: what is in memory may change its place.
func (w *Worker) gather(e *order.Effect) handed {
	h := handed{
		id: e.Call, items: len(e.Items),
		call: &deliver.Call{Key: e.Key, Lane: e.Lane, Epoch: int64(e.Epoch), Attempt: e.Attempt},
	}
	if len(e.Items) > 1 {
		h.call.Rest = make([]broker.Message, 0, len(e.Items)-1) // It keeps its place: absent points into it.
	}
	for i := range e.Items {
		kept := w.payloads.at(e.Items[i].Payload)
		if kept.gone {
			h.gone = append(h.gone, i)
			continue
		}
		message := h.add(&kept.message)
		if kept.absent {
			h.absent = append(h.absent, absent{message, e.Items[i].Payload})
		}
	}
	return h
}

func (h *handed) add(m *broker.Message) *broker.Message {
	if h.call.Message == nil {
		h.call.Message = new(broker.Message)
		*h.call.Message = *m
		return h.call.Message
	}
	h.call.Rest = append(h.call.Rest, *m)
	return &h.call.Rest[len(h.call.Rest)-1]
}

// bring reads the bodies of messages whose turn has come, and asks again whether they may start. When one is gone the call
// begins again without it.
func (w *Worker) bring(l *heldLane, h handed) {
	ctx := l.calling
	w.ask(func(context.Context) func() {
		var err error
		var lost []order.Payload
		for _, a := range h.absent {
			m, failed := w.bodyOf(ctx, l, h.call.Key, a.message)
			if errors.Is(failed, broker.ErrGone) {
				lost = append(lost, a.handle)
			} else if err = failed; err != nil {
				break
			}
			*a.message = m
		}
		return func() {
			if err == nil && len(lost) == 0 && w.is(l) && w.mayStart(l) {
				w.call(l, h)
				return
			}
			for _, handle := range lost {
				w.payloads.at(handle).gone = true
			}
			w.seq.NotStarted(h.id)
		}
	})
}

// bodyOf reads a message whose body is not in memory, from where it is run: the lane, or the key's park.
func (w *Worker) bodyOf(ctx context.Context, l *heldLane, key string, m *broker.Message) (broker.Message, error) {
	if m.Position != 0 {
		return w.fetchFor(ctx, l, m.Position)
	}
	found, err := w.insist(ctx, l, request{"reading a parked message again", l.number, 0}, func(ctx context.Context) ([]broker.Message, error) {
		return l.store.ReadParked(ctx, key, m.Sequence-1, 1)
	})
	if err != nil {
		return broker.Message{}, err
	}
	return found[0], nil
}

// call makes the call.
func (w *Worker) call(l *heldLane, h handed) {
	ctx := l.calling
	w.ask(func(context.Context) func() {
		began := time.Now()
		outcome := w.deliver(ctx, h.call)
		w.metrics.delivered(outcome, time.Since(began))
		return func() { w.answered(l, &h, outcome) }
	})
}

// deliver makes a call, within a span if there is a tracer.
func (w *Worker) deliver(ctx context.Context, call *deliver.Call) deliver.Outcome {
	if w.config.Tracer == nil {
		return w.config.Handler.Deliver(ctx, call)
	}
	return w.config.Tracer.Attempt(ctx, call, w.config.Handler.Deliver)
}

// answered hands a call's end to the sequencer. Cancelled and unsent is not tried.
func (w *Worker) answered(l *heldLane, h *handed, o deliver.Outcome) {
	now := w.instant(w.at)
	switch o.Kind {
	case deliver.Done:
		w.conclude(l, h)
	case deliver.Failed:
		w.failed(l, h.call, o)
		completed := 0
		if o.Completed > 0 {
			completed = h.completed(o.Completed)
		}
		if w.seq.Failed(now, h.id, order.Failure{Completed: completed, Permanent: o.Permanent, RetryAfter: int64(o.RetryAfter)}) {
			w.concluded(l, o.Completed, completed-o.Completed)
		}
	case deliver.TimedOut:
		w.failed(l, h.call, o)
		w.seq.TimedOut(now, h.id, w.instant(o.Sent))
	case deliver.Unsent:
		w.seq.NotStarted(h.id)
		if !l.unheld && !l.fenced {
			w.calls.last = o.Detail
			w.closeGate()
		}
	}
}

// conclude takes every message of a call as completed.
func (w *Worker) conclude(l *heldLane, h *handed) {
	if !w.seq.Done(w.instant(w.at), h.id) {
		return
	}
	w.concluded(l, h.items-len(h.gone), len(h.gone))
	delete(l.chain.failures, h.call.Key)
}

// concluded counts messages that are.
func (w *Worker) concluded(l *heldLane, done, gone int) {
	w.metrics.messages.WithLabelValues(outcomeDone).Add(float64(done))
	if gone > 0 {
		w.metrics.messages.WithLabelValues(outcomeGone).Add(float64(gone))
		w.config.Log.Warn("messages were gone from the broker before their turn", "lane", l.number, "messages", gone)
	}
}

// failed remembers why, for what becomes of the message.
func (w *Worker) failed(l *heldLane, call *deliver.Call, o deliver.Outcome) {
	w.calls.last = o.Detail
	reason := reasonExhausted
	if o.Permanent {
		reason = reasonRejected
	}
	if l.chain.failures == nil {
		l.chain.failures = map[string]failure{}
	}
	l.chain.failures[call.Key] = failure{reason: reason, detail: o.Detail, attempts: call.Attempt}
	w.config.Log.Debug("a call failed", "lane", l.number, "sequence", call.Message.Sequence, "attempt", call.Attempt,
		"messages", call.Len(), "completed", o.Completed, "outcome", o.Kind.String(), "permanent", o.Permanent, "detail", o.Detail)
}

// whyFailed is why the first message of a key has failed for good. It is told once. A message whose attempts are used up
// though none of them failed in this process ended the processes before.
func (w *Worker) whyFailed(l *heldLane, key string) failure {
	why, known := l.chain.failures[key]
	if !known {
		why = failure{reason: reasonCrashed, attempts: uint32(w.config.Order.MaxAttempts)}
	}
	delete(l.chain.failures, key)
	return why
}

// deadLetter moves a message that failed for good.
func (w *Worker) deadLetter(l *heldLane, e *order.Effect) {
	if l == nil || l.fenced {
		return
	}
	why := w.whyFailed(l, e.Key)
	hash, name, sequence := e.Hash, e.Key, e.Sequence
	w.enqueue(l, letter{
		absent: w.payloads.at(e.Payload).absent,
		letter: broker.DeadLetter{Message: w.payloads.at(e.Payload).message, Key: name, Reason: why.reason, Attempts: why.attempts},
		done: func() {
			w.metrics.messages.WithLabelValues(outcomeDeadLettered).Inc()
			w.config.Log.Warn("a message is dead-lettered", "lane", l.number, "sequence", sequence, "reason", why.reason, "attempts", why.attempts)
			w.seq.DeadLettered(w.instant(w.at), l.number, hash, name)
		},
	})
}
