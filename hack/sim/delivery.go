// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package sim

import (
	"slices"
	"time"

	"convoy.dev/convoy/worker/drain"
	"convoy.dev/convoy/worker/order"
)

// delivery is one call of the handler as the worker has it.
type delivery struct {
	id   order.CallID
	lane int32
	sent time.Duration
	gone bool // answered, or nobody listens for an answer any more
}

// deliver calls the handler, if the hold still stands.
func (wk *worker) deliver(e *order.Effect) {
	w := wk.w
	unit := laneUnit(e.Lane)
	d := &delivery{id: e.Call, lane: e.Lane, sent: w.clock.now}
	if !wk.machine.MayStart(unit, w.wall()) && !w.faults.noHold {
		wk.seq.NotStarted(d.id)
		wk.pumpSoon()
		return
	}
	w.check.runs(wk, unit)
	c := &call{lane: e.Lane, key: e.Key, seq: e.Items[0].Sequence, token: token(e.Epoch), attempt: int(e.Attempt), worker: wk, sent: d.sent}
	c.answer = func(result outcome) { wk.answered(d, c, result) }
	wk.calls = append(wk.calls, d)
	checked := wk.process.freezes
	wk.process.after(w.dice.span(10*time.Microsecond, time.Millisecond), func() {
		c.slept = wk.process.freezes != checked
		wk.run.handler.take(c)
	})
	wk.process.after(w.settings.Timeout, func() { wk.unanswered(d) })
	if w.dice.chance(w.settings.LoseConnection) {
		wk.process.after(w.dice.span(0, w.settings.Timeout), func() { wk.unanswered(d) })
	}
}

// answered hands the handler's answer to the sequencer.
func (wk *worker) answered(d *delivery, c *call, result outcome) {
	if d.gone {
		return
	}
	now := wk.instant()
	if result == failed && wk.w.faults.failedIsDone {
		result = succeeded
	}
	if l := wk.lane(d.lane); l != nil {
		if delete(l.failing, c.key); result != succeeded {
			l.failing[c.key] = true
		}
	}
	switch result {
	case succeeded:
		if wk.seq.Done(now, d.id) {
			wk.w.check.known(c)
		}
	case failed:
		wk.seq.Failed(now, d.id, order.Failure{})
	case rejected:
		wk.seq.Failed(now, d.id, order.Failure{Permanent: true})
	case noAnswer:
		wk.unanswered(d)
		return
	}
	wk.forget(d)
	wk.pumpSoon()
}

// unanswered is a call whose time is over, whose connection was lost, or that was cancelled: the handler may go on.
func (wk *worker) unanswered(d *delivery) {
	if d.gone {
		return
	}
	if wk.w.faults.timeoutFails {
		wk.seq.Failed(wk.instant(), d.id, order.Failure{})
	} else {
		wk.seq.TimedOut(wk.instant(), d.id, order.Instant(d.sent))
	}
	wk.forget(d)
	wk.pumpSoon()
}

func (wk *worker) forget(d *delivery) {
	d.gone = true
	wk.calls = slices.DeleteFunc(wk.calls, func(other *delivery) bool { return other == d })
}

// cancelCalls ends the unit's calls on this side; the handler may not notice.
func (wk *worker) cancelCalls(unit drain.Unit) {
	for _, d := range slices.Clone(wk.calls) {
		if unit == laneUnit(d.lane) {
			wk.unanswered(d)
		}
	}
}

// releaseParked is a person's wish for all parked keys of a lane.
func (wk *worker) releaseParked(lane int32) {
	wk.process.enter(func() {
		l := wk.lane(lane)
		if l == nil || l.stopped || l.aborted {
			return
		}
		park := &wk.w.broker.lanes[lane].park
		for _, key := range slices.Clone(park.names) {
			wk.seq.Release(lane, park.values[key].hash, key)
		}
		wk.pumpSoon()
	})
}
