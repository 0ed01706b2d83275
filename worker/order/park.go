// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package order

// moveWindow is how many appends to one key's park are under way at a time.
const moveWindow = 32

// park is what a key has in the parking store, or on the way there. The store holds a contiguous piece of the convoy
// that begins with its oldest message not completed; front and spill are newer. So a message of the key that comes from
// the lane with a sequence up to last is in the store, or was completed from there.
type park struct {
	// durable counts the messages in the store; the first completed of them are completed and their removal is under
	// way.
	durable, completed int32
	// appending counts the messages at the head of front whose append is under way.
	appending int32
	// window are messages read from the store, the oldest first; requested is how many the read under way, numbered
	// read, asked for.
	window    nodeList
	read      uint32
	requested int32
	// nextMove is the first node of front whose append is not under way, 0 for none.
	nextMove int32
	cause    Cause
	// released: the key is run from the store. discard: it is to be emptied without running. returned: it is empty, and
	// kept only because last is still needed.
	released, discard, returned bool
	// last is the newest sequence appended, done the newest completed, cursor the newest read, careful the newest that
	// a process which died may have started unrecorded.
	last, done, cursor, careful Sequence
}

// holds reports whether the park is in the way of front.
func (p *park) holds() bool { return p.durable+p.appending > 0 }

// addPark gives a key a park, or takes the one it was kept for into use again.
func (s *Sequencer) addPark(ki int32, cause Cause) *park {
	k := s.keys.at(ki)
	if k.park == 0 {
		k.park = s.parks.take()
		*s.parks.at(k.park) = park{}
		s.lanes[k.lane].parked++
	}
	p := s.parks.at(k.park)
	p.cause, p.nextMove = cause, k.front.head
	p.released, p.discard, p.returned = false, false, false
	return p
}

// loadParked takes over what earlier owners parked.
func (s *Sequencer) loadParked(li int32, from *ParkedKey) {
	ki := s.addKey(li, from.Hash, from.Key)
	p := s.addPark(ki, CauseFailed)
	p.durable, p.last, p.released = int32(from.Count), from.Last, from.Released
	if s.lanes[li].careful != 0 {
		p.careful = from.Last
	}
	if from.Released {
		s.settle(ki, stored)
	} else {
		s.keys.at(ki).state = Parked
	}
}

// loadReturned keeps in mind what an earlier owner ran from a park, unless the key was parked again: then the messages
// in the store are newer.
func (s *Sequencer) loadReturned(li int32, from *ReturnedKey) {
	if s.find(li, from.Hash, from.Key) != 0 {
		return
	}
	p := s.addPark(s.addKey(li, from.Hash, from.Key), CauseFailed)
	p.last, p.done, p.returned = from.Last, from.Last, true
}

// inPark reports whether a message from the lane is in the park already, or was completed from there: the owner before
// died between the append and the flush.
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

// concludeFailure deals with the message tried as OnFailure says. Its attempts stay in the record until that is
// durable: a process that dies in between must not grant it new ones.
func (s *Sequencer) concludeFailure(ki int32, on trigger) {
	k := s.keys.at(ki)
	l := &s.lanes[k.lane]
	k.counted, k.exhausted = false, false
	s.conclude(l, true)
	if s.config.OnFailure == DeadLetter {
		s.enter(k, on, DeadLettering)
		l.storing++
		s.emit(Effect{Kind: DeadLetterMessage, Lane: l.id, Hash: k.hash, Key: k.name, Position: k.tried.Position, Sequence: k.tried.Sequence, Payload: s.triedPayload(k)})
		return
	}
	s.enter(k, on, Parked)
	p := s.parkOf(k)
	// What was discarded is gone; this message is none of it, and a park that is still to be emptied would let it run.
	if p == nil || p.returned || (p.discard && !p.holds()) {
		p = s.addPark(ki, CauseFailed)
	}
	p.cause, p.released = CauseFailed, false
	if p.holds() {
		s.closeWindow(l, p)
		s.emit(Effect{Kind: Reparked, Cause: CauseFailed, Lane: l.id, Hash: k.hash, Key: k.name, Sequence: k.tried.Sequence})
	}
	s.move(ki)
	s.emptyDiscarded(ki)
	s.settle(ki, stored)
}

// triedPayload finds the payload of the message tried: left by its call when an append had overtaken it, or at the head
// of where it was run from.
func (s *Sequencer) triedPayload(k *key) Payload {
	if k.tried.Payload != 0 {
		return k.tried.Payload
	}
	if k.tried.Position != 0 {
		return s.nodes.at(k.front.head).payload
	}
	return s.nodes.at(s.parks.at(k.park).window.head).payload
}

// divert sends a key that outgrew the look-ahead through the park. It goes on running; its first message is appended
// too, even if its call is with the handler, so that it keeps its place whatever becomes of it.
func (s *Sequencer) divert(ki int32) {
	s.addPark(ki, CauseLookAhead).released = true
	s.move(ki)
}

