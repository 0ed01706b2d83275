// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package run

import (
	"convoy.dev/convoy/api/v1alpha1"
	"convoy.dev/convoy/worker/order"
)

// readAhead and readAheadBytes are how many messages of a lane, and of what size, may wait for the sequencer to have room
// before its reader waits, too.
const (
	readAhead      = 256
	readAheadBytes = 1 << 20
)

// feed is what was read of a lane and not taken by the sequencer yet.
type feed struct {
	pending []arrival
	head    int
	bytes   int
	// more lets the reader bring the next batch. It has room for one, which is what a reader waits for.
	more chan struct{}
	// waits says that the reader has brought a batch and was not asked for more.
	waits bool
	// covered is the progress at the opening.
	covered order.Progress
	// letter says that the first message has no key and is on its way to the dead letters.
	letter bool
}

func newFeed() feed { return feed{more: make(chan struct{}, 1)} }

func (f *feed) len() int { return len(f.pending) - f.head }

func (f *feed) clear() { f.pending, f.head, f.bytes = nil, 0, 0 }

// push appends a batch behind what is left. What was popped makes room for it: while a lane has a backlog it never runs empty.
func (f *feed) push(batch []arrival) {
	left := copy(f.pending, f.pending[f.head:])
	clear(f.pending[left:])
	f.pending, f.head = append(f.pending[:left], batch...), 0
	for i := range batch {
		f.bytes += len(batch[i].message.Data)
	}
}

func (f *feed) pop() {
	f.bytes -= len(f.pending[f.head].message.Data)
	f.pending[f.head] = arrival{}
	f.head++
}

// ask asks the reader for more when there is room.
func (f *feed) ask() {
	if f.waits && f.len() < readAhead && f.bytes < readAheadBytes {
		f.waits = false
		f.more <- struct{}{}
	}
}

// arrived takes what a reader has brought.
func (w *Worker) arrived(l *heldLane, batch []arrival) {
	if !w.is(l) || l.stopped || l.fenced {
		return
	}
	l.feed.push(batch)
	l.feed.waits = true
	if w.config.Routing.Lanes > 0 {
		w.prove() // Nothing comes into a Routed lane before some message has had a key.
	}
	w.met(batch)
}

// feedAll hands messages to the sequencer as it has room for them, lane by lane; false when none was handed over.
func (w *Worker) feedAll() bool {
	fed := false
	for _, l := range w.lanes.round {
		if l.open && !l.stopped && !l.fenced {
			fed = w.feedLane(l) || fed
			l.feed.ask()
		}
	}
	return fed
}

func (w *Worker) feedLane(l *heldLane) bool {
	if l.feed.len() == 0 {
		return false
	}
	fed := false
	if _, told := w.halts[v1alpha1.ConditionLaneBlocked][l.number]; !told && w.seq.Full(l.number) && l.feed.pending[l.feed.head].noKey == nil {
		w.take(l, &l.feed.pending[l.feed.head]) // It is refused, and the sequencer says which key is in the way.
	}
	for credit := w.seq.Credit(l.number); credit > 0 && l.feed.len() > 0; credit-- {
		a := &l.feed.pending[l.feed.head]
		if a.noKey != nil {
			if !w.pass(l, a) {
				break
			}
			continue
		}
		if !w.take(l, a) {
			break
		}
		fed = true
	}
	return fed
}

// take hands one message to the sequencer; one that it refuses comes first again later.
func (w *Worker) take(l *heldLane, a *arrival) bool {
	handle := w.payloads.put(a.message, false)
	if !w.seq.Message(l.number, order.Message{
		Position: a.message.Position, Sequence: a.message.Sequence, Hash: a.hash, Key: a.key, Payload: handle, Size: uint32(len(a.message.Data)),
	}) {
		w.payloads.drop(handle)
		return false
	}
	w.soil(l)
	l.feed.pop()
	return true
}
