// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package plan

import (
	"cmp"
	"slices"

	"convoy.dev/convoy/worker/drain"
)

// basis is what a lane's next grant rests on.
type basis uint8

const (
	// held: the worker has the lane, or may have it. There is no next grant.
	held basis = iota
	// vacant: nobody has the lane.
	vacant
	// acknowledged: the worker has observed the revoke and does not hold the lane.
	acknowledged
	// resigned: the worker holds nothing and opens nothing again.
	resigned
	// stopped: the pod is known to have stopped.
	stopped
	// refused: the broker has a higher epoch; whose is not known.
	refused
	// lost: the worker may still run.
	lost
)

// evidence is what is known of a lane's worker.
type evidence struct {
	basis
	// floor is the epoch that the broker has, when basis is refused.
	floor int64
}

// forces says that the next grant must be forced: somebody may still run the lane.
func (e evidence) forces() bool { return e.basis == refused || e.basis == lost }

// evidenceFor says whether the lane can be granted again, and on what ground. A refusal comes before all others:
// it says that somebody unknown had the lane, whatever is known of its worker.
func (p *planner) evidenceFor(unit drain.Unit, l Lane) evidence {
	if l.State == Unowned {
		return evidence{basis: vacant}
	}
	d := p.podOf(l.Slot, l.Worker)
	entry, listed := d.reports(unit)
	switch {
	case listed && entry.State == drain.Refused && entry.Epoch == l.Epoch:
		return evidence{basis: refused, floor: entry.Floor}
	case d.resigned():
		return evidence{basis: resigned}
	case d.stopped():
		return evidence{basis: stopped}
	case l.State == Releasing && d.answers(l.Since) && (!listed || !entry.State.Holds()):
		return evidence{basis: acknowledged}
	case d.lost:
		return evidence{basis: lost}
	}
	return evidence{}
}

// answers says that the worker's report answers a revoke of this revision. One that has observed less answers
// an earlier spec, in which it may not even have had the lane.
func (d *pod) answers(revision int64) bool {
	return d.mailbox != nil && d.mailbox.Report.Observed >= revision
}

// reports is the worker's entry for the unit.
func (d *pod) reports(unit drain.Unit) (drain.Held, bool) {
	if d.mailbox == nil {
		return drain.Held{}, false
	}
	entries := d.mailbox.Report.Held
	at, found := slices.BinarySearchFunc(entries, unit, func(h drain.Held, u drain.Unit) int {
		return cmp.Or(cmp.Compare(h.Kind, u.Kind), cmp.Compare(h.Index, u.Index))
	})
	if !found {
		return drain.Held{}, false
	}
	return entries[at], true
}

// runs says that the worker reports the lane Running at an epoch that this history of the table has given it: whatever
// quarantine it had is over, and the broker refuses whoever was granted the lane in another.
func (p *planner) runs(unit drain.Unit, l Lane) bool {
	entry, listed := p.podOf(l.Slot, l.Worker).reports(unit)
	return listed && entry.State == drain.Running && entry.Epoch == l.Epoch && p.granted(l)
}

// granted says that this history of the table has granted the lane. What a rebuilt table has taken from workers' word
// it has not: they are taken for owners, but somebody else may hold, or be about to open, a later grant of a history
// that is lost. Only an epoch above all of these keeps everybody else away.
func (p *planner) granted(l Lane) bool { return l.Epoch > p.state.Table.Rebuilt }
