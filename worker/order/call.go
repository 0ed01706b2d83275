// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package order

// call is one call of the handler, from its Start until its conclusion.
type call struct {
	// uses counts the calls made with this record; it is the upper half of the CallID.
	uses    uint32
	key     int32
	active  bool
	started Instant
	items   []Item
	// fromPark: the items were run from the park.
	fromPark bool
	// owned is how many of the items became durable in the park while they ran: their payloads are the call's alone.
	owned int
	// alone: the call is a suspect's. held: it timed out and may still run.
	alone, held             bool
	outageProbe, brakeProbe bool
}

func (c *call) id(ci int32) CallID { return CallID(c.uses)<<32 | CallID(ci) }

func (s *Sequencer) takeCall() int32 {
	var ci int32
	if n := len(s.idle); n > 0 {
		ci = s.idle[n-1]
		s.idle = s.idle[:n-1]
	} else {
		s.calls = append(s.calls, call{items: make([]Item, 0, s.config.BatchMaxMessages)})
		ci = int32(len(s.calls) - 1)
	}
	c := &s.calls[ci]
	*c = call{uses: c.uses + 1, active: true, items: c.items[:0]}
	return ci
}

// activeCall returns 0 for a call that is concluded.
func (s *Sequencer) activeCall(id CallID) int32 {
	ci := int32(uint32(id))
	if ci <= 0 || int(ci) >= len(s.calls) {
		return 0
	}
	if c := &s.calls[ci]; !c.active || c.uses != uint32(id>>32) {
		return 0
	}
	return ci
}

// endCall takes the call out of every count. Its record keeps its items until the next Start.
func (s *Sequencer) endCall(ci int32) {
	c := &s.calls[ci]
	k := s.keys.at(c.key)
	if c.held {
		s.held--
		s.stopTimer(c.key)
	} else {
		s.running--
	}
	if c.alone {
		s.aloneRunning = false
	}
	s.lanes[k.lane].running--
	k.call = 0
	c.active = false
	s.idle = append(s.idle, ci)
}

// Done says that every message of the call succeeded. It returns false when the call is concluded already: a late
// answer.
func (s *Sequencer) Done(now Instant, id CallID) bool {
	s.advance(now)
	ci := s.activeCall(id)
	if ci == 0 {
		return false
	}
	s.succeed(ci)
	return true
}

func (s *Sequencer) succeed(ci int32) {
	c := &s.calls[ci]
	ki := c.key
	s.endCall(ci)
	s.judge(ki, c, judgedGood)
	for i := range c.items {
		s.finish(ki, c, i)
	}
	s.clearAttempts(ki)
	if c.alone {
		s.survive(s.keys.at(ki).lane)
	}
	s.goOn(ki, succeeded)
}

// goOn follows the conclusion of a key's first message.
func (s *Sequencer) goOn(ki int32, on trigger) {
	k := s.keys.at(ki)
	li := k.lane
	l := &s.lanes[li]
	if !l.draining {
		s.prefetch(ki, 0)
	}
	if !l.draining && s.hasWork(k) {
		s.makeReady(ki, on, false)
	} else {
		s.enter(k, on, Resting)
		if on == succeeded && k.park == 0 && k.front.n == 0 {
			s.conclude(l, false)
		}
		s.settle(ki, on)
	}
	s.closeDrained(li)
}

// finish completes the i-th item of a call, wherever the message is by now.
func (s *Sequencer) finish(ki int32, c *call, i int) {
	k := s.keys.at(ki)
	l := &s.lanes[k.lane]
	item := c.items[i]
	if c.fromPark {
		s.finishParked(ki, item.Sequence, s.popNode(&s.parks.at(k.park).window).payload)
		l.payloads--
		return
	}
	p := s.parkOf(k)
	if i < c.owned {
		s.finishParked(ki, item.Sequence, item.Payload)
		return
	}
	if p != nil && p.appending > 0 {
		p.done = item.Sequence
		return
	}
	s.completeFront(ki)
}

// completeFront completes the first message of front.
func (s *Sequencer) completeFront(ki int32) {
	k := s.keys.at(ki)
	l := &s.lanes[k.lane]
	if p := s.parkOf(k); p != nil && p.nextMove == k.front.head {
		p.nextMove = s.nodes.at(k.front.head).next
	}
	n := s.popNode(&k.front)
	l.payloads--
	l.ledger.complete(n.position, n.ordinal)
	s.emit(Effect{Kind: Complete, Lane: l.id, Position: n.position, Sequence: n.sequence, Hash: k.hash, Key: k.name, Payload: n.payload})
	s.unblock(l) // There may be no further message whose coming would say so.
}

