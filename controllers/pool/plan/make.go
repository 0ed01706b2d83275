// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package plan

import (
	"cmp"
	"slices"
	"time"

	"convoy.dev/convoy/worker/lane"
)

// Make makes the plan for one observation of the world at the instant now.
func Make(s State, now time.Time) Plan {
	switch {
	case (s.Table == nil || s.Foreign || behind(s)) && !s.Live:
		return Plan{ObserveLive: true, Replicas: s.Deployment.Replicas}
	case s.Table == nil:
		return Plan{MakeTable: true, Replicas: s.Deployment.Replicas}
	case s.Foreign || behind(s):
		return rebuild(s)
	}
	p := newPlanner(s, now)
	if unseen := p.unseen(); len(unseen) > 0 {
		return Plan{Confirm: unseen, Replicas: s.Deployment.Replicas}
	}
	p.judge()
	p.decide()
	p.conclude()
	p.project()
	p.writePods()
	p.report()
	return p.plan
}

// planner is one plan in the making.
type planner struct {
	now   time.Time
	state State
	// pods has every pod that was observed or that the table names; sorted has them by name and UID.
	pods   map[PodRef]*pod
	sorted []*pod
	// bound has the pods by the slot that they had in the table that was read: where to look first.
	bound map[int32]*pod
	// healthy is how many pods could take over lanes.
	healthy int
	// places has the slots of next while lanes are decided.
	places map[int32]place
	next   Table
	plan   Plan
}

func newPlanner(s State, now time.Time) *planner {
	p := &planner{now: now, state: s, pods: make(map[PodRef]*pod, len(s.Pods)), bound: make(map[int32]*pod, len(s.Table.Slots)), next: *s.Table}
	p.next.Slots = slices.Clone(p.next.Slots) // the other lists are made anew, never changed in place
	for _, facts := range s.Pods {
		p.pods[facts.PodRef] = &pod{Pod: facts, slot: lane.None}
	}
	for _, ref := range s.Absent {
		if p.pods[ref] == nil {
			p.pods[ref] = &pod{Pod: Pod{PodRef: ref}, slot: lane.None, absent: true}
		}
	}
	for i, w := range s.Workers {
		if d := p.pods[w.Pod]; d != nil {
			d.mailbox = &s.Workers[i]
		}
	}
	for _, d := range p.pods {
		p.sorted = append(p.sorted, d)
	}
	for _, slot := range s.Table.Slots {
		if d := p.pods[slot.Pod]; d != nil {
			p.bound[slot.Index], d.had = d, true
		}
	}
	slices.SortFunc(p.sorted, func(a, b *pod) int { return a.compare(b.PodRef) })
	return p
}

// podOf is the pod of this name and UID, nil for none, which most likely is the one that was bound to the slot: names are
// many times as slow to look up as numbers, and every lane has one.
func (p *planner) podOf(slot int32, ref PodRef) *pod {
	if d := p.bound[slot]; d != nil && d.PodRef == ref {
		return d
	}
	return p.pods[ref]
}

// unseen is the pods that the table names and that were neither observed nor confirmed absent.
func (p *planner) unseen() []PodRef {
	missing := map[PodRef]bool{}
	look := func(ref PodRef) {
		if ref != (PodRef{}) && p.pods[ref] == nil {
			missing[ref] = true
		}
	}
	for _, s := range p.next.Slots {
		look(s.Pod)
	}
	for _, lanes := range [][]Lane{p.next.Lanes, p.next.Shards} {
		for i := range lanes {
			look(lanes[i].Worker)
		}
	}
	var refs []PodRef
	for ref := range missing {
		refs = append(refs, ref)
	}
	slices.SortFunc(refs, PodRef.compare)
	return refs
}

// decide brings the next table about. What becomes free on the way, a drained slot's pod or a retired one that
// has handed over its last lane, is put to use in the same plan: the lanes are then decided once more, from the
// start, so that none is granted and revoked at once. Each further round binds a pod, or is the last.
func (p *planner) decide() {
	for range len(p.sorted) + 2 {
		before := slices.Clone(p.next.Slots)
		p.vacate()
		p.fit()
		p.fill()
		p.rollOut()
		if p.places != nil && slices.Equal(before, p.next.Slots) {
			return
		}
		p.assign()
		p.count()
		p.removeDrained()
	}
}

// conclude completes the next table, and drops it if nothing changed.
func (p *planner) conclude() {
	p.next.Quarantine = p.quarantine()
	p.next.Retired = p.retired()
	p.next.Revokes = p.revokes()
	if !p.next.equal(p.state.Table) || p.overwritten() {
		for i, s := range p.next.Slots {
			if !p.servesYet(s.Before) {
				p.next.Slots[i].Before = PodRef{}
			}
		}
		p.next.Revision++
		table := p.next
		p.plan.Table = &table
	}
}

// quarantine is how long a forced grant waits. While a pod, or an owner that may still run, can have been made
// under longer settings than today's, it does not shrink.
func (p *planner) quarantine() time.Duration {
	now := p.state.Pool.Fence + p.state.Pool.Timeout
	if len(p.sorted) == 0 && p.state.Deployment.Replicas == 0 && !p.anyOwner() {
		return now
	}
	return max(now, p.next.Quarantine)
}

// anyOwner says that somebody may run a lane, known or not.
func (p *planner) anyOwner() bool {
	owned := func(l Lane) bool { return l.Forced || l.State != Unowned }
	return slices.ContainsFunc(p.next.Lanes, owned) || slices.ContainsFunc(p.next.Shards, owned)
}

// retired is the pods that hold lanes and are bound to no slot.
func (p *planner) retired() []PodRef {
	var refs []PodRef
	for _, d := range p.sorted {
		if d.slot == lane.None && d.held > 0 {
			refs = append(refs, d.PodRef)
		}
	}
	return refs
}

// revokes is when the revisions were planned that lanes wait for.
func (p *planner) revokes() []Revoke {
	since := map[int64]bool{}
	for _, lanes := range [][]Lane{p.next.Lanes, p.next.Shards} {
		for i := range lanes {
			if lanes[i].State == Releasing {
				since[lanes[i].Since] = true
			}
		}
	}
	var kept []Revoke
	for _, r := range p.state.Table.Revokes {
		if since[r.Revision] {
			kept = append(kept, r)
			delete(since, r.Revision)
		}
	}
	for revision := range since {
		kept = append(kept, Revoke{Revision: revision, Time: p.now})
	}
	slices.SortFunc(kept, func(a, b Revoke) int { return cmp.Compare(a.Revision, b.Revision) })
	return kept
}
