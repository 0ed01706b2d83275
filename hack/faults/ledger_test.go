// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package faults

import (
	"slices"
	"time"

	"convoy.dev/convoy/worker/drain"
)

// quarantine is what a forced grant waits.
const quarantine = (fenceSeconds + callSeconds) * time.Second

// move takes every lane of one place that may go, and gives it to another, by the protocol: revoke, drained, grant.
func (w *world) move(from, to *place, only ...int32) {
	w.t.Helper()
	moved := w.revoke(from, only...)
	w.until(from.name+" has drained", func() bool { return w.released(from, moved) })
	w.grant(to, false, moved...)
}

// revoke writes a spec without the lanes, or without any if none is named.
func (w *world) revoke(from *place, only ...int32) []int32 {
	w.t.Helper()
	var moved []int32
	from.spec.Grants = slices.DeleteFunc(from.spec.Grants, func(g drain.Grant) bool {
		goes := len(only) == 0 || slices.Contains(only, g.Index)
		if goes {
			moved = append(moved, g.Index)
		}
		return goes
	})
	w.tell(from)
	return moved
}

func (w *world) released(p *place, moved []int32) bool {
	w.t.Helper()
	report := w.report(p)
	return report.Resigned || report.Observed >= p.spec.Revision && !slices.ContainsFunc(report.Held, func(h drain.Held) bool {
		return h.State != drain.Refused && slices.Contains(moved, h.Index)
	})
}

// grant gives lanes at their next epoch.
func (w *world) grant(to *place, forced bool, granted ...int32) {
	w.t.Helper()
	for _, lane := range granted {
		w.epochs[lane]++
		to.spec.Grants = append(to.spec.Grants, drain.Grant{Unit: drain.Unit{Index: lane}, Epoch: w.epochs[lane], Forced: forced})
	}
	slices.SortFunc(to.spec.Grants, func(a, b drain.Grant) int { return int(a.Index - b.Index) })
	w.tell(to)
}

// seize gives every lane of one place to another by force: the former owner may be running, and is not asked.
func (w *world) seize(from, to *place) []int32 {
	w.t.Helper()
	var taken []int32
	for _, g := range from.spec.Grants {
		taken = append(taken, g.Index)
	}
	from.spec.Grants = nil
	w.grant(to, true, taken...)
	return taken
}

// runs says whether a place runs each of these lanes at its newest epoch.
func (w *world) runs(p *place, wanted ...int32) bool {
	w.t.Helper()
	running := 0
	for _, h := range w.report(p).Held {
		if h.State == drain.Running && slices.Contains(wanted, h.Index) && h.Epoch == w.epochs[h.Index] {
			running++
		}
	}
	return running == len(wanted)
}