// Failed says that the handler refused the call, or was certainly not reached. It returns false when the call is
// concluded already.
func (s *Sequencer) Failed(now Instant, id CallID, f Failure) bool {
	s.advance(now)
	ci := s.activeCall(id)
	if ci == 0 {
		return false
	}
	if f.Completed >= len(s.calls[ci].items) {
		s.succeed(ci)
		return true
	}
	s.fail(ci, f, failed)
	return true
}

// TimedOut says that no answer came: the time was up, the connection broke, or the caller cancelled the call. The
// handler may still be working on it, so the key stays held until sent + Timeout, sent being when the request went out.
// One late answer until then is welcome and releases the key; after it the call counts as a failed attempt. It returns
// false when the call is concluded or held already.
func (s *Sequencer) TimedOut(now Instant, id CallID, sent Instant) bool {
	s.advance(now)
	ci := s.activeCall(id)
	if ci == 0 || s.calls[ci].held {
		return false
	}
	c := &s.calls[ci]
	c.held = true
	s.running--
	s.held++
	s.enter(s.keys.at(c.key), timedOut, Held)
	s.setTimer(c.key, max(sent, c.started)+Instant(s.config.Timeout))
	return true
}

// fire is called when a key's instant has come.
func (s *Sequencer) fire(ki int32) {
	s.stopTimer(ki)
	k := s.keys.at(ki)
	if k.state == Held {
		s.fail(k.call, Failure{}, timerFired)
		return
	}
	s.makeReady(ki, timerFired, false)
}

// fail concludes a call whose message Completed failed.
func (s *Sequencer) fail(ci int32, f Failure, on trigger) {
	c := &s.calls[ci]
	ki := c.key
	batch := len(c.items)
	s.endCall(ci)
	for i := range f.Completed {
		s.finish(ki, c, i)
	}
	if f.Completed > 0 {
		s.blameNext(ki, c, f.Completed)
	}
	k := s.keys.at(ki)
	s.keepOwned(k, c, f.Completed)
	k.suspect, k.exhausted = false, false
	l := &s.lanes[k.lane]
	k.recordAt = l.version + 1
	s.joinTried(ki)
	forgiven := s.judge(ki, c, verdictOf(f))
	switch {
	case l.draining:
		s.enter(k, on, Resting)
		s.closeDrained(k.lane)
	case forgiven:
		s.forgive(ki)
		s.wait(ki, on, max(s.config.ProbeInterval, f.RetryAfter))
	case batch > 1 && f.Permanent:
		s.makeReady(ki, on, false)
	case batch == 1 && (f.Permanent || int(k.attempts) >= s.config.MaxAttempts) && s.mayConclude(k):
		s.concludeFailure(ki, on)
	default:
		s.wait(ki, on, max(s.backoff(k.attempts), f.RetryAfter))
	}
	if k.state != DeadLettering {
		s.dropTried(k)
	}
}

// keepOwned drops the payloads that are the call's alone, but for the failed message's, which a dead letter may need.
func (s *Sequencer) keepOwned(k *key, c *call, failed int) {
	for i := failed; i < c.owned; i++ {
		if i == failed {
			k.tried.Payload = c.items[i].Payload
		} else {
			s.drop(&s.lanes[k.lane], c.items[i].Payload)
		}
	}
}

func (s *Sequencer) dropTried(k *key) {
	s.drop(&s.lanes[k.lane], k.tried.Payload)
	k.tried.Payload = 0
}

// blameNext moves the count to the message at which a batch failed: it was started once.
func (s *Sequencer) blameNext(ki int32, c *call, i int) {
	k := s.keys.at(ki)
	k.tried = Item{Position: c.items[i].Position, Sequence: c.items[i].Sequence}
	k.attempts = 1
	if i < c.owned {
		k.tried.Position = 0
	}
}

// wait lets the key, and no other, wait for its next attempt.
func (s *Sequencer) wait(ki int32, on trigger, delay int64) {
	s.enter(s.keys.at(ki), on, Waiting)
	s.setTimer(ki, s.now+Instant(delay))
	s.yieldBuffer(ki)
}

// backoff doubles with each attempt up to MaxBackoff; the wait is drawn evenly from its upper half, so that keys that
// failed together do not come back together.
func (s *Sequencer) backoff(attempts uint32) int64 {
	d := s.config.InitialBackoff
	for i := uint32(1); i < attempts && d < s.config.MaxBackoff; i++ {
		d *= 2
	}
	d = min(d, s.config.MaxBackoff)
	return d/2 + int64(s.draw()%uint64(d-d/2+1))
}

// draw is SplitMix64 (Steele, Lea and Flood, 2014).
func (s *Sequencer) draw() uint64 {
	s.random += 0x9e3779b97f4a7c15
	z := s.random
	z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
	z = (z ^ z>>27) * 0x94d049bb133111eb
	return z ^ z>>31
}
