// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package order

import (
	"fmt"
	"slices"
)

// poll lets the sequencer go on and judges what it wants.
func (w *world) poll() {
	w.buffer = w.seq.Poll(w.now, w.buffer)
	for i := range w.buffer {
		w.judge(w.buffer[i])
		if w.err != nil {
			return
		}
	}
	w.check()
}

func (w *world) judge(e Effect) {
	w.say("  %v lane %d %s pos %d seq %d n %d call %x attempt %d %v", e.Kind, e.Lane, e.Key, e.Position, e.Sequence, e.Count, e.Call, e.Attempt, e.Items)
	w.seen[e.Kind.String()]++
	queue := fmt.Sprint(e.Lane, e.Key)
	switch e.Kind {
	case Start:
		w.judgeStart(e)
	case Complete, Drop, GiveBack:
		w.handBack(e)
	case ParkMessage, Unpark, DeadLetterMessage:
		if w.lanes[e.Lane].revoked && e.Kind == ParkMessage {
			w.fail("append in a draining lane")
		}
		if !w.lanes[e.Lane].fencedOff {
			w.operations = append(w.operations, operation{queue, e})
		}
	case Read:
		w.operations = append(w.operations, operation{fmt.Sprint("read", e.Lane, e.Position), e})
	case ReadParked:
		w.operations = append(w.operations, operation{queue + "read", e})
	case Reparked:
		c := w.convoy(e.Lane, e.Key)
		c.cause, c.released = CauseFailed, false
		if i := slices.IndexFunc(c.store, func(s Sequence) bool { return !c.done[s] || c.replayable[s] }); i >= 0 && c.store[i] != e.Sequence {
			w.fail("reparked %d, head of the store is %d", e.Sequence, c.store[i])
		}
	case Returned:
		if c := w.convoy(e.Lane, e.Key); len(c.store) > 0 {
			w.fail("key %s returned with %v in its park", e.Key, c.store)
		}
	case Drained:
		w.judgeDrained(e)
	case HandlerRefusing, HandlerAccepting:
		w.refusing = e.Kind == HandlerRefusing
	default:
	}
}

func (w *world) handBack(e Effect) {
	if e.Payload != 0 {
		if !w.payloads[e.Payload] {
			w.fail("payload %d handed back twice", e.Payload)
		}
		delete(w.payloads, e.Payload)
	}
	if e.Kind == GiveBack {
		l := w.lanes[e.Lane]
		if n := len(l.given); n > 0 && l.given[n-1] >= e.Position {
			w.fail("gave back %d after %d", e.Position, l.given[n-1])
		}
		l.given = append(l.given, e.Position)
	}
}

// judgeStart holds a start against the truth: nothing of the key may be running, everything before it must be
// concluded, and it must not be repeated without a crash.
func (w *world) judgeStart(e Effect) {
	l, c := w.lanes[e.Lane], w.convoy(e.Lane, e.Key)
	if l.paused || l.revoked {
		w.fail("start while paused (%v) or revoked (%v)", l.paused, l.revoked)
	}
	if e.Epoch != l.epoch || len(e.Items) == 0 || len(e.Items) > w.config.BatchMaxMessages {
		w.fail("start with epoch %d, %d items", e.Epoch, len(e.Items))
	}
	busy, unanswered := 0, 0
	for _, o := range w.calls {
		if o.until <= w.now && (o.lost || o.until == 0) {
			continue
		}
		busy++
		if !o.lost {
			unanswered++
		}
		if o.effect.Lane == e.Lane && o.effect.Key == e.Key {
			w.fail("key %s overlaps itself: %v while %v", e.Key, e.Items, o.items)
		}
		if o.alone {
			w.fail("%v started beside the suspect %v", e.Items, o.items)
		}
	}
	if unanswered >= w.config.MaxInFlightKeys {
		w.fail("%d keys in flight", unanswered+1)
	}
	at, bytes := -1, 0
	for i, item := range e.Items {
		sequence := item.Sequence
		if bytes += int(sizeOf(Position(sequence))); i > 0 && bytes > w.config.BatchMaxBytes {
			w.fail("key %s: batch %v has %d bytes", e.Key, e.Items, bytes)
		}
		if l.suspects[sequence] && (busy > 0 || len(e.Items) > 1) {
			w.fail("suspect %d started beside %d others", sequence, busy)
		}
		if !w.payloads[item.Payload] {
			w.fail("start without payload")
		}
		n, found := slices.BinarySearch(c.sequences, sequence)
		if !found || (i > 0 && n != at+1) {
			w.fail("key %s: batch %v is not consecutive", e.Key, e.Items)
		}
		at = n
		if c.done[sequence] && !c.replayable[sequence] {
			w.fail("key %s: %d is repeated without cause", e.Key, sequence)
		}
	}
	for _, before := range c.sequences[:at-len(e.Items)+1] {
		if !c.done[before] {
			w.fail("key %s: %v started before %d", e.Key, e.Items, before)
		}
	}
	if l.suspects[e.Items[0].Sequence] {
		w.judgeSurvivors(e)
	}
	w.calls = append(w.calls, &worldCall{effect: e, items: slices.Clone(e.Items), until: w.now + Instant(w.config.Timeout), alone: l.suspects[e.Items[0].Sequence]})
	if c.killer != 0 && e.Items[0].Sequence == c.killer && w.hostile {
		c.kills++
		if c.kills > w.config.MaxAttempts+1 {
			w.fail("message %d killed %d workers", c.killer, c.kills)
		}
		w.calls[len(w.calls)-1].kills = true
	}
}

