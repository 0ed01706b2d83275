// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package workertest

import (
	"context"
	"slices"

	"convoy.dev/convoy/worker/broker"
	"convoy.dev/convoy/worker/deliver"
	"convoy.dev/convoy/worker/lane"
	"convoy.dev/convoy/worker/order"
)

// settle does what can be done at this instant.
func (w *World) settle() {
	for {
		w.feed()
		w.effects = w.seq.Poll(w.now, w.effects)
		if len(w.effects) == 0 {
			return
		}
		// Carrying an effect out gives the sequencer events, but it adds no effects before the next Poll.
		for _, e := range w.effects {
			w.carry(e)
		}
	}
}

// feed hands over what there is room for.
func (w *World) feed() {
	for credit := w.seq.Credit(0); credit > 0 && w.pending < len(w.messages); credit-- {
		if !w.seq.Message(0, w.entry(w.pending)) {
			return
		}
		w.pending++
	}
}

// entry is a message as the sequencer knows it. Its handle is its position.
func (w *World) entry(at int) order.Message {
	m := &w.messages[at]
	return order.Message{
		Position: m.Position, Sequence: m.Sequence, Hash: lane.Hash(m.key), Key: m.key, Payload: order.Payload(m.Position), Size: uint32(len(m.Data)),
	}
}

// carry does one thing that the sequencer asks for; the parking store and the dead letters are in memory, and every write of
// theirs succeeds.
func (w *World) carry(e order.Effect) {
	switch e.Kind {
	case order.Start:
		w.call(&e)
	case order.Read:
		w.seq.Reread(0, w.entry(int(e.Position-1)))
	case order.ParkMessage:
		w.parked[e.Key] = append(w.parked[e.Key], e.Sequence)
		w.seq.Parked(w.now, 0, e.Hash, e.Key, e.Sequence)
	case order.ReadParked:
		var found []order.Message
		for _, sequence := range w.parked[e.Key] {
			if sequence > e.Sequence && len(found) < int(e.Count) {
				m := w.entry(int(sequence - 1))
				m.Position = 0
				found = append(found, m)
			}
		}
		w.seq.ParkedMessages(0, e.Hash, e.Key, e.Read, found)
	case order.Unpark:
		w.parked[e.Key] = slices.DeleteFunc(w.parked[e.Key], func(sequence order.Sequence) bool { return sequence <= e.Sequence })
		w.seq.Unparked(w.now, 0, e.Hash, e.Key, e.Count)
	case order.DeadLetterMessage:
		w.letters = append(w.letters, w.message(e.Sequence))
		w.seq.DeadLettered(w.now, 0, e.Hash, e.Key)
	case order.Record:
		var progress order.Progress
		w.seq.Snapshot(0, &progress)
		w.seq.Flushed(0, progress.Version)
	case order.HandlerRefusing, order.HandlerAccepting:
		w.refusing = e.Kind == order.HandlerRefusing
	default:
	}
}

// call calls the handler, and waits for it.
func (w *World) call(e *order.Effect) {
	call := &deliver.Call{Key: e.Key, Lane: e.Lane, Epoch: int64(e.Epoch), Attempt: e.Attempt}
	made := Call{At: w.Now(), Key: e.Key, Attempt: e.Attempt}
	for i, item := range e.Items {
		m := w.messages[item.Sequence-1].Message
		made.Messages = append(made.Messages, uint64(item.Sequence))
		if i == 0 {
			call.Message = &m
			continue
		}
		call.Rest = append(call.Rest, m)
	}
	outcome := w.handler.Deliver(context.Background(), call)
	made.Outcome, made.Rejected, made.Completed = outcome.Kind.String(), outcome.Permanent, outcome.Completed
	switch outcome.Kind {
	case deliver.Done:
		made.Completed = call.Len()
		w.seq.Done(w.now, e.Call)
	case deliver.Failed:
		w.seq.Failed(w.now, e.Call, order.Failure{Completed: outcome.Completed, Permanent: outcome.Permanent, RetryAfter: int64(outcome.RetryAfter)})
	default:
		w.seq.TimedOut(w.now, e.Call, w.now)
	}
	w.calls = append(w.calls, made)
	for _, m := range append([]broker.Message{*call.Message}, call.Rest...)[:made.Completed] {
		w.completed = append(w.completed, w.message(m.Sequence))
	}
}
