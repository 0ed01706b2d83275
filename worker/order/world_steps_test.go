// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package order

import (
	"cmp"
	"slices"
)

// step does one random thing and polls.
func (w *world) step() {
	for _, c := range w.calls {
		if c.kills && !c.lost && w.random.IntN(3) == 0 {
			w.crash()
			return
		}
	}
	switch n := w.random.IntN(100); {
	case n < 30:
		w.feed()
	case n < 55:
		w.answer()
	case n < 75:
		w.operate()
	case n < 82:
		w.flush()
	case n < 92:
		w.wait()
	default:
		w.disturb(w.random.IntN(400))
	}
	w.poll()
}

func (w *world) disturb(n int) {
	l := w.lanes[w.random.IntN(len(w.lanes))]
	switch {
	case !w.hostile:
		w.settleLanes()
	case n < 3:
		w.crash()
	case n < 20:
		w.say("revoke %d", l.number)
		l.revoked = true
		w.seq.Revoke(l.number)
	case n < 23 && l.open:
		w.fence(l)
	case n < 120:
		w.wish(w.random.IntN(4) == 0)
	case n < 140:
		w.say("pause %d", l.number)
		l.paused = w.seq.Pause(l.number)
	case n < 250:
		w.say("resume %d", l.number)
		l.paused = false
		w.seq.Resume(l.number)
	default:
		w.reopen()
	}
}

func (w *world) fence(l *worldLane) {
	w.say("fence %d", l.number)
	l.revoked, l.fencedOff = true, true
	w.operations = slices.DeleteFunc(w.operations, func(o operation) bool { return o.effect.Lane == l.number })
	w.seq.Fenced(l.number)
}

func (w *world) reopen() {
	for _, l := range w.lanes {
		if !l.open {
			w.open(l)
		}
	}
}

// settleLanes undoes what disturbs.
func (w *world) settleLanes() {
	for _, l := range w.lanes {
		l.paused = false
		w.seq.Resume(l.number)
	}
	w.reopen()
	for _, k := range w.parkedKeys() {
		w.release(k)
	}
}

// wish releases or discards some parked key.
func (w *world) wish(discard bool) {
	parked := w.parkedKeys()
	if len(parked) == 0 {
		return
	}
	k := parked[w.random.IntN(len(parked))]
	if !discard {
		w.release(k)
		return
	}
	w.say("discard lane %d key %s", k.lane, k.name)
	w.seq.Discard(k.lane, w.keys[k].hash, k.name)
}

func (w *world) release(k worldKey) {
	w.say("release lane %d key %s", k.lane, k.name)
	if c := w.keys[k]; w.seq.Release(k.lane, c.hash, k.name) {
		c.released, c.kills = true, 0
	}
}

func (w *world) parkedKeys() []worldKey {
	var parked []worldKey
	for k, c := range w.keys {
		if len(c.store) > 0 && w.lanes[k.lane].open && !w.lanes[k.lane].revoked {
			parked = append(parked, k)
		}
	}
	slices.SortFunc(parked, func(a, b worldKey) int { return cmp.Or(cmp.Compare(a.lane, b.lane), cmp.Compare(a.name, b.name)) })
	return parked
}

// feed hands messages in, at times more than there is credit for.
func (w *world) feed() {
	l := w.lanes[w.random.IntN(len(w.lanes))]
	if !l.open {
		return
	}
	n := w.seq.Credit(l.number)
	if w.hostile && w.random.IntN(8) == 0 {
		n += w.random.IntN(100)
	}
	for ; n > 0 && l.cursor < len(l.messages); n-- {
		m := l.messages[l.cursor]
		if m.Key == "" {
			if !w.seq.Skip(l.number, m.Position) {
				w.say("refused to skip %d of lane %d", m.Position, l.number)
				return
			}
			l.cursor++
			continue
		}
		m.Payload = w.body()
		if !w.seq.Message(l.number, m) {
			delete(w.payloads, m.Payload)
			w.say("refused %d of lane %d", m.Position, l.number)
			return
		}
		w.say("message lane %d pos %d seq %d key %s", l.number, m.Position, m.Sequence, m.Key)
		l.cursor++
	}
}

// answer lets the handler, or the network, answer a call, in time, late, or twice.
func (w *world) answer() {
	w.calls = slices.DeleteFunc(w.calls, func(c *worldCall) bool { return c.until <= w.now && (c.until == 0 || c.lost) })
	if len(w.calls) == 0 {
		return
	}
	c := w.calls[w.random.IntN(len(w.calls))]
	id, luck := c.effect.Call, w.random.IntN(100)
	if !w.hostile {
		luck = 0
	}
	if c.kills && w.hostile {
		return
	}
	convoy := w.convoy(c.effect.Lane, c.effect.Key)
	accept := func(n int) {
		for _, item := range c.items[:n] {
			convoy.conclude(item.Sequence)
			delete(w.lanes[c.effect.Lane].suspects, item.Sequence)
		}
		delete(w.lanes[c.effect.Lane].suspects, c.items[0].Sequence)
		c.until = 0
	}
	switch {
	case luck < 65:
		w.say("done %x", id)
		accept(len(c.items))
		if c.alone {
			w.lanes[c.effect.Lane].survived[c.items[0].Sequence] = true
		}
		w.expect(w.seq.Done(w.now, id))
	case luck < 80:
		n := w.random.IntN(len(c.items))
		w.say("failed %x after %d", id, n)
		accept(n)
		w.expect(w.seq.Failed(w.now, id, Failure{Completed: n, RetryAfter: int64(w.random.IntN(2) * 30)}))
	case luck < 88:
		w.say("refused %x", id)
		accept(0)
		w.expect(w.seq.Failed(w.now, id, Failure{Permanent: true}))
	case luck < 93 && !c.lost:
		w.say("not started %x", id)
		c.until = 0
		w.expect(w.seq.NotStarted(id))
	case !c.lost:
		sent := c.until - Instant(w.config.Timeout) + Instant(w.random.IntN(20))
		w.say("lost %x, sent %d", id, sent)
		c.until = sent + Instant(w.config.Timeout)
		c.lost = true
		delete(w.lanes[c.effect.Lane].suspects, c.items[0].Sequence)
		w.expect(w.seq.TimedOut(w.now, id, sent))
	}
}

