// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package order

// readAhead is how many payloads of a key are read back at a time when it runs from positions or from the park; or two
// calls' worth, if that is more.
const readAhead = 32

func (s *Sequencer) ahead() int32 { return int32(max(readAhead, 2*s.config.BatchMaxMessages)) }

// Message takes the next message of the lane; positions ascend. It returns false when the message was not taken: the
// lane is not open, drains, or its look-ahead is full. The payload then stays the caller's, and the same message must
// come first when the caller tries again (an accepted successor would be a lost message); Credit says when. A message
// seen before, or completed by an earlier owner, is taken and dropped.
func (s *Sequencer) Message(number int32, m Message) bool {
	li := s.laneIndex(number)
	if li == 0 {
		return false
	}
	l := &s.lanes[li]
	if l.draining || (l.refused != 0 && m.Position > l.refused) {
		return false
	}
	if m.Position <= l.ledger.taken {
		s.drop(l, m.Payload)
		return true
	}
	taken := s.take(li, m)
	if l.careful != 0 && !l.passed && l.ledger.taken >= l.careful {
		s.forgetReturned(li)
	}
	return taken
}

// take takes a message that was not seen before.
func (s *Sequencer) take(li int32, m Message) bool {
	l := &s.lanes[li]
	if l.ledger.completedBefore(m.Position) {
		s.skip(l, m)
		return true
	}
	ki := s.find(li, m.Hash, m.Key)
	if ki != 0 && s.inPark(ki, m.Sequence) {
		s.skip(l, m)
		s.emit(Effect{Kind: Complete, Lane: l.id, Position: m.Position, Sequence: m.Sequence, Hash: m.Hash, Key: m.Key})
		return true
	}
	if s.fullOf(l) {
		s.refuse(li, m.Position)
		return false
	}
	l.refused = 0
	s.unblock(l)
	if ki == 0 {
		ki = s.addKey(li, m.Hash, m.Key)
	}
	s.append(ki, m)
	return true
}

func (s *Sequencer) drop(l *lane, payload Payload) {
	if payload != 0 {
		s.emit(Effect{Kind: Drop, Lane: l.id, Payload: payload})
	}
}

// skip passes a message that needs no run.
func (s *Sequencer) skip(l *lane, m Message) {
	l.refused = 0
	l.ledger.skip(m.Position)
	s.drop(l, m.Payload)
}

// append puts a message at the end of its key's convoy, with its payload when the key is within its share of the
// buffer.
func (s *Sequencer) append(ki int32, m Message) {
	k := s.keys.at(ki)
	l := &s.lanes[k.lane]
	ordinal := l.ledger.add(m.Position)
	if k.spill.count == 0 && s.withinShare(l, k) {
		ni := s.appendNode(&k.front, node{position: m.Position, sequence: m.Sequence, payload: m.Payload, ordinal: ordinal, size: m.Size})
		l.payloads++
		if p := s.parkOf(k); p != nil && p.nextMove == 0 {
			p.nextMove = ni
		}
	} else {
		s.pushSpill(&k.spill, m.Position)
		s.drop(l, m.Payload)
	}
	switch {
	case k.park != 0 && !s.parks.at(k.park).returned:
		s.move(ki)
	case s.outgrown(l, k):
		s.divert(ki)
	}
	s.settle(ki, arrived)
}

// withinShare is the threshold for payloads: a key may hold as many as are free, so that any number of hot keys leaves
// room for one more key. (Choudhury and Hahne, Dynamic queue length thresholds for shared-memory packet switches, 1998,
// with alpha 1.)
func (s *Sequencer) withinShare(l *lane, k *key) bool {
	free := s.config.Buffer - int(l.payloads)
	return free > 0 && int(k.front.n) < free
}

// outgrown is the same threshold for the look-ahead: a key beyond it is diverted. Block diverts nothing, nor does a worker
// without a park.
func (s *Sequencer) outgrown(l *lane, k *key) bool {
	if s.config.OnFailure == Block || s.config.NoPark || int(l.parked) >= s.config.ParkMaxKeys {
		return false
	}
	return int(k.front.n+k.spill.count) > s.config.LookAhead-l.ledger.outstanding
}

