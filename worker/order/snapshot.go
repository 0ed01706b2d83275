// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package order

// Snapshot fills p, reusing its slices, with what is to be flushed for the lane. It returns false when the lane is not
// open.
func (s *Sequencer) Snapshot(number int32, p *Progress) bool {
	li := s.laneIndex(number)
	if li == 0 {
		return false
	}
	l := &s.lanes[li]
	l.version++
	*p = Progress{Ranges: p.Ranges[:0], Attempts: p.Attempts[:0], Returned: p.Returned[:0], Version: l.version}
	l.ledger.snapshot(p)
	if l.careful > p.LowWater {
		p.Careful = l.careful
	}
	if l.careful != 0 && !l.passed {
		s.appendReturned(li, p)
	}
	for ki := l.tried; ki != 0; ki = s.keys.at(ki).triedNext {
		s.appendAttempts(p, s.keys.at(ki))
	}
	for ci := range s.calls {
		if c := &s.calls[ci]; c.active && s.keys.at(c.key).lane == li && !s.keys.at(c.key).inTried {
			s.appendAttempts(p, s.keys.at(c.key))
		}
	}
	for i := range l.suspects {
		if a := &l.suspects[i]; !a.taken {
			p.Attempts = append(p.Attempts, a.Attempt)
		}
	}
	return true
}

// appendAttempts notes the message a key has tried, and the others in its call.
func (s *Sequencer) appendAttempts(p *Progress, k *key) {
	p.Attempts = append(p.Attempts, Attempt{
		Position: k.tried.Position, Sequence: k.tried.Sequence, Hash: k.hash, Key: k.name,
		Attempts: k.attempts, Suspect: k.suspect && k.call == 0,
	})
	if k.call == 0 {
		return
	}
	c := &s.calls[k.call]
	for i := 1; i < len(c.items); i++ {
		position := c.items[i].Position
		if i < c.owned {
			position = 0
		}
		p.Attempts = append(p.Attempts, Attempt{Position: position, Sequence: c.items[i].Sequence, Hash: k.hash, Key: k.name, Attempts: 1})
	}
}

// appendReturned notes what was run from the parks: all that was in an empty one, and what is being removed from another.
func (s *Sequencer) appendReturned(li int32, p *Progress) {
	for ki := range s.keys.items {
		k := &s.keys.items[ki]
		at := s.parkOf(k)
		if k.lane != li || at == nil {
			continue
		}
		if last := at.gone(); last != 0 {
			p.Returned = append(p.Returned, ReturnedKey{Hash: k.hash, Key: k.name, Last: last})
		}
	}
}

// gone is the newest message that is not in the store any more, or may not be by the time that somebody looks.
func (p *park) gone() Sequence {
	switch {
	case !p.holds():
		return p.last
	case p.completed > 0:
		return p.done
	}
	return 0
}

// Flushed says that the snapshot of that version is durable. Starts that waited for it are made at the next Poll.
func (s *Sequencer) Flushed(number int32, version uint64) {
	li := s.laneIndex(number)
	if li == 0 {
		return
	}
	l := &s.lanes[li]
	l.flushed = max(l.flushed, min(version, l.version))
	last := int32(0)
	for ki := l.recording.head; ki != 0 && s.keys.at(ki).recordAt <= l.flushed; ki = s.keys.at(ki).next {
		last = ki
	}
	for ki := last; ki != 0; {
		before := s.keys.at(ki).prev
		s.unlink(&l.recording, ki)
		s.makeReady(ki, flushed, true)
		ki = before
	}
}

// awaitRecord queues a key until its attempt is in a durable record. Versions only grow, so the queue is in their order
// but for keys that waited out a retry; those are let in front.
func (s *Sequencer) awaitRecord(ki int32) {
	k := s.keys.at(ki)
	l := &s.lanes[k.lane]
	if l.recording.n > 0 && k.recordAt < s.keys.at(l.recording.tail).recordAt {
		s.pushFront(&l.recording, ki)
	} else {
		s.pushBack(&l.recording, ki)
	}
	s.askRecord(l)
}

// askRecord asks for a snapshot to be made durable, once for each version.
func (s *Sequencer) askRecord(l *lane) {
	if l.asked <= l.version {
		l.asked = l.version + 1
		s.emit(Effect{Kind: Record, Lane: l.id})
	}
}
