// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package sim

import (
	"slices"
	"time"

	"convoy.dev/convoy/worker/order"
)

// convoy is the truth about one key.
type convoy struct {
	lane     int32
	messages []truth // in order
	done     int     // so many are completed, from the first
	running  []*call
	last     token // the highest that came with a call
	opened   token // of the newest owner
}

// truth is what has really become of one message.
type truth struct {
	sequence order.Sequence
	position order.Position
	at       time.Duration // when it was completed
	by       *worker       // who made the call that completed it; nil: the dead letter
	byEnded  time.Duration // when that process ended; 0: not yet
	token    token         // that call's
	unsure   bool          // its worker does not know that it was completed
	recorded bool          // the progress in force has said that it is completed
	again    bool          // whoever has the lane now may repeat it
}

// expect lays out a message.
func (c *checker) expect(lane int32, m order.Message) {
	k := c.keys[m.Key]
	if k == nil {
		k = &convoy{lane: lane}
		c.keys[m.Key] = k
		c.names = append(c.names, m.Key)
	}
	k.messages = append(k.messages, truth{sequence: m.Sequence, position: m.Position})
}

func (k *convoy) find(s order.Sequence) int {
	i, _ := slices.BinarySearchFunc(k.messages, s, func(m truth, s order.Sequence) int { return int(m.sequence) - int(s) })
	return i
}

// callStarted sees every call that reaches a handler. The handler's own part of the contract is to refuse what has a
// lower token than the key's last: false.
func (c *checker) callStarted(h *handler, call *call) bool {
	c.calls++
	k := c.keys[call.key]
	whom := about{pod: h.run.name, lane: unitName(laneUnit(call.lane)), key: call.key}
	if c.w.story.on {
		c.w.tell(whom, "handler: call %d, token %d.%d, attempt %d%s", call.seq, call.token>>16, call.token&0xffff, call.attempt,
			ifTrue(call.slept, ", from a process that was frozen"))
	}
	if call.token < k.last {
		if !call.slept {
			c.fail(EpochBack, whom, "%s %d came with token %d after %d", call.key, call.seq, call.token, k.last)
		}
		return false
	}
	k.last = call.token
	for _, other := range k.running {
		if !c.mayOverlap(call, other) {
			c.fail(KeyOverlap, whom, "%s %d started at %s while %d runs at %s since %v", call.key, call.seq, h.run.name, other.seq,
				other.worker.run.name, other.started)
		}
	}
	k.running = append(k.running, call)
	c.judgeOrder(k, call, whom)
	return true
}

// mayOverlap says that a call may start while another of its key runs: one of them comes from a process that was frozen
// between the check of its hold and the call. Within one token that is no excuse by itself, since one process made both:
// it must have waited until the other, counted from when it was sent, was over.
func (c *checker) mayOverlap(call, other *call) bool {
	if call.token != other.token {
		return call.slept || other.slept
	}
	return other.slept && other.sent+c.w.settings.Timeout <= call.sent
}

func (c *checker) judgeOrder(k *convoy, call *call, whom about) {
	i := k.find(call.seq)
	switch {
	case call.slept || i == k.done:
	case i > k.done:
		c.fail(Skipped, whom, "%s %d started before %d was completed", call.key, call.seq, k.messages[k.done].sequence)
	case !k.messages[i].unsure && !k.messages[i].again:
		c.fail(WentBack, whom, "%s %d started again, completed at %v", call.key, call.seq, k.messages[i].at)
	}
}

func (c *checker) callEnded(h *handler, call *call) {
	k := c.keys[call.key]
	k.running = without(k.running, call)
	if c.w.story.on {
		c.w.tell(about{pod: h.run.name, lane: unitName(laneUnit(call.lane)), key: call.key}, "handler: %d %v", call.seq, call.result)
	}
	if call.result != succeeded {
		return
	}
	i := k.find(call.seq)
	if i > k.done {
		return
	}
	m := &k.messages[i]
	m.at, m.by, m.byEnded, m.token, m.unsure = c.w.clock.now, call.worker, 0, call.token, true
	if i == k.done {
		k.done++
	}
}

// known is called when a worker has taken in that a message is completed.
func (c *checker) known(call *call) {
	k := c.keys[call.key]
	if i := k.find(call.seq); i < k.done && k.messages[i].by == call.worker && call.token >= k.opened {
		k.messages[i].unsure, k.messages[i].again = false, false
	}
}

// deadLettered is called when a message is durably at the dead letter destination.
func (c *checker) deadLettered(key string, s order.Sequence) {
	k := c.keys[key]
	if i := k.find(s); i == k.done {
		k.messages[i].at = c.w.clock.now
		k.done++
		c.w.tell(about{key: key}, "broker: %d dead-lettered", s)
	}
}

func (c *checker) parkedOutOfOrder(e *order.Effect, after order.Sequence) {
	c.fail(Skipped, about{key: e.Key}, "%s %d was parked behind %d", e.Key, e.Sequence, after)
}

// loaded is called when a new owner has read a lane's progress: only what a crash left unrecorded may be repeated.
func (c *checker) loaded(lane int32, o *order.Opening) {
	for _, name := range c.names {
		k := c.keys[name]
		if k.lane != lane {
			continue
		}
		k.opened = token(o.Epoch)
		for i := range k.messages[:k.done] {
			m := &k.messages[i]
			m.again = c.mayRepeat(m, o)
			covered := o.Progress.Covers(m.position)
			if !covered && !m.again && !m.unsure && !c.parked(o, name, m.sequence) {
				c.fail(WentBack, about{lane: unitName(laneUnit(lane)), key: name}, "%s %d was completed at %v and the lane is opened without it",
					name, m.sequence, m.at)
			}
		}
	}
}

// flushed is called when the progress of the owner in force is durable.
func (c *checker) flushed(lane int32, p *order.Progress) {
	for _, name := range c.names {
		k := c.keys[name]
		for i := range k.messages[:k.done] {
			if m := &k.messages[i]; k.lane == lane && p.Covers(m.position) {
				m.recorded = true
			}
		}
	}
}

// mayRepeat says whether a completed message may be started again by the owner that opens its lane now: after a
// crash, if it is not recorded as completed, or stands in the park.
func (c *checker) mayRepeat(m *truth, o *order.Opening) bool {
	if !o.Crashed {
		return m.unsure || m.again // begun again, and not known to be completed again
	}
	if (o.Progress.Covers(m.position) || m.recorded) && len(o.Parked) == 0 {
		return false
	}
	if c.w.troubled || c.w.settings.Broker.late > 0 || c.w.settings.Broker.lost > 0 || m.by == nil || m.by.process.freezes > 0 || len(o.Parked) > 0 {
		return true
	}
	// A broker that answers has recorded everything but what was completed within the interval and a flush's way
	// before the end of the process, or before the new epoch was in force.
	end := c.w.clock.now
	if m.byEnded > 0 {
		end = m.byEnded
	}
	for _, r := range c.recorded[laneUnit(o.Lane)] {
		if r.token > m.token {
			end = min(end, r.at)
			break
		}
	}
	return end-m.at <= 2*progressInterval+10*c.w.broker.manners.slow
}

func (c *checker) parked(o *order.Opening, name string, s order.Sequence) bool {
	return slices.ContainsFunc(o.Parked, func(p order.ParkedKey) bool { return p.Key == name && p.First <= s && s <= p.Last })
}

func without(calls []*call, gone *call) []*call {
	return slices.DeleteFunc(calls, func(c *call) bool { return c == gone })
}
