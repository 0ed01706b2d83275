// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package order

// Release lets a parked key run, from its park, with a fresh count of attempts. It returns false when the key has no park in this lane; a key released before stays so.
func (s *Sequencer) Release(number int32, hash uint64, name string) bool {
	ki := s.find(s.laneIndex(number), hash, name)
	if ki == 0 || s.keys.at(ki).park == 0 {
		return false
	}
	k := s.keys.at(ki)
	if k.state != Parked || s.lanes[k.lane].draining {
		return true
	}
	s.forgetParkedSuspects(k)
	s.parks.at(k.park).released = true
	s.enter(k, released, Resting)
	s.settle(ki, stored)
	return true
}

// forgetParkedSuspects: a release is a person's wish to try again.
func (s *Sequencer) forgetParkedSuspects(k *key) {
	l := &s.lanes[k.lane]
	for i := range l.parkedSuspects {
		if l.parkedSuspects[i].Hash == k.hash {
			l.parkedSuspects[i].taken = true
		}
	}
}

// Discard drops the messages of a parked key that are in the park or on the way there; they count as completed. A call that runs is waited for. The key then returns to its lane. It returns false when the key has no park in this lane.
func (s *Sequencer) Discard(number int32, hash uint64, name string) bool {
	ki := s.find(s.laneIndex(number), hash, name)
	if ki == 0 || s.keys.at(ki).park == 0 {
		return false
	}
	k := s.keys.at(ki)
	if s.lanes[k.lane].draining {
		return true
	}
	s.parks.at(k.park).discard = true
	s.forgetParkedSuspects(k)
	if k.state == Parked {
		s.enter(k, discarded, Resting)
	}
	s.emptyDiscarded(ki)
	s.settle(ki, stored)
	return true
}

// emptyDiscarded removes everything from a park to be discarded, once nothing of it runs or is on its way.
func (s *Sequencer) emptyDiscarded(ki int32) {
	k := s.keys.at(ki)
	p := s.parkOf(k)
	if p == nil || !p.discard || k.call != 0 || p.appending > 0 {
		return
	}
	if k.state == Parked {
		s.enter(k, discarded, Resting)
	}
	if rest := p.durable - p.completed; rest > 0 {
		p.done = p.last
		p.completed = p.durable
		s.closeWindow(&s.lanes[k.lane], p)
		s.unpark(k, p, p.last, rest)
	}
}

// fillWindow reads the next messages of a released key from its park.
func (s *Sequencer) fillWindow(ki int32) {
	k := s.keys.at(ki)
	p := s.parkOf(k)
	if p == nil || !p.released || p.discard || p.requested || p.window.n > readAhead/2 {
		return
	}
	rest := p.durable - p.completed - p.window.n
	if rest <= 0 {
		return
	}
	p.requested = true
	p.read++
	s.emit(Effect{Kind: ReadParked, Lane: s.lanes[k.lane].id, Hash: k.hash, Key: k.name, Sequence: max(p.cursor, p.done), Read: p.read, Count: min(rest, readAhead-p.window.n)})
}

// ParkedMessages answers ReadParked, with its Read number and at least one message, in order. An answer to a read given up since is dropped.
func (s *Sequencer) ParkedMessages(number int32, hash uint64, name string, read uint32, messages []Message) {
	li := s.laneIndex(number)
	ki := s.find(li, hash, name)
	var p *park
	if ki != 0 {
		p = s.parkOf(s.keys.at(ki))
	}
	if p == nil || !p.requested || p.read != read {
		for i := range messages {
			if messages[i].Payload != 0 {
				s.emit(Effect{Kind: Drop, Lane: number, Payload: messages[i].Payload})
			}
		}
		return
	}
	p.requested = false
	for i := range messages {
		s.appendNode(&p.window, node{sequence: messages[i].Sequence, payload: messages[i].Payload})
		s.lanes[li].payloads++
		p.cursor = messages[i].Sequence
	}
	s.readDone(ki)
}

// DeadLettered says that the message is durably at the dead letter destination. It returns false when none of the key is on its way.
func (s *Sequencer) DeadLettered(now Instant, number int32, hash uint64, name string) bool {
	s.advance(now)
	ki := s.find(s.laneIndex(number), hash, name)
	if ki == 0 || s.keys.at(ki).state != DeadLettering {
		return false
	}
	k := s.keys.at(ki)
	l := &s.lanes[k.lane]
	l.storing--
	if s.source(k) {
		p := s.parks.at(k.park)
		n := s.popNode(&p.window)
		l.payloads--
		s.finishParked(ki, n.sequence, n.payload)
	} else {
		s.completeFront(ki)
	}
	s.goOn(ki, stored)
	return true
}
