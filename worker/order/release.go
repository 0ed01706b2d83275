// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package order

// Release lets a parked key run, from its park, with a fresh count of attempts. It returns false when the key has no
// park in this lane; a key released before stays so.
func (s *Sequencer) Release(number int32, hash uint64, name string) bool {
	ki := s.find(s.laneIndex(number), hash, name)
	if ki == 0 || !s.hasPark(ki) {
		return false
	}
	k := s.keys.at(ki)
	if k.state != Parked || s.lanes[k.lane].draining {
		return true
	}
	s.grantAttempts(k)
	s.resetAttempts(ki)
	s.parks.at(k.park).released = true
	s.enter(k, released, Resting)
	s.settle(ki, stored)
	return true
}

func (s *Sequencer) hasPark(ki int32) bool {
	p := s.parkOf(s.keys.at(ki))
	return p != nil && !p.returned
}

// grantAttempts: a release is a person's wish to try again. Suspects of the key stay suspects, and run alone.
func (s *Sequencer) grantAttempts(k *key) {
	l := &s.lanes[k.lane]
	for i := range l.suspects {
		if a := &l.suspects[i]; a.Key == k.name && a.Sequence <= s.parks.at(k.park).last {
			a.Attempts = 0
		}
	}
}

// Discard drops the messages of a parked key that are in the park or on the way there; they count as completed. A call
// that runs is waited for. The key then returns to its lane. It returns false when the key has no park in this lane.
func (s *Sequencer) Discard(number int32, hash uint64, name string) bool {
	ki := s.find(s.laneIndex(number), hash, name)
	if ki == 0 || !s.hasPark(ki) {
		return false
	}
	k := s.keys.at(ki)
	if s.lanes[k.lane].draining {
		return true
	}
	s.parks.at(k.park).discard = true
	if k.state == Parked {
		s.clearAttempts(ki)
		s.enter(k, discarded, Resting)
	}
	s.emptyDiscarded(ki)
	s.readOn(ki)
	s.settle(ki, stored)
	return true
}

// emptyDiscarded removes everything from a park to be discarded, once nothing of it runs or is on its way.
func (s *Sequencer) emptyDiscarded(ki int32) {
	k := s.keys.at(ki)
	p := s.parkOf(k)
	if p == nil || !p.discard || k.call != 0 || k.state == DeadLettering || p.appending > 0 {
		return
	}
	if k.state == Parked {
		s.clearAttempts(ki)
		s.enter(k, discarded, Resting)
	}
	if rest := p.durable - p.completed; rest > 0 {
		p.done = p.last
		p.completed = p.durable
		s.closeWindow(&s.lanes[k.lane], p)
		s.unpark(k, p.last, rest)
	}
}

// fillWindow reads the next messages of a released key from its park, within the buffer but at least the given number.
func (s *Sequencer) fillWindow(ki, least int32) {
	k := s.keys.at(ki)
	p := s.parkOf(k)
	if p == nil || !p.released || p.discard || p.requested > 0 || p.window.n > s.ahead()/2 {
		return
	}
	count := min(p.durable-p.completed-p.window.n, max(least-p.window.n, min(s.ahead()-p.window.n, int32(s.free(k)))))
	if count <= 0 {
		return
	}
	l := &s.lanes[k.lane]
	p.requested = count
	s.reads++
	p.read = s.reads
	l.payloads += count
	s.emit(Effect{Kind: ReadParked, Lane: l.id, Hash: k.hash, Key: k.name, Sequence: max(p.cursor, p.done), Read: p.read, Count: count})
}

// ParkedMessages answers ReadParked, with its Read number and at least one message, in order. An answer to a read given
// up since is dropped.
func (s *Sequencer) ParkedMessages(number int32, hash uint64, name string, read uint32, messages []Message) {
	p, ki := s.reading(number, hash, name, read)
	if p == nil {
		for i := range messages {
			if messages[i].Payload != 0 {
				s.emit(Effect{Kind: Drop, Lane: number, Payload: messages[i].Payload})
			}
		}
		return
	}
	s.lanes[s.keys.at(ki).lane].payloads += int32(len(messages)) - p.requested
	p.requested = 0
	for i := range messages {
		s.appendNode(&p.window, node{sequence: messages[i].Sequence, payload: messages[i].Payload, size: messages[i].Size})
		p.cursor = messages[i].Sequence
	}
	s.readDone(ki)
}

// reading finds the park whose read is under way; nil when it was given up.
func (s *Sequencer) reading(number int32, hash uint64, name string, read uint32) (*park, int32) {
	ki := s.find(s.laneIndex(number), hash, name)
	if ki == 0 {
		return nil, 0
	}
	if p := s.parkOf(s.keys.at(ki)); p != nil && p.requested > 0 && p.read == read {
		return p, ki
	}
	return nil, 0
}

// DeadLettered says that the message is durably at the dead letter destination. It returns false when none of the key
// is on its way.
func (s *Sequencer) DeadLettered(now Instant, number int32, hash uint64, name string) bool {
	s.advance(now)
	ki := s.find(s.laneIndex(number), hash, name)
	if ki == 0 || s.keys.at(ki).state != DeadLettering {
		return false
	}
	k := s.keys.at(ki)
	l := &s.lanes[k.lane]
	l.storing--
	s.finishDeadLetter(ki)
	s.goOn(ki, stored)
	return true
}

// finishDeadLetter completes the message, wherever it is by now: an append may have overtaken it.
func (s *Sequencer) finishDeadLetter(ki int32) {
	k := s.keys.at(ki)
	p := s.parkOf(k)
	item := k.tried
	k.tried = Item{}
	s.clearAttempts(ki)
	switch {
	case item.Position != 0 && p != nil && p.appending > 0:
		p.done = item.Sequence
	case item.Position != 0:
		s.completeFront(ki)
	case p.window.n > 0 && s.nodes.at(p.window.head).sequence == item.Sequence:
		s.lanes[k.lane].payloads--
		s.finishParked(ki, item.Sequence, s.popNode(&p.window).payload)
	default:
		s.finishParked(ki, item.Sequence, item.Payload)
	}
}
