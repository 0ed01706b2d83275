// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package sim

import (
	"slices"

	"convoy.dev/convoy/worker/order"
)

// store carries out one of the sequencer's store operations at the broker. Writes are conditional on the epoch
// record, so that nothing a zombie sends counts, and on the write before, so that a copy of a repeated write that
// comes late changes nothing.
func (b *broker) store(e *order.Effect, w *worker, l *heldLane, number int) error {
	if e.Kind == order.Read || e.Kind == order.ReadParked {
		return nil
	}
	if !b.owns(laneUnit(e.Lane), l.token, w.run.uid) && !b.w.faults.anyPark {
		return errFenced
	}
	log := b.lanes[e.Lane]
	if log.storedBy == l.token && number <= log.stored && !b.w.faults.unchainedPark {
		return nil
	}
	log.stored, log.storedBy = number, l.token
	if b.w.story.on {
		b.w.tell(about{lane: unitName(laneUnit(e.Lane)), key: e.Key}, "broker: %v %d", e.Kind, e.Sequence)
	}
	switch e.Kind {
	case order.ParkMessage:
		b.park(e, log)
	case order.DeadLetterMessage:
		b.w.check.deadLettered(e.Key, e.Sequence)
	default:
		if p := log.park.values[e.Key]; p != nil {
			p.change(e, log)
		}
	}
	return nil
}

// park appends a message to its key's sub-lane, once.
func (b *broker) park(e *order.Effect, log *laneLog) {
	p := log.park.values[e.Key]
	if p == nil {
		p = &parkedKey{hash: e.Hash, released: e.Cause == order.CauseLookAhead}
		log.park.set(e.Key, p)
	}
	if slices.Contains(p.sequences, e.Sequence) {
		return
	}
	if n := len(p.sequences); n > 0 && p.sequences[n-1] > e.Sequence {
		b.w.check.parkedOutOfOrder(e, p.sequences[n-1])
	}
	p.sequences = append(p.sequences, e.Sequence)
}

// change is what becomes of a key that is parked.
func (p *parkedKey) change(e *order.Effect, log *laneLog) {
	switch e.Kind {
	case order.Unpark:
		p.sequences = slices.DeleteFunc(p.sequences, func(s order.Sequence) bool { return s <= e.Sequence })
	case order.Reparked:
		p.released, p.wished = false, false
	case order.Returned:
		if len(p.sequences) == 0 {
			log.park.drop(e.Key)
		}
	default:
	}
}

// parkedMessages are a key's messages in the park after a sequence.
func (b *broker) parkedMessages(e *order.Effect) []order.Message {
	var found []order.Message
	p := b.lanes[e.Lane].park.values[e.Key]
	if p == nil {
		return nil
	}
	for _, s := range p.sequences {
		if s > e.Sequence && len(found) < int(e.Count) {
			found = append(found, order.Message{Sequence: s, Hash: p.hash, Key: e.Key, Payload: order.Payload(s)})
		}
	}
	return found
}
