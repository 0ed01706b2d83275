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

// overwritten says that a spec carries the table's revision and says something else, or that its worker has carried out
// another one of that revision, so that only a newer table can mend it: somebody wrote to it by hand, another version of
// this package made it, or a table that was put back has come to that revision again.
func (p *planner) overwritten() bool {
	return slices.ContainsFunc(p.sorted, func(d *pod) bool {
		return p.listens(d) && p.outOfDate(d) && d.mailbox.Spec.Revision >= p.next.Revision
	})
}

// outOfDate says that the pod's spec has to be written.
func (p *planner) outOfDate(d *pod) bool {
	has, want := d.mailbox.Spec, p.spec(d)
	if d.since > has.Revision || d.contradicts() {
		return true
	}
	if has.Revision == 0 && d.slot == lane.None && d.held == 0 {
		return false
	}
	return has.Revision < p.next.Rebuilt || has.Slot != want.Slot || has.Leaving != want.Leaving ||
		has.Quarantine != want.Quarantine ||
		!slices.Equal(has.Grants, want.Grants)
}

// contradicts says that the worker cannot have carried out the spec that its mailbox has, though it says that it has
// observed its revision: it lacks a grant, or runs what is none. It then has seen that revision of another history, and
// ignores this one. While anything drains it may be on its way out, and gives up grants by itself.
func (d *pod) contradicts() bool {
	spec, report := d.mailbox.Spec, d.mailbox.Report
	if spec.Revision == 0 || report.Observed < spec.Revision {
		return false
	}
	granted := make(map[drain.Unit]bool, len(spec.Grants))
	for _, g := range spec.Grants {
		granted[g.Unit] = true
	}
	strange := false
	for _, h := range report.Held {
		switch h.State {
		case drain.Draining, drain.Barred:
			return false
		case drain.Opening, drain.Fencing, drain.Running:
			strange = strange || !granted[h.Unit]
		default:
		}
		delete(granted, h.Unit)
	}
	return strange || len(granted) > 0
}

// spec is what the next table means for one pod. A lane that is Releasing is not in it.
func (p *planner) spec(d *pod) drain.Spec {
	s := p.slot(d.slot)
	return drain.Spec{
		Revision:   p.next.Revision,
		Slot:       d.slot,
		Leaving:    s == nil || s.Leaving,
		Quarantine: p.next.Quarantine,
		Grants:     d.grants,
	}
}
