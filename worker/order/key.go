// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package order

// key is one convoy in memory. Its messages are, oldest first: those in the park (if any), the nodes of front, the
// positions of spill.
type key struct {
	hash  uint64
	name  string
	due   Instant
	lane  int32
	state State
	// counted: attempts includes the start about to be made.
	counted bool
	// suspect: the message tried was in flight when a process died; it runs alone. exhausted: earlier owners used up
	// its attempts; it is concluded without a start.
	suspect, exhausted bool
	// inTried: linked in lane.tried. pended: its turn has come and it has not started.
	inTried, pended bool
	// front are messages of the lane that have, or are about to have, their payload in memory.
	front nodeList
	spill spill
	park  int32
	call  int32
	timer int32
	next  int32
	prev  int32
	// triedNext and triedPrev link lane.tried.
	triedNext, triedPrev int32
	// attempts is how often the message tried was started; 0 when the convoy's first message was not.
	attempts uint32
	// streak is the outage streak in which this key failed last.
	streak uint32
	tried  Item
	// recordAt is the snapshot version that holds the attempt; 0 when none need hold it.
	recordAt uint64
}

// node is a message with its payload.
type node struct {
	position Position
	sequence Sequence
	payload  Payload
	ordinal  uint64
	next     int32
	size     uint32
}

type nodeList struct {
	head, tail int32
	n          int32
}

func (s *Sequencer) appendNode(q *nodeList, n node) int32 {
	ni := s.nodes.take()
	*s.nodes.at(ni) = n
	if q.tail == 0 {
		q.head = ni
	} else {
		s.nodes.at(q.tail).next = ni
	}
	q.tail = ni
	q.n++
	return ni
}

// popNode takes the first node; there must be one.
func (s *Sequencer) popNode(q *nodeList) node {
	ni := q.head
	n := *s.nodes.at(ni)
	s.nodes.give(ni)
	q.head = n.next
	if n.next == 0 {
		q.tail = 0
	}
	q.n--
	return n
}

func (s *Sequencer) addKey(li int32, hash uint64, name string) int32 {
	ki := s.keys.take()
	*s.keys.at(ki) = key{hash: hash, name: name, lane: li}
	s.index.insert(mix(li, hash), ki)
	return ki
}

// forget frees a key that has nothing left.
func (s *Sequencer) forget(ki int32) {
	s.leaveTried(ki)
	k := s.keys.at(ki)
	s.index.remove(mix(k.lane, k.hash), ki)
	k.name, k.lane = "", 0
	s.keys.give(ki)
}

// parkOf returns nil for a key that has no park.
func (s *Sequencer) parkOf(k *key) *park {
	if k.park == 0 {
		return nil
	}
	return s.parks.at(k.park)
}

// settle decides what a resting key does next.
func (s *Sequencer) settle(ki int32, on trigger) {
	k := s.keys.at(ki)
	if k.state != Resting || s.lanes[k.lane].draining {
		return
	}
	if k.park != 0 {
		s.settlePark(ki)
	}
	if s.hasWork(k) {
		s.makeReady(ki, on, false)
		return
	}
	if k.park == 0 {
		s.forget(ki)
	}
}

// hasWork reports whether the key has a message that may be started.
func (s *Sequencer) hasWork(k *key) bool {
	if p := s.parkOf(k); p != nil && p.holds() {
		return p.released && !p.discard && p.durable > p.completed
	}
	return k.front.n > 0 || k.spill.count > 0
}
