// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package order

// Pause is for a lane whose hold is lost: nothing of it is taken or started until Resume, other lanes go on. The caller
// cancels the lane's calls and answers them with TimedOut, which keeps their keys held as long as the handler may work
// on them. It returns false when the lane is not open. Open makes a lane that is not paused: a caller whose hold was lost
// in between pauses it then.
func (s *Sequencer) Pause(number int32) bool {
	li := s.laneIndex(number)
	if li == 0 {
		return false
	}
	if l := &s.lanes[li]; !l.paused {
		l.paused = true
		s.leaveRing(li)
		s.unqueueAlone(li)
	}
	return true
}

// Resume takes Pause back.
func (s *Sequencer) Resume(number int32) bool {
	li := s.laneIndex(number)
	if li == 0 {
		return false
	}
	s.lanes[li].paused = false
	s.joinRing(li)
	return true
}

// unqueueAlone gives suspects of a paused lane their turn back. In the queue they would stop every other lane, which
// lets nothing start while a suspect waits.
func (s *Sequencer) unqueueAlone(li int32) {
	for ki := s.alone.tail; ki != 0; {
		k := s.keys.at(ki)
		before := k.prev
		if k.lane == li {
			s.unlink(&s.alone, ki)
			s.makeReady(ki, paused, true)
		}
		ki = before
	}
}

// NotStarted answers a Start that was not made because the hold had run out: the handler has seen nothing of the call.
// Its messages are at the head of their key again, and the attempt does not count. It returns false when the call is
// concluded or held already.
//
// The key may be started again by the next Poll. The caller lets the time pass for the hold first, which then pauses
// the lane.
func (s *Sequencer) NotStarted(id CallID) bool {
	ci := s.activeCall(id)
	if ci == 0 || s.calls[ci].held {
		return false
	}
	c := &s.calls[ci]
	ki := c.key
	s.endCall(ci)
	k := s.keys.at(ki)
	li := k.lane
	s.keepOwned(k, c, 0)
	s.dropTried(k)
	s.untry(li, c)
	// As before the start: the attempt is counted and recorded, and is still to be made.
	k.counted = true
	if s.lanes[li].draining || !s.hasWork(k) {
		s.enter(k, notStarted, Resting)
		s.uncount(ki)
		s.settle(ki, notStarted)
	} else {
		s.setPended(k, true)
		s.makeReady(ki, notStarted, true)
	}
	s.closeDrained(li)
	return true
}

// untry makes the trial due again that the call was to be.
func (s *Sequencer) untry(li int32, c *call) {
	if c.outageProbe {
		s.outage.probing = false
	}
	if l := &s.lanes[li]; c.brakeProbe && l.brake.state == brakeProbing {
		l.brake.state = brakeOn
		s.joinRing(li)
	}
}
