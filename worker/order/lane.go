// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package order

// lane is one open lane. Fields that count are exact at every step; check_test.go recounts them.
type lane struct {
	id     int32
	epoch  uint64
	ledger ledger
	brake  brake
	// careful is the highest position that a process which died may have taken. passed: the lane has been taken beyond
	// it.
	careful Position
	passed  bool

	// ready are the keys whose turn may come, in order of readiness; before and after link the round of lanes, when
	// inRing.
	ready         keyList
	inRing        bool
	before, after int32

	// recording are the keys whose start waits for a flush, in order of the version they wait for. version is that of
	// the newest snapshot, asked the one for which Record was emitted, flushed the newest durable one.
	recording               keyList
	version, asked, flushed uint64

	// tried heads the list of keys whose first message was started before, or is about to be recorded as started; a
	// first call under way is found in calls.
	tried int32
	// suspects are attempts of earlier owners, sorted.
	suspects []suspect

	// payloads counts bodies in memory or asked for, running calls, storing store operations in flight, parked keys
	// with a park, pended keys whose turn has come and that have not started.
	payloads, running, storing, parked, pended int32

	// paused: its hold is lost, nothing of it starts.
	draining, fenced, paused bool
	// refused is the position that must come first after a refusal, 0 for none.
	refused Position
	blocked bool
}

// keyList is a queue of keys, linked by key.next and key.prev: a key is in one of them at a time.
type keyList struct {
	head, tail int32
	n          int32
}

func (s *Sequencer) pushBack(q *keyList, ki int32) {
	k := s.keys.at(ki)
	k.next, k.prev = 0, q.tail
	if q.tail == 0 {
		q.head = ki
	} else {
		s.keys.at(q.tail).next = ki
	}
	q.tail = ki
	q.n++
}

func (s *Sequencer) pushFront(q *keyList, ki int32) {
	k := s.keys.at(ki)
	k.next, k.prev = q.head, 0
	if q.head == 0 {
		q.tail = ki
	} else {
		s.keys.at(q.head).prev = ki
	}
	q.head = ki
	q.n++
}

func (s *Sequencer) popFront(q *keyList) int32 {
	ki := q.head
	s.unlink(q, ki)
	return ki
}

func (s *Sequencer) unlink(q *keyList, ki int32) {
	k := s.keys.at(ki)
	if k.prev == 0 {
		q.head = k.next
	} else {
		s.keys.at(k.prev).next = k.next
	}
	if k.next == 0 {
		q.tail = k.prev
	} else {
		s.keys.at(k.next).prev = k.prev
	}
	k.next, k.prev = 0, 0
	q.n--
}

// mayTurn reports whether the lane's first ready key may have its turn.
func (s *Sequencer) mayTurn(l *lane) bool {
	return l.ready.n > 0 && !l.draining && !l.paused && l.brake.mayStart(s.now) && (int(l.pended) < s.config.MaxInFlightKeys || s.keys.at(l.ready.head).pended)
}

// joinRing lets the lane take part in the round, last, if it has a key that may start.
func (s *Sequencer) joinRing(li int32) {
	l := &s.lanes[li]
	if l.inRing || !s.mayTurn(l) {
		return
	}
	l.inRing = true
	if s.next == 0 {
		s.next, l.before, l.after = li, li, li
		return
	}
	first := &s.lanes[s.next]
	l.after, l.before = s.next, first.before
	s.lanes[first.before].after = li
	first.before = li
}

func (s *Sequencer) leaveRing(li int32) {
	l := &s.lanes[li]
	if !l.inRing {
		return
	}
	l.inRing = false
	s.lanes[l.before].after = l.after
	s.lanes[l.after].before = l.before
	if s.next == li {
		s.next = l.after
	}
	if l.after == li {
		s.next = 0
	}
}

// makeReady puts a key in state Ready into its lane's queue; in front when its turn had come before.
func (s *Sequencer) makeReady(ki int32, on trigger, first bool) {
	k := s.keys.at(ki)
	s.enter(k, on, Ready)
	l := &s.lanes[k.lane]
	if first {
		s.pushFront(&l.ready, ki)
	} else {
		s.pushBack(&l.ready, ki)
	}
	s.joinRing(k.lane)
}

// Credit is how many messages of the lane the caller should hand in now. More are accepted up to the look-ahead, but
// only their positions are kept. With a full buffer it is above 0 only if none of the buffered keys can be started:
// then others are looked for behind them. While the handler refuses or the lane brakes it is 1 when a trial is due and
// the lane has no key to make it with.
func (s *Sequencer) Credit(number int32) int {
	li := s.laneIndex(number)
	if li == 0 {
		return 0
	}
	l := &s.lanes[li]
	room := s.config.LookAhead - l.ledger.outstanding
	if l.draining || l.paused || room <= 0 {
		return 0
	}
	if s.outage.refusing || l.brake.state != brakeOff {
		if s.outage.mayStart(s.now) && l.brake.mayStart(s.now) && l.ready.n == 0 && l.running == 0 {
			return 1
		}
		return 0
	}
	if free := s.config.Buffer - int(l.payloads); free > 0 {
		return min(free, room)
	}
	if l.ready.n > 0 || s.running >= s.config.MaxInFlightKeys {
		return 0
	}
	return min(lookBehind, room)
}

// lookBehind is how many messages are taken at a time when the buffer holds only keys that cannot be started.
const lookBehind = 64

// Full reports whether the lane's look-ahead is full. The next message handed in is then refused, and Blocked says why.
func (s *Sequencer) Full(number int32) bool {
	li := s.laneIndex(number)
	return li != 0 && s.fullOf(&s.lanes[li])
}

func (s *Sequencer) fullOf(l *lane) bool { return l.ledger.outstanding >= s.config.LookAhead }
