// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package run

import (
	"context"
	"errors"

	"convoy.dev/convoy/api/v1alpha1"
	"convoy.dev/convoy/worker/broker"
	"convoy.dev/convoy/worker/order"
)

// carry does one thing that the sequencer asks for.
func (w *Worker) carry(e *order.Effect) {
	l := w.lane(e.Lane)
	switch e.Kind {
	case order.Start:
		w.start(l, e)
	case order.Complete, order.Drop, order.GiveBack:
		w.payloads.drop(e.Payload)
	case order.Read:
		w.fetch(l, e)
	case order.DeadLetterMessage:
		w.deadLetter(l, e)
	case order.Record:
		w.flushNow(l)
	case order.Drained:
		w.laneDrained(l, e.Progress)
	case order.HandlerRefusing, order.HandlerAccepting:
		w.judgeHandler(e.Kind == order.HandlerAccepting)
	case order.Blocked, order.Unblocked, order.Braking, order.Flowing:
		w.judgeLane(l, e)
	case order.ParkMessage, order.Reparked, order.Unpark, order.Returned, order.ReadParked:
		w.carryPark(l, e)
	default:
		panic("run: the sequencer asks for " + e.Kind.String())
	}
	if l != nil {
		w.soil(l)
	}
}

// fetch reads a message again by its position, until it is there or the broker no longer has it. Then a tombstone takes
// its place, so that its key goes on.
func (w *Worker) fetch(l *heldLane, e *order.Effect) {
	if l == nil || l.fenced {
		return
	}
	m := order.Message{Position: e.Position, Sequence: order.Sequence(e.Position), Hash: e.Hash, Key: e.Key}
	w.ask(func(context.Context) func() {
		body, err := w.fetchFor(l.living, l, m.Position)
		gone := errors.Is(err, broker.ErrGone)
		if err != nil && !gone {
			return nil
		}
		if !gone {
			m.Sequence = body.Sequence
		}
		return func() {
			if w.is(l) && l.open {
				m.Payload, m.Size = w.payloads.put(body, gone), uint32(len(body.Data))
				w.seq.Reread(l.number, m)
			}
		}
	})
}

// fetchFor reads one message for a task, again and again until ctx ends. Other errors than its are ErrGone, and those of a
// lane that is another's.
func (w *Worker) fetchFor(ctx context.Context, l *heldLane, at order.Position) (broker.Message, error) {
	found, err := w.insist(ctx, l, request{"reading a message again", l.number, at}, func(ctx context.Context) ([]broker.Message, error) {
		m, err := l.store.Fetch(ctx, at)
		return []broker.Message{m}, err
	})
	if err != nil {
		return broker.Message{}, err
	}
	return found[0], nil
}

// insist makes a request for a task as fetchFor does.
func (w *Worker) insist(ctx context.Context, l *heldLane, r request, do func(context.Context) ([]broker.Message, error)) ([]broker.Message, error) {
	waits, failed := backoff{least: soonest, most: latest}, false
	defer func() {
		if failed {
			w.inbox.post(func() { w.succeeds(r) })
		}
	}()
	for {
		found, err := once(ctx, do)
		switch {
		case err == nil, errors.Is(err, broker.ErrGone):
			return found, err
		case broker.KindOf(err) == broker.Fenced:
			w.inbox.post(func() { w.supersede(l) })
			return nil, err
		}
		if ctx.Err() == nil {
			failed = true
			w.trouble(r, err, func() bool { return w.is(l) })
		}
		if !waits.wait(ctx) {
			return nil, ctx.Err()
		}
	}
}

func once(ctx context.Context, do func(context.Context) ([]broker.Message, error)) ([]broker.Message, error) {
	ctx, cancel := context.WithTimeout(ctx, requestTime)
	defer cancel()
	return do(ctx)
}

// judgeHandler shows that nothing but failures comes back, or that this is over.
func (w *Worker) judgeHandler(accepting bool) {
	if accepting {
		w.setCondition(v1alpha1.ConditionHandlerAccepting, true, v1alpha1.ReasonCallsSucceed, "the handler answers with other than failures")
		return
	}
	w.setCondition(v1alpha1.ConditionHandlerAccepting, false, v1alpha1.ReasonOnlyFailures,
		"nothing but failures comes back; one call is tried from time to time, and no attempt counts; the last: "+w.calls.last)
}
