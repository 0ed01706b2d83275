// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package order

// moveWindow is how many appends to one key's park are under way at a time.
const moveWindow = 32

// park is what a key has in the parking store, or on the way there. The store holds a contiguous piece of the convoy that begins with its oldest message not completed; front and spill are newer. So a message of the key that comes from the lane with a sequence up to last is
// in the store, or was completed from there.
type park struct {
	// durable counts the messages in the store; the first completed of them are completed and their removal is under way.
	durable, completed int32
	// appending counts the messages at the head of front whose append is under way.
	appending int32
	// window are messages read from the store, the oldest first; requested is set while a read, numbered read, is under way.
	window    nodeList
	read      uint32
	requested bool
	// nextMove is the first node of front whose append is not under way, 0 for none.
	nextMove int32
	cause    Cause
	// released: the key is run from the store. discard: it is to be emptied without running.
	released, discard bool
	// last is the newest sequence appended, done the newest completed, cursor the newest read, opened the newest in the store when the lane opened.
	last, done, cursor, opened Sequence
}

// holds reports whether the park is in the way of front.
func (p *park) holds() bool { return p.durable+p.appending > 0 }

func (s *Sequencer) addPark(ki int32, cause Cause) *park {
	k := s.keys.at(ki)
	k.park = s.parks.take()
	s.lanes[k.lane].parked++
	p := s.parks.at(k.park)
	*p = park{cause: cause, nextMove: k.front.head}
	return p
}

// loadParked takes over what earlier owners parked.
func (s *Sequencer) loadParked(li int32, from *ParkedKey) {
	ki := s.addKey(li, from.Hash, from.Key)
	p := s.addPark(ki, CauseFailed)
	p.durable, p.last, p.opened, p.released = int32(from.Count), from.Last, from.Last, from.Released
	if from.Released {
		s.settle(ki, stored)
	} else {
		s.keys.at(ki).state = Parked
	}
}

// inPark reports whether a message from the lane is in the park already, or was completed from there: the owner before died between the append and the flush.
func (s *Sequencer) inPark(ki int32, sequence Sequence) bool {
	p := s.parkOf(s.keys.at(ki))
	return p != nil && sequence <= p.last
}

// mayConclude reports whether a failed message can leave its key's way. At the bound of the park the key blocks.
func (s *Sequencer) mayConclude(k *key) bool {
	switch s.config.OnFailure {
	case Block:
		return false
	case DeadLetter:
		return true
	default:
		return k.park != 0 || int(s.lanes[k.lane].parked) < s.config.ParkMaxKeys
	}
}

// concludeFailure deals with the key's first message as OnFailure says; it is in memory.
func (s *Sequencer) concludeFailure(ki int32, on trigger) {
	k := s.keys.at(ki)
	l := &s.lanes[k.lane]
	fromPark := s.source(k)
	head := *s.nodes.at(s.queueOf(k, fromPark).head)
	s.clearAttempts(ki)
	s.conclude(l, true)
	if s.config.OnFailure == DeadLetter {
		s.enter(k, on, DeadLettering)
		l.storing++
		s.emit(Effect{Kind: DeadLetterMessage, Lane: l.id, Hash: k.hash, Key: k.name, Position: head.position, Sequence: head.sequence, Payload: head.payload})
		return
	}
	s.enter(k, on, Parked)
	p := s.parkOf(k)
	if p == nil {
		p = s.addPark(ki, CauseFailed)
	}
	p.cause, p.released = CauseFailed, false
	if fromPark {
		s.closeWindow(l, p)
		s.emit(Effect{Kind: Reparked, Cause: CauseFailed, Lane: l.id, Hash: k.hash, Key: k.name, Sequence: head.sequence})
	}
	s.move(ki)
	s.emptyDiscarded(ki)
}

// divert sends a key that outgrew the look-ahead through the park. It goes on running; its first message is appended too, even if its call is with the handler, so that it keeps its place whatever becomes of it.
func (s *Sequencer) divert(ki int32) {
	s.addPark(ki, CauseLookAhead).released = true
	s.move(ki)
}

// move appends the key's front to the park, in order, a window at a time.
func (s *Sequencer) move(ki int32) {
	k := s.keys.at(ki)
	p := s.parkOf(k)
	if p == nil || p.discard || s.lanes[k.lane].draining || k.state == DeadLettering {
		return
	}
	for p.appending < moveWindow && s.mayAppend(p) {
		if p.nextMove == 0 {
			if k.spill.count == 0 {
				return
			}
			s.pull(ki, int(moveWindow-p.appending))
		}
		n := s.nodes.at(p.nextMove)
		if n.payload == 0 || n.sequence <= p.done {
			return
		}
		s.appendToPark(k, p, n)
	}
}

// mayAppend bounds the park of a failed key. A diverted key is drained all the time, and its backlog would be as long in the lane.
func (s *Sequencer) mayAppend(p *park) bool {
	return p.cause == CauseLookAhead || int(p.durable-p.completed+p.appending) < s.config.ParkMaxMessagesPerKey
}