// judgeSurvivors: when a suspect starts, no record charges one that has succeeded, for this one may kill the worker.
func (w *world) judgeSurvivors(e Effect) {
	for _, l := range w.lanes {
		for _, a := range l.record.Attempts {
			if l.open && !l.fencedOff && l.survived[a.Sequence] {
				w.fail("%v started while the record of lane %d charges %d, which succeeded", e.Items, l.number, a.Sequence)
			}
		}
	}
}

// judgeDrained holds the last word of a lane against the truth.
func (w *world) judgeDrained(e Effect) {
	l := w.lanes[e.Lane]
	var open []Position
	for _, m := range l.messages {
		c := w.convoy(e.Lane, m.Key)
		safe := (c.done[m.Sequence] && !c.replayable[m.Sequence]) || slices.Contains(c.store, m.Sequence)
		covered := e.Progress.Covers(m.Position)
		if covered && !safe && !c.done[m.Sequence] {
			w.fail("progress claims %d, which is lost", m.Position)
		}
		if !covered && m.Position <= e.Progress.Taken {
			open = append(open, m.Position)
			if safe && !w.fenced(e) {
				w.fail("a clean drain will repeat %d", m.Position)
			}
		}
	}
	if !slices.Equal(open, l.given) {
		w.fail("gave back %v, open are %v", l.given, open)
	}
	if e.Progress.Outstanding != len(open) {
		w.fail("%d are outstanding, open are %v", e.Progress.Outstanding, open)
	}
	for _, c := range w.calls {
		if c.effect.Lane == e.Lane && c.until > w.now {
			w.fail("drained while %v may run", c.items)
		}
	}
	l.open = false
	if !w.fenced(e) {
		l.record, l.clean = *e.Progress, true
		if len(l.record.Ranges) > len(open)+len(l.messages) {
			w.fail("%d ranges for %d open messages", len(l.record.Ranges), len(open))
		}
	}
	w.operations = slices.DeleteFunc(w.operations, func(o operation) bool { return o.effect.Lane == e.Lane })
	if w.fenced(e) {
		w.forgetUnrecorded(l)
	}
}

func (w *world) fenced(e Effect) bool { return w.lanes[e.Lane].fencedOff }

// apply carries an operation out in the broker and, unless the process is gone, answers it.
func (w *world) apply(op operation, answer bool) {
	e := op.effect
	l, c := w.lanes[e.Lane], w.convoy(e.Lane, e.Key)
	switch e.Kind {
	case ParkMessage:
		if !slices.Contains(c.store, e.Sequence) {
			if n := len(c.store); n > 0 && c.store[n-1] > e.Sequence {
				w.fail("key %s: %d appended behind %v", e.Key, e.Sequence, c.store)
			}
			if len(c.store) == 0 {
				c.cause, c.released = e.Cause, false
			}
			c.store = append(c.store, e.Sequence)
		}
		if answer && !w.seq.Parked(w.now, e.Lane, c.hash, e.Key, e.Sequence) {
			w.fail("append of %d not accepted", e.Sequence)
		}
	case Unpark:
		n := len(c.store)
		c.store = slices.DeleteFunc(c.store, func(s Sequence) bool {
			if s <= e.Sequence && !c.done[s] {
				c.done[s] = true
				w.seen["discarded"]++
			}
			return s <= e.Sequence
		})
		if answer && n-len(c.store) != int(e.Count) {
			w.fail("key %s: unpark of %d removed %d", e.Key, e.Count, n-len(c.store))
		}
		if answer && !w.seq.Unparked(w.now, e.Lane, c.hash, e.Key, e.Count) {
			w.fail("removal of %d not accepted", e.Sequence)
		}
	case DeadLetterMessage:
		c.conclude(e.Sequence)
		if answer && !w.seq.DeadLettered(w.now, e.Lane, c.hash, e.Key) {
			w.fail("dead letter %d not accepted", e.Sequence)
		}
	case Read:
		i := slices.IndexFunc(l.messages, func(m Message) bool { return m.Position == e.Position })
		if answer {
			m := l.messages[i]
			m.Payload = w.body()
			w.seq.Reread(e.Lane, m)
		}
	case ReadParked:
		if answer {
			w.readParked(e, c)
		}
	default:
	}
}

func (w *world) readParked(e Effect, c *worldConvoy) {
	var found []Message
	for _, sequence := range c.store {
		if sequence > e.Sequence && len(found) < int(e.Count) {
			found = append(found, Message{Sequence: sequence, Hash: c.hash, Key: e.Key, Payload: w.body(), Size: sizeOf(Position(sequence))})
		}
	}
	w.seq.ParkedMessages(e.Lane, c.hash, e.Key, e.Read, found)
}

func (c *worldConvoy) conclude(sequence Sequence) {
	c.done[sequence] = true
	delete(c.replayable, sequence)
}
