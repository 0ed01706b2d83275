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
	default:
		// ReadParked, ParkMessage, Reparked, Unpark, Returned: there is no park, so that nothing asks for it.
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
	at, hash, name := e.Position, e.Hash, e.Key
	w.ask(func(context.Context) func() {
		waits := backoff{least: soonest, most: latest}
		for {
			m, err := w.fetchOnce(l, at)
			switch {
			case err == nil:
				return func() {
					w.fetched(l, order.Message{Position: at, Sequence: m.Sequence, Hash: hash, Key: name}, m, false)
				}
			case errors.Is(err, broker.ErrGone):
				return func() {
					w.config.Log.Warn("a message is gone from the broker before its turn", "lane", l.number, "position", at)
					w.fetched(l, order.Message{Position: at, Sequence: order.Sequence(at), Hash: hash, Key: name}, m, true)
				}
			case broker.KindOf(err) == broker.Fenced:
				return func() { w.supersede(l) }
			}
			if l.living.Err() == nil {
				w.trouble("reading a message again", l.number, err)
			}
			if !waits.wait(l.living) {
				return nil
			}
		}
	})
}

func (w *Worker) fetchOnce(l *heldLane, at order.Position) (broker.Message, error) {
	ctx, cancel := context.WithTimeout(l.living, requestTime)
	defer cancel()
	return l.store.Fetch(ctx, at)
}

func (w *Worker) fetched(l *heldLane, m order.Message, body broker.Message, gone bool) {
	if !w.is(l) || !l.open {
		return
	}
	m.Payload = w.payloads.put(body, gone)
	w.seq.Reread(l.number, m)
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
