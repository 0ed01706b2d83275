// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package order

// verdict is what a call's end says about the handler.
type verdict uint8

const (
	judgedGood verdict = iota
	// judgedAnswered: refused for good. The handler is there, the message is at fault.
	judgedAnswered
	// judgedBad: a retryable failure, or no answer in time.
	judgedBad
)

func verdictOf(f Failure) verdict {
	if f.Permanent || f.Completed > 0 {
		return judgedAnswered
	}
	return judgedBad
}

// outage notices that nothing but failures comes back. A streak is the time between two calls that did not fail
// retryably; when OutageKeys different keys have failed within one, the handler refuses, and only one trial call at a
// time, ProbeInterval apart, is made until one is answered otherwise.
type outage struct {
	streak            uint32
	failedKeys        int
	refusing, probing bool
	probeAt           Instant
}

func (o *outage) mayStart(now Instant) bool {
	return !o.refusing || (!o.probing && now >= o.probeAt)
}

// started reports whether the call being started is a trial.
func (o *outage) started() bool {
	o.probing = o.refusing
	return o.probing
}

// judge takes a call's end into account and reports whether a failure is forgiven: during an outage, or while the lane
// brakes, attempts do not count and nothing is concluded by failure, so that an outage does not park the world.
func (s *Sequencer) judge(ki int32, c *call, v verdict) (forgiven bool) {
	k := s.keys.at(ki)
	if c.outageProbe {
		s.outage.probing = false
		s.outage.probeAt = s.now + Instant(s.config.ProbeInterval)
	}
	if c.brakeProbe {
		s.judgeProbe(k.lane, v)
	}
	if v != judgedBad {
		s.outage.streak++
		s.outage.failedKeys = 0
		if s.outage.refusing {
			s.outage.refusing, s.outage.probing = false, false
			s.emit(Effect{Kind: HandlerAccepting})
		}
		return v == judgedAnswered && s.lanes[k.lane].brake.state != brakeOff
	}
	if k.streak != s.outage.streak {
		k.streak = s.outage.streak
		s.outage.failedKeys++
	}
	if !s.outage.refusing && s.outage.failedKeys >= s.config.OutageKeys {
		s.outage.refusing = true
		s.outage.probeAt = s.now + Instant(s.config.ProbeInterval)
		s.emit(Effect{Kind: HandlerRefusing})
	}
	return s.outage.refusing || s.lanes[k.lane].brake.state != brakeOff
}

// forgive takes the last attempt back.
func (s *Sequencer) forgive(ki int32) {
	k := s.keys.at(ki)
	k.attempts--
	if k.attempts == 0 {
		s.leaveTried(ki)
	}
}

type brakeState uint8

const (
	brakeOff brakeState = iota
	// brakeOn: the lane takes and starts nothing until probeAt; then one key is tried.
	brakeOn
	// brakeProbing: that key's call is with the handler.
	brakeProbing
)

const brakeSlices = 12

// brake counts a lane's concluded keys. A key is concluded when its convoy ran empty (well) or when a message of it was
// parked or dead-lettered (failed); slices hold the counts by time.
type brake struct {
	state   brakeState
	probeAt Instant
	slice   int64
	all     [brakeSlices]int32
	failed  [brakeSlices]int32
}

func (b *brake) mayStart(now Instant) bool {
	return b.state == brakeOff || (b.state == brakeOn && now >= b.probeAt)
}

// turnTo empties the slices that are older than the window.
func (b *brake) turnTo(slice int64) {
	for i := max(b.slice+1, slice-brakeSlices+1); i <= slice; i++ {
		b.all[i%brakeSlices], b.failed[i%brakeSlices] = 0, 0
	}
	b.slice = max(b.slice, slice)
}

// conclude counts a concluded key and pulls the brake.
func (s *Sequencer) conclude(l *lane, bad bool) {
	b := &l.brake
	if slice := int64(s.now) / (s.config.Brake.Window / brakeSlices); slice != b.slice {
		b.turnTo(slice)
	}
	b.all[b.slice%brakeSlices]++
	if !bad {
		return
	}
	b.failed[b.slice%brakeSlices]++
	all, failed := 0, 0
	for i := range b.all {
		all += int(b.all[i])
		failed += int(b.failed[i])
	}
	if b.state == brakeOff && failed >= s.config.Brake.MinFailed && 100*failed > s.config.Brake.Percent*all {
		b.state = brakeOn
		b.probeAt = s.now + Instant(s.config.ProbeInterval)
		s.braking++
		s.leaveRing(s.laneIndex(l.id))
		s.emit(Effect{Kind: Braking, Lane: l.id, Count: int32(failed)})
	}
}

// wakeBraking lets braking lanes whose trial is due take part in the round.
func (s *Sequencer) wakeBraking() {
	for li := range s.lanes {
		if s.lanes[li].brake.state == brakeOn {
			s.joinRing(int32(li))
		}
	}
}

// startBraked reports whether the call being started is its braking lane's trial.
func (s *Sequencer) startBraked(li int32) bool {
	b := &s.lanes[li].brake
	if b.state != brakeOn {
		return false
	}
	b.state = brakeProbing
	s.leaveRing(li)
	return true
}

// judgeProbe ends a trial: a success lets the lane flow with fresh counts, anything else brakes on.
func (s *Sequencer) judgeProbe(li int32, v verdict) {
	l := &s.lanes[li]
	if l.brake.state != brakeProbing {
		return
	}
	if v != judgedGood {
		l.brake.state = brakeOn
		l.brake.probeAt = s.now + Instant(s.config.ProbeInterval)
		return
	}
	s.release(l)
	s.emit(Effect{Kind: Flowing, Lane: l.id})
	s.joinRing(li)
}

// release takes the brake off.
func (s *Sequencer) release(l *lane) {
	if l.brake.state != brakeOff {
		l.brake = brake{}
		s.braking--
	}
}
