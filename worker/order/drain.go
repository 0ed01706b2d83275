// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package order

import (
	"cmp"
	"slices"
)

// Revoke drains the lane: nothing more is taken or started, running and held calls and store operations under way are
// waited for, then what was not started is given back and Drained says that the lane is closed. It returns false when
// the lane is not open.
func (s *Sequencer) Revoke(number int32) bool {
	li := s.laneIndex(number)
	if li == 0 {
		return false
	}
	l := &s.lanes[li]
	if l.draining {
		return true
	}
	l.draining = true
	s.leaveRing(li)
	s.release(l)
	for ki := range s.keys.items {
		if k := &s.keys.items[ki]; k.lane == li {
			s.stop(int32(ki))
		}
	}
	s.closeDrained(li)
	return true
}

// Fenced says that another owner's epoch is in force: the store will answer nothing more of this lane. What was on its
// way there counts as not done, the lane drains, and the caller gives no further store answers of it.
func (s *Sequencer) Fenced(number int32) bool {
	li := s.laneIndex(number)
	if li == 0 {
		return false
	}
	s.lanes[li].fenced = true
	s.Revoke(number)
	s.closeDrained(li)
	return true
}

// stop takes a key out of every queue.
func (s *Sequencer) stop(ki int32) {
	k := s.keys.at(ki)
	l := &s.lanes[k.lane]
	switch k.state {
	case Ready:
		s.unlink(&l.ready, ki)
	case Alone:
		s.unlink(&s.alone, ki)
	case Recording:
		s.unlink(&l.recording, ki)
	case Waiting:
		s.stopTimer(ki)
	case Reading, Parked:
	default:
		if k.call == 0 {
			s.uncount(ki)
		}
		return
	}
	s.enter(k, revoked, Resting)
	s.uncount(ki)
}

// closeDrained closes a draining lane once nothing of it runs or is on its way.
func (s *Sequencer) closeDrained(li int32) {
	l := &s.lanes[li]
	if !l.draining || l.running > 0 || (l.storing > 0 && !l.fenced) {
		return
	}
	progress := &Progress{}
	s.Snapshot(l.id, progress)
	s.scratch = s.scratch[:0]
	for ki := range s.keys.items {
		if k := &s.keys.items[ki]; k.lane == li {
			s.giveBack(int32(ki))
		}
	}
	slices.SortFunc(s.scratch, func(a, b Effect) int { return cmp.Compare(a.Position, b.Position) })
	s.out = append(s.out, s.scratch...)
	clear(s.scratch)
	s.byNumber[l.id] = 0
	if s.survived == li {
		s.survived = 0
	}
	s.freeLanes = append(s.freeLanes, li)
	s.emit(Effect{Kind: Drained, Lane: l.id, Epoch: l.epoch, Progress: progress})
	*l = lane{}
}

// giveBack frees a key of a closing lane and notes what it had not started.
func (s *Sequencer) giveBack(ki int32) {
	k := s.keys.at(ki)
	l := &s.lanes[k.lane]
	back := Effect{Kind: GiveBack, Lane: l.id, Hash: k.hash, Key: k.name}
	for k.front.n > 0 {
		n := s.popNode(&k.front)
		back.Position, back.Sequence, back.Payload = n.position, n.sequence, n.payload
		s.scratch = append(s.scratch, back)
	}
	for k.spill.count > 0 {
		back.Position, back.Sequence, back.Payload = s.popSpill(&k.spill), 0, 0
		s.scratch = append(s.scratch, back)
	}
	s.dropTried(k)
	if k.park != 0 {
		s.dropPark(ki)
	}
	s.forget(ki)
}