// refuse turns the message at pos away and names the key that holds most of the look-ahead.
func (s *Sequencer) refuse(li int32, pos Position) {
	l := &s.lanes[li]
	l.refused = pos
	if l.blocked {
		return
	}
	l.blocked = true
	most := int32(0)
	for i := range s.keys.items {
		k := &s.keys.items[i]
		if k.lane == li && (most == 0 || k.front.n+k.spill.count > s.keys.at(most).front.n+s.keys.at(most).spill.count) {
			most = int32(i)
		}
	}
	k := s.keys.at(most)
	s.emit(Effect{Kind: Blocked, Cause: s.unparkable(l, k), Lane: l.id, Hash: k.hash, Key: k.name, Count: k.front.n + k.spill.count})
}

// unparkable is the bound that keeps a key's messages out of the park; 0 if none does, or there is no park.
func (s *Sequencer) unparkable(l *lane, k *key) Cause {
	p := s.parkOf(k)
	switch {
	case s.config.OnFailure != Park || s.config.NoPark:
		return 0
	case p == nil && int(l.parked) >= s.config.ParkMaxKeys:
		return CauseMaxKeys
	case p != nil && !s.mayAppend(p):
		return CauseMaxMessages
	}
	return 0
}

// unblock waits until an eighth of the look-ahead is free, so that a lane at its bound does not say so at every
// message.
func (s *Sequencer) unblock(l *lane) {
	if l.blocked && l.ledger.outstanding < s.config.LookAhead-s.config.LookAhead/8 {
		l.blocked = false
		s.emit(Effect{Kind: Unblocked, Lane: l.id})
	}
}

// pull turns up to want positions of the key's spill into nodes and asks for their payloads.
func (s *Sequencer) pull(ki int32, want int) {
	k := s.keys.at(ki)
	l := &s.lanes[k.lane]
	for ; want > 0 && k.spill.count > 0; want-- {
		pos := s.popSpill(&k.spill)
		ni := s.appendNode(&k.front, node{position: pos, ordinal: noEntry})
		l.payloads++
		if p := s.parkOf(k); p != nil && p.nextMove == 0 {
			p.nextMove = ni
		}
		s.emit(Effect{Kind: Read, Lane: l.id, Position: pos, Hash: k.hash, Key: k.name})
	}
}

// prefetch reads back before the key runs dry, within the buffer but at least the given number of messages.
func (s *Sequencer) prefetch(ki int32, least int) {
	k := s.keys.at(ki)
	if k.spill.count == 0 || k.front.n > s.ahead()/2 {
		return
	}
	s.pull(ki, max(least-int(k.front.n), min(int(s.ahead()-k.front.n), s.free(k))))
}

// yieldBuffer lets a key that waits give its payloads up when its lane holds more than its buffer: they came at the
// key's turn.
func (s *Sequencer) yieldBuffer(ki int32) {
	k := s.keys.at(ki)
	l := &s.lanes[k.lane]
	if int(l.payloads) <= s.config.Buffer {
		return
	}
	if p := s.parkOf(k); p != nil {
		s.closeWindow(l, p)
		return
	}
	var back spill
	for k.front.n > 0 {
		n := s.popNode(&k.front)
		l.payloads--
		s.drop(l, n.payload)
		s.pushSpill(&back, n.position)
	}
	s.prependSpill(&k.spill, back)
}

// free is the room in the buffer of the key's lane; negative when messages at their turn exceed it.
func (s *Sequencer) free(k *key) int { return s.config.Buffer - int(s.lanes[k.lane].payloads) }

// Reread answers Read. An answer for a lane or message that is gone is dropped.
func (s *Sequencer) Reread(number int32, m Message) {
	li := s.laneIndex(number)
	if li == 0 {
		s.emit(Effect{Kind: Drop, Lane: number, Payload: m.Payload})
		return
	}
	l := &s.lanes[li]
	ki := s.find(li, m.Hash, m.Key)
	n := s.awaited(ki, m.Position)
	if n == nil {
		s.drop(l, m.Payload)
		return
	}
	n.payload, n.sequence, n.size = m.Payload, m.Sequence, m.Size
	s.move(ki)
	s.readDone(ki)
}

// awaited finds the node whose payload is asked for; they are few, and at the front.
func (s *Sequencer) awaited(ki int32, pos Position) *node {
	if ki == 0 {
		return nil
	}
	for ni := s.keys.at(ki).front.head; ni != 0; ni = s.nodes.at(ni).next {
		if n := s.nodes.at(ni); n.position == pos && n.payload == 0 {
			return n
		}
	}
	return nil
}

// readDone gives a key its turn back once the payload it waited for is there.
func (s *Sequencer) readDone(ki int32) {
	k := s.keys.at(ki)
	if k.state == Reading && s.headReady(k) {
		s.makeReady(ki, answered, true)
	}
}
