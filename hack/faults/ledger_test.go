// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package faults

import (
	"cmp"
	"slices"
	"time"

	"convoy.dev/convoy/worker/drain"
)

// quarantine is what a forced grant waits.
const quarantine = (fenceSeconds + callSeconds) * time.Second

// move takes these of one place's units, or all if none is named, and gives them to another place, by the protocol: revoke,
// drained, grant.
func (w *world) move(from, to *place, only ...drain.Unit) []drain.Unit {
	w.t.Helper()
	moved := w.revoke(from, only...)
	w.until(from.name+" has drained", func() bool { return w.released(from, moved) })
	w.grant(to, false, moved...)
	return moved
}

// revoke writes a spec without the units, or without any if none is named.
func (w *world) revoke(from *place, only ...drain.Unit) []drain.Unit {
	w.t.Helper()
	var moved []drain.Unit
	from.spec.Grants = slices.DeleteFunc(from.spec.Grants, func(g drain.Grant) bool {
		goes := len(only) == 0 || slices.Contains(only, g.Unit)
		if goes {
			moved = append(moved, g.Unit)
		}
		return goes
	})
	w.tell(from)
	return moved
}

func (w *world) released(p *place, moved []drain.Unit) bool {
	w.t.Helper()
	report := w.report(p)
	return report.Resigned || report.Observed >= p.spec.Revision && !slices.ContainsFunc(report.Held, func(h drain.Held) bool {
		return h.State != drain.Refused && slices.Contains(moved, h.Unit)
	})
}

// grant gives units at their next epoch.
func (w *world) grant(to *place, forced bool, granted ...drain.Unit) {
	w.t.Helper()
	for _, unit := range granted {
		w.epochs[unit]++
		to.spec.Grants = append(to.spec.Grants, drain.Grant{Unit: unit, Epoch: w.epochs[unit], Forced: forced})
	}
	slices.SortFunc(to.spec.Grants, func(a, b drain.Grant) int {
		return cmp.Or(cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.Index, b.Index))
	})
	w.tell(to)
}

// seize gives all that one place has to another by force: the former owner may be running, and is not asked.
func (w *world) seize(from, to *place) []drain.Unit {
	w.t.Helper()
	var taken []drain.Unit
	for _, g := range from.spec.Grants {
		taken = append(taken, g.Unit)
	}
	from.spec.Grants = nil
	w.grant(to, true, taken...)
	return taken
}

// refused waits until the broker has refused all that a place was granted, and returns the epochs that it has.
func (w *world) refused(p *place) map[drain.Unit]int64 {
	w.t.Helper()
	var floors map[drain.Unit]int64
	w.until("what was granted is refused", func() bool {
		floors = map[drain.Unit]int64{}
		for _, h := range w.report(p).Held {
			if h.State == drain.Refused {
				floors[h.Unit] = h.Floor
			}
		}
		return len(floors) == len(p.spec.Grants)
	})
	return floors
}

// runs says whether a place runs each of these units at its newest epoch.
func (w *world) runs(p *place, wanted ...drain.Unit) bool {
	w.t.Helper()
	running := 0
	for _, h := range w.report(p).Held {
		if h.State == drain.Running && slices.Contains(wanted, h.Unit) && h.Epoch == w.epochs[h.Unit] {
			running++
		}
	}
	return running == len(wanted)
}
