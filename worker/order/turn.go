// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package order

// source tells whether the key's next message is run from its park (true) or from its lane. While the park holds
// anything, it is older than everything in front.
func (s *Sequencer) source(k *key) (fromPark bool) {
	p := s.parkOf(k)
	return p != nil && p.holds()
}

// queueOf is the list of nodes the key runs from.
func (s *Sequencer) queueOf(k *key, fromPark bool) *nodeList {
	if fromPark {
		return &s.parks.at(k.park).window
	}
	return &k.front
}

// headReady reports whether the first message of the key has its payload in memory.
func (s *Sequencer) headReady(k *key) bool {
	q := s.queueOf(k, s.source(k))
	return q.n > 0 && s.nodes.at(q.head).payload != 0
}

// turn is the moment at which a ready key either starts or says what it still waits for.
func (s *Sequencer) turn(ki int32, alone bool) {
	k := s.keys.at(ki)
	if !s.hasWork(k) {
		s.enter(k, turned, Resting)
		s.settle(ki, turned)
		return
	}
	if !s.headReady(k) {
		s.enter(k, turned, Reading)
		s.fetch(ki)
		return
	}
	fromPark := s.source(k)
	head := s.nodes.at(s.queueOf(k, fromPark).head)
	s.meet(ki, head, fromPark)
	if k.exhausted {
		if k.exhausted = false; s.mayConclude(k) {
			s.concludeFailure(ki, turned)
			return
		}
	}
	if k.suspect && !alone {
		s.enter(k, turned, Alone)
		s.queueAlone(ki)
		return
	}
	s.countAttempt(ki)
	if k.recordAt > s.lanes[k.lane].flushed {
		s.enter(k, turned, Recording)
		s.awaitRecord(ki)
		return
	}
	s.start(ki, fromPark)
}

// queueAlone lets a suspect wait for its turn. The one on trial has had it: its start is recorded.
func (s *Sequencer) queueAlone(ki int32) {
	if s.keys.at(ki).counted {
		s.pushFront(&s.alone, ki)
	} else {
		s.pushBack(&s.alone, ki)
	}
}

// fetch asks for the payloads that the key's turn needs.
func (s *Sequencer) fetch(ki int32) {
	k := s.keys.at(ki)
	if s.source(k) {
		s.fillWindow(ki, 1)
		return
	}
	s.prefetch(ki, 1)
}

// readOn is for a key in state Reading whose park has changed: what it waits for may have moved, or be gone.
func (s *Sequencer) readOn(ki int32) {
	k := s.keys.at(ki)
	if k.state != Reading {
		return
	}
	if !s.hasWork(k) {
		s.enter(k, stored, Resting)
		return
	}
	s.fetch(ki)
	s.readDone(ki)
}

// start hands the first messages of the key to the handler.
func (s *Sequencer) start(ki int32, fromPark bool) {
	ci := s.takeCall()
	k := s.keys.at(ki)
	l := &s.lanes[k.lane]
	c := &s.calls[ci]
	c.key, c.started, c.fromPark, c.alone = ki, s.now, fromPark, k.suspect
	c.items = c.items[:0]
	limit := s.config.BatchMaxMessages
	if k.suspect || k.attempts > 1 {
		limit = 1
	}
	room := s.config.BatchMaxBytes
	for ni := s.queueOf(k, fromPark).head; ni != 0 && len(c.items) < limit; {
		n := s.nodes.at(ni)
		room -= int(n.size)
		if n.payload == 0 || (room < 0 && len(c.items) > 0) {
			break
		}
		if s.needsRecord(l, k, n, fromPark) {
			if limit = 1; len(c.items) > 0 {
				break
			}
		}
		c.items = append(c.items, Item{n.position, n.sequence, n.payload})
		ni = n.next
	}
	k.call, k.counted = ci, false
	s.running++
	l.running++
	s.aloneRunning = s.aloneRunning || c.alone
	c.outageProbe = s.outage.started()
	c.brakeProbe = s.startBraked(k.lane)
	s.enter(k, turned, Running)
	s.emit(Effect{Kind: Start, Lane: l.id, Epoch: l.epoch, Hash: k.hash, Key: k.name, Attempt: k.attempts, Call: c.id(ci), Items: c.items})
}