func (w *world) expect(ok bool) {
	if !ok {
		w.fail("answer not accepted")
	}
}

// operate carries out some operation whose predecessors in its queue are done.
func (w *world) operate() {
	if len(w.operations) == 0 {
		return
	}
	i := w.random.IntN(len(w.operations))
	i = slices.IndexFunc(w.operations, func(o operation) bool { return o.queue == w.operations[i].queue })
	op := w.operations[i]
	w.operations = slices.Delete(w.operations, i, i+1)
	w.say("answer %v of %s", op.effect.Kind, op.queue)
	w.apply(op, true)
}

// flush takes a snapshot, or makes an earlier one durable.
func (w *world) flush() {
	l := w.lanes[w.random.IntN(len(w.lanes))]
	if !l.open || l.fencedOff {
		return
	}
	if n := len(l.flushes); n == 0 || (n < 3 && w.random.IntN(2) == 0) {
		var p Progress
		w.seq.Snapshot(l.number, &p)
		w.judgeSnapshot(l, &p)
		l.flushes = append(l.flushes, p)
		return
	}
	l.record = l.flushes[0]
	l.flushes = l.flushes[1:]
	w.say("flushed lane %d version %d: %v %v %v", l.number, l.record.Version, l.record.LowWater, l.record.Ranges, l.record.Attempts)
	w.seq.Flushed(l.number, l.record.Version)
}

// judgeCounts holds the attempts of suspects against the truth: one at most is charged with a start that it has not made.
func (w *world) judgeCounts(l *worldLane, p *Progress) {
	charged := 0
	for _, a := range p.Attempts {
		if a.Suspect && l.suspects[a.Sequence] && a.Attempts > l.tries[a.Sequence] {
			charged++
		}
	}
	if charged > 1 {
		w.fail("%d suspects are charged at once: %v, were %v", charged, p.Attempts, l.tries)
	}
}

// judgeSnapshot holds the progress against the truth: it claims no message that is not concluded or in the store, and
// names every message that is with the handler.
func (w *world) judgeSnapshot(l *worldLane, p *Progress) {
	w.judgeCounts(l, p)
	for _, m := range l.messages {
		c := w.convoy(l.number, m.Key)
		if p.Covers(m.Position) && !c.done[m.Sequence] && !slices.Contains(c.store, m.Sequence) {
			w.fail("progress claims %d, which is lost", m.Position)
		}
	}
	for i := 1; i < len(p.Ranges); i++ {
		if p.Ranges[i].From <= p.Ranges[i-1].To+1 {
			w.fail("ranges %v touch", p.Ranges)
		}
	}
	for _, c := range w.calls {
		if c.effect.Lane != l.number || c.until == 0 || (c.lost && c.until <= w.now) {
			continue
		}
		for _, item := range c.items {
			if !slices.ContainsFunc(p.Attempts, func(a Attempt) bool { return a.Sequence == item.Sequence }) {
				w.fail("message %d runs and is not in %v", item.Sequence, p.Attempts)
			}
		}
	}
}

// wait lets time pass, mostly to the next deadline.
func (w *world) wait() {
	if at, ok := w.seq.Deadline(); ok && w.random.IntN(3) > 0 {
		w.now = max(w.now, at)
		return
	}
	w.now += Instant(w.random.IntN(100))
}

// rest ends all hostility and lets the world run until everything is concluded, then drains every lane.
func (w *world) rest() {
	w.hostile = false
	w.say("rest")
	for n := 0; w.err == nil && (n%50 != 0 || !w.finished()); n++ {
		if n > 200_000 {
			w.fail("not everything is concluded: %s\n%s", w.leftovers(), w.dump())
			return
		}
		w.step()
	}
	for _, l := range w.lanes {
		l.revoked = true
		w.seq.Revoke(l.number)
	}
	for n := 0; w.err == nil && slices.ContainsFunc(w.lanes, func(l *worldLane) bool { return l.open }); n++ {
		if n > 20_000 {
			w.fail("the drain does not end")
		}
		w.answer()
		w.operate()
		w.poll()
	}
	if w.err == nil && (len(w.payloads) > 0 || w.seq.Len() > 0 || w.seq.Running() > 0) {
		w.fail("left over: payloads %v, %d keys, %d calls", w.payloads, w.seq.Len(), w.seq.Running())
	}
}

func (w *world) finished() bool { return w.leftovers() == "" }

func (w *world) leftovers() string {
	for k, c := range w.keys {
		for _, sequence := range c.sequences {
			if !c.done[sequence] {
				return k.name + ": " + printSequences(c, sequence)
			}
		}
	}
	return ""
}