// move appends the key's front to the park, in order, a window at a time.
func (s *Sequencer) move(ki int32) {
	k := s.keys.at(ki)
	p := s.parkOf(k)
	if p == nil || p.discard || p.returned || s.lanes[k.lane].draining || k.state == DeadLettering {
		return
	}
	for p.appending < moveWindow && s.mayAppend(p) {
		if p.nextMove == 0 {
			want := min(int(moveWindow-p.appending), s.free(k))
			if p.appending == 0 {
				want = max(want, 1)
			}
			if s.pull(ki, want); p.nextMove == 0 {
				return
			}
		}
		n := s.nodes.at(p.nextMove)
		if n.payload == 0 || n.sequence <= p.done {
			return
		}
		s.appendToPark(k, p, n)
	}
}

// mayAppend bounds the park of a failed key. A diverted key is drained all the time, and its backlog would be as long
// in the lane.
func (s *Sequencer) mayAppend(p *park) bool {
	return p.cause == CauseLookAhead || int(p.durable-p.completed+p.appending) < s.config.ParkMaxMessagesPerKey
}

func (s *Sequencer) appendToPark(k *key, p *park, n *node) {
	l := &s.lanes[k.lane]
	p.appending++
	p.last = n.sequence
	p.nextMove = n.next
	l.storing++
	if n.position <= l.careful {
		p.careful = n.sequence
	}
	s.emit(Effect{Kind: ParkMessage, Cause: p.cause, Lane: l.id, Hash: k.hash, Key: k.name, Position: n.position, Sequence: n.sequence, Payload: n.payload})
}

// Parked says that the append of the message is durable. It returns false when no such append is under way. Appends of
// one key are answered in order.
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
		s.unpark(k, sequence, 1)
	}
	for p.appending == 0 && s.frontDone(k, p) {
		s.completeFront(ki)
	}
	s.afterStore(ki)
	return true
}

// frontDone reports whether the first message of front was completed while an append was ahead of it. A sequence of 0
// is not known yet.
func (s *Sequencer) frontDone(k *key, p *park) bool {
	head := s.nodes.at(k.front.head)
	return k.front.n > 0 && p.nextMove == k.front.head && head.sequence != 0 && head.sequence <= p.done
}

// leaveLane completes, for the lane, the first message of front: it is in the park now. A call or a dead letter under
// way keeps its payload.
func (s *Sequencer) leaveLane(ki int32) {
	k := s.keys.at(ki)
	head := s.nodes.at(k.front.head)
	if k.tried.Sequence == head.sequence {
		k.tried.Position = 0
		if k.state == DeadLettering {
			k.tried.Payload, head.payload = head.payload, 0
		}
		if k.state == Parked {
			s.resetAttempts(ki)
		}
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
	s.readOn(ki)
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
	s.unpark(k, sequence, 1)
}

func (s *Sequencer) unpark(k *key, through Sequence, count int32) {
	l := &s.lanes[k.lane]
	l.storing++
	s.emit(Effect{Kind: Unpark, Lane: l.id, Hash: k.hash, Key: k.name, Sequence: through, Count: count})
}

// Unparked says that the removal is durable; count is the effect's. The key returns to its lane only now: if the
// removal were still under way, a crash could bring the message back after its successors.
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

// settlePark returns the key to its lane when its park is empty; else it reads on. A diverted key whose first append
// waits for a payload is not empty, though nothing of it is in the store.
func (s *Sequencer) settlePark(ki int32) {
	k := s.keys.at(ki)
	p := s.parks.at(k.park)
	s.emptyDiscarded(ki)
	if p.holds() || (p.last == 0 && !p.discard && !p.returned && k.front.n+k.spill.count > 0) {
		s.fillWindow(ki, 0)
		return
	}
	l := &s.lanes[k.lane]
	if p.last != 0 && !p.returned {
		s.emit(Effect{Kind: Returned, Lane: l.id, Hash: k.hash, Key: k.name})
	}
	if !p.returned {
		p.returned, p.discard = true, false
		s.closeWindow(l, p)
	}
	if l.ledger.taken >= l.careful {
		s.dropPark(ki)
	}
}

// forgetReturned drops the parks that were kept while the lane delivered what a dead owner had taken: among that may be
// messages it had parked and not recorded. They must be known as such even if the park has been emptied since; else
// they would run again, behind their successors.
func (s *Sequencer) forgetReturned(li int32) {
	for ki := range s.keys.items {
		if k := &s.keys.items[ki]; k.lane == li && k.park != 0 && s.parks.at(k.park).returned {
			s.dropPark(int32(ki))
			s.settle(int32(ki), arrived)
		}
	}
	s.lanes[li].passed = true
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
	l.payloads -= p.requested
	p.requested = 0
}
