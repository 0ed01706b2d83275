// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package sim

import (
	"fmt"
	"slices"
	"strings"

	"convoy.dev/convoy/worker/drain"
)

// unitName is how the story calls a lane or shard.
func unitName(u drain.Unit) string {
	if u.Kind == drain.Shard {
		return fmt.Sprintf("shard %d", u.Index)
	}
	return fmt.Sprintf("lane %d", u.Index)
}

func describeSpec(s drain.Spec) string {
	var b strings.Builder
	fmt.Fprintf(&b, "revision %d, slot %d%s:", s.Revision, s.Slot, ifTrue(s.Leaving, ", leaving"))
	for _, g := range s.Grants {
		fmt.Fprintf(&b, " %s@%d%s", unitName(g.Unit), g.Epoch, ifTrue(g.Forced, "!"))
	}
	return b.String()
}

func describeReport(r drain.Report) string {
	var b strings.Builder
	fmt.Fprintf(&b, "observed %d, incarnation %d%s:", r.Observed, r.Incarnation, ifTrue(r.Resigned, ", resigned"))
	for _, h := range r.Held {
		fmt.Fprintf(&b, " %s@%d %v", unitName(h.Unit), h.Epoch, h.State)
	}
	return b.String()
}

func sameReport(a, b drain.Report) bool {
	return a.Observed == b.Observed && a.Incarnation == b.Incarnation && a.Resigned == b.Resigned &&
		a.Protocol == b.Protocol && slices.Equal(a.Held, b.Held)
}

func (wk *worker) tellEffect(e drain.Effect) {
	whom := about{pod: wk.run.name}
	switch e.Type {
	case drain.RaiseIncarnation:
		wk.w.tell(whom, "worker: raise incarnation to %d", e.Report.Incarnation)
	case drain.OpenUnit, drain.StartUnit, drain.StopUnit, drain.AbortUnit, drain.PauseUnit, drain.ResumeUnit:
		whom.lane = unitName(e.Unit)
		wk.w.tell(whom, "worker: %v at %v", e.Type, e.Token)
	default:
	}
}
