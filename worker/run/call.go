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

// failure is how the last call for a key's first message failed, for a dead letter.
type failure struct {
	reason   string
	attempts uint32
}

// start calls the handler, if the hold still stands at this instant. A process that is frozen between this question and
// the call can send one stale call; its epoch gives it away.
func (w *Worker) start(l *heldLane, e *order.Effect) {
	if l == nil || !w.mayStart(l) {
		w.seq.NotStarted(e.Call)
		return
	}
	kept := w.payloads.at(e.Items[0].Payload)
	if kept.gone {
		w.gone(l, e.Items[0].Position)
		w.seq.Done(w.instant(w.at), e.Call)
		return
	}
	message := new(broker.Message)
	*message = kept.message
	call := &deliver.Call{Key: e.Key, Lane: e.Lane, Epoch: int64(e.Epoch), Attempt: e.Attempt, Message: message}
	if kept.absent {
		w.bring(l, e.Call, call)
		return
	}
	w.call(l, e.Call, call)
}

// bring reads the body of a message whose turn has come, and asks again whether it may start.
func (w *Worker) bring(l *heldLane, id order.CallID, call *deliver.Call) {
	ctx, at := l.calling, call.Message.Position
	w.ask(func(context.Context) func() {
		m, err := w.fetchFor(ctx, l, at)
		return func() {
			switch {
			case errors.Is(err, broker.ErrGone):
				w.gone(l, at)
				w.seq.Done(w.instant(w.at), id)
			case err != nil || !w.is(l) || !w.mayStart(l):
				w.seq.NotStarted(id)
			default:
				call.Message = &m
				w.call(l, id, call)
			}
		}
	})
}

// call makes the call.
func (w *Worker) call(l *heldLane, id order.CallID, call *deliver.Call) {
	ctx := l.calling
	w.ask(func(context.Context) func() {
		began := time.Now()
		outcome := w.config.Handler.Deliver(ctx, call)
		w.metrics.delivered(outcome, time.Since(began))
		return func() { w.answered(l, id, call, outcome) }
	})
}

// answered hands a call's end to the sequencer. Cancelled and unsent is not tried.
func (w *Worker) answered(l *heldLane, id order.CallID, call *deliver.Call, o deliver.Outcome) {
	now := w.instant(w.at)
	switch o.Kind {
	case deliver.Done:
		if w.seq.Done(now, id) {
			w.metrics.messages.WithLabelValues(outcomeDone).Inc()
			delete(l.chain.failures, call.Key)
		}
	case deliver.Failed:
		w.failed(l, call, o)
		w.seq.Failed(now, id, order.Failure{Permanent: o.Permanent, RetryAfter: int64(o.RetryAfter)})
	case deliver.TimedOut:
		w.failed(l, call, o)
		w.seq.TimedOut(now, id, w.instant(o.Sent))
	case deliver.Unsent:
		w.seq.NotStarted(id)
		if !l.unheld && !l.fenced {
			w.calls.last = o.Detail
			w.closeGate()
		}
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
	l.chain.failures[call.Key] = failure{reason: reason, attempts: call.Attempt}
	w.config.Log.Debug("a call failed", "lane", l.number, "sequence", call.Message.Sequence, "attempt", call.Attempt,
		"outcome", o.Kind.String(), "permanent", o.Permanent, "detail", o.Detail)
}

// deadLetter moves a message that failed for good.
func (w *Worker) deadLetter(l *heldLane, e *order.Effect) {
	if l == nil || l.fenced {
		return
	}
	why, known := l.chain.failures[e.Key]
	if !known {
		why = failure{reason: reasonCrashed, attempts: uint32(w.config.Order.MaxAttempts)}
	}
	delete(l.chain.failures, e.Key)
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