func (s *Sequencer) appendToPark(k *key, p *park, n *node) {
	l := &s.lanes[k.lane]
	p.appending++
	p.last = n.sequence
	p.nextMove = n.next
	l.storing++
	s.emit(Effect{Kind: ParkMessage, Cause: p.cause, Lane: l.id, Hash: k.hash, Key: k.name, Position: n.position, Sequence: n.sequence, Payload: n.payload})
}

// Parked says that the append of the message is durable. It returns false when no such append is under way. Appends of one key are answered in order.
func (s *Sequencer) Parked(now Instant, number int32, hash uint64, name string, sequence Sequence) bool {
	s.advance(now)
	ki := s.find(s.laneIndex(number), hash, name)
	if ki == 0 {
		return false
	}
	k := s.keys.at(ki)
	p := s.parkOf(k)
	if p == nil || p.appending == 0 || s.nodes.at(k.front.head).sequence != sequence {
		return false
	}
	l := &s.lanes[k.lane]
	l.storing--
	p.appending--
	p.durable++
	s.leaveLane(ki)
	if sequence <= p.done {
		p.completed++
		s.unpark(k, p, sequence, 1)
	}
	for p.appending == 0 && k.front.n > 0 && p.nextMove == k.front.head && s.nodes.at(k.front.head).sequence != 0 && s.nodes.at(k.front.head).sequence <= p.done {
		s.completeFront(ki)
	}
	s.afterStore(ki)
	return true
}

// leaveLane completes, for the lane, the first message of front: it is in the park now. A running call keeps its payload.
func (s *Sequencer) leaveLane(ki int32) {
	k := s.keys.at(ki)
	head := s.nodes.at(k.front.head)
	if k.attempts > 0 && k.tried.Sequence == head.sequence {
		k.tried.Position = 0
	}
	if c := &s.calls[k.call]; k.call != 0 && !c.fromPark && c.owned < len(c.items) && c.items[c.owned].Sequence == head.sequence {
		c.owned++
		head.payload = 0
	}
	s.completeFront(ki)
}

// afterStore goes on with a key after an answer of the store.
func (s *Sequencer) afterStore(ki int32) {
	k := s.keys.at(ki)
	li := k.lane
	s.emptyDiscarded(ki)
	s.move(ki)
	if k.state == Reading {
		s.fetch(ki)
		s.readDone(ki)
	}
	s.settle(ki, stored)
	s.closeDrained(li)
}

// finishParked completes a message of the park; it leaves the store by this alone.
func (s *Sequencer) finishParked(ki int32, sequence Sequence, payload Payload) {
	k := s.keys.at(ki)
	p := s.parks.at(k.park)
	p.done = sequence
	p.completed++
	s.emit(Effect{Kind: Complete, Lane: s.lanes[k.lane].id, Sequence: sequence, Hash: k.hash, Key: k.name, Payload: payload})
	s.unpark(k, p, sequence, 1)
}

func (s *Sequencer) unpark(k *key, p *park, through Sequence, count int32) {
	l := &s.lanes[k.lane]
	l.storing++
	s.emit(Effect{Kind: Unpark, Lane: l.id, Hash: k.hash, Key: k.name, Sequence: through, Count: count})
}

// Unparked says that the removal is durable; count is the effect's. The key returns to its lane only now: if the removal were still under way, a crash could bring the message back after its successors.
func (s *Sequencer) Unparked(now Instant, number int32, hash uint64, name string, count int32) bool {
	s.advance(now)
	ki := s.find(s.laneIndex(number), hash, name)
	if ki == 0 {
		return false
	}
	k := s.keys.at(ki)
	p := s.parkOf(k)
	if p == nil || p.completed < count || count < 1 {
		return false
	}
	s.lanes[k.lane].storing--
	p.durable -= count
	p.completed -= count
	s.afterStore(ki)
	return true
}

// settlePark returns the key to its lane when its park is empty; else it reads on. A diverted key whose first append waits for a payload is not empty, though nothing of it is in the store.
func (s *Sequencer) settlePark(ki int32) {
	k := s.keys.at(ki)
	p := s.parks.at(k.park)
	if p.holds() || (p.last == 0 && !p.discard && k.front.n+k.spill.count > 0) {
		s.fillWindow(ki)
		return
	}
	l := &s.lanes[k.lane]
	if p.last != 0 {
		s.emit(Effect{Kind: Returned, Lane: l.id, Hash: k.hash, Key: k.name})
	}
	s.dropPark(ki)
}

// dropPark forgets the park of a key, with the payloads read from it.
func (s *Sequencer) dropPark(ki int32) {
	k := s.keys.at(ki)
	l := &s.lanes[k.lane]
	s.closeWindow(l, s.parks.at(k.park))
	s.parks.give(k.park)
	k.park = 0
	l.parked--
}

// closeWindow drops what was read from the park; an answer under way will be dropped too.
func (s *Sequencer) closeWindow(l *lane, p *park) {
	for p.window.n > 0 {
		l.payloads--
		s.drop(l, s.popNode(&p.window).payload)
	}
	p.cursor = p.done
	p.requested = false
	p.read++
}
