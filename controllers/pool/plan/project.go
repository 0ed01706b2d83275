// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package plan

import (
	"slices"

	"convoy.dev/convoy/worker/drain"
	"convoy.dev/convoy/worker/lane"
)

// project says which mailboxes are to be made, and which specs written: those that say something else than the
// next table, and those whose worker has a revoke to answer that it has not been told. Their revision is older than
// the next table's: else the table would have been rebuilt, or written anew because a spec was overwritten.
func (p *planner) project() {
	for _, d := range p.sorted {
		switch {
		case p.lacksMailbox(d):
			p.plan.Specs = append(p.plan.Specs, SpecWrite{Pod: d.PodRef, Create: true})
		case p.listens(d) && p.outOfDate(d):
			recheck := d.mailbox.Spec.Revision == 0 && p.plan.Table == nil
			p.plan.Specs = append(p.plan.Specs, SpecWrite{Pod: d.PodRef, Recheck: recheck, Spec: p.spec(d)})
		}
	}
}

// lacksMailbox says that a worker runs, or will, that cannot be reached.
func (p *planner) lacksMailbox(d *pod) bool {
	return d.mailbox == nil && !d.vanished() && !d.final() && (!d.Deleting || d.held > 0)
}

// listens says that a worker may read what is written to it, and understands it.
func (p *planner) listens(d *pod) bool {
	return d.mailbox != nil && !d.vanished() && !d.final() && !d.resigned() && !p.incompatible(d)
}

// overwritten says that a spec carries the table's revision and says something else, so that only a newer table can mend
// it: somebody wrote to it by hand, or another version of this package made it.
func (p *planner) overwritten() bool {
	return slices.ContainsFunc(p.sorted, func(d *pod) bool {
		return p.listens(d) && p.outOfDate(d) && d.mailbox.Spec.Revision >= p.next.Revision
	})
}

// outOfDate says that the pod's spec has to be written.
func (p *planner) outOfDate(d *pod) bool {
	has, want := d.mailbox.Spec, p.spec(d)
	if d.since > has.Revision {
		return true
	}
	if has.Revision == 0 && d.slot == lane.None && d.held == 0 {
		return false
	}
	return has.Revision < p.next.Rebuilt || has.Slot != want.Slot || has.Leaving != want.Leaving || has.Sample != want.Sample ||
		has.Quarantine != want.Quarantine ||
		!slices.Equal(has.Grants, want.Grants)
}

// lowest is the lowest slot that has a pod, lane.None for none: its worker counts the backlog. It follows from the table
// alone, so that two controllers with one table ask the same worker.
func (p *planner) lowest() int32 {
	for _, s := range p.next.Slots {
		if s.Pod != (PodRef{}) {
			return s.Index
		}
	}
	return lane.None
}

// spec is what the next table means for one pod. A lane that is Releasing is not in it.
func (p *planner) spec(d *pod) drain.Spec {
	s := p.slot(d.slot)
	return drain.Spec{
		Revision:   p.next.Revision,
		Slot:       d.slot,
		Leaving:    s == nil || s.Leaving,
		Sample:     d.slot != lane.None && d.slot == p.lowest(),
		Quarantine: p.next.Quarantine,
		Grants:     d.grants,
	}
}
