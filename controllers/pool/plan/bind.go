// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package plan

import (
	"cmp"
	"slices"
)

// fill binds spare pods to vacant slots.
func (p *planner) fill() {
	spares := p.spares()
	for i := range p.next.Slots {
		s := &p.next.Slots[i]
		if s.Pod != (PodRef{}) || s.Leaving {
			continue
		}
		if len(spares) == 0 {
			return
		}
		s.bind(spares[0])
		spares = spares[1:]
	}
}

// spares are the pods that can be bound, the best first: of the present template, not given up yet, oldest.
//
// While the Deployment shrinks there are none. A pod that was given up is not ready and cheap, that is, the next to
// be deleted: suspend -> replicas 0 is written -> resumed before the ReplicaSet has acted -> the pod is bound again
// and granted lanes -> it is deleted with them. Nor is an outdated one a spare while a rollout may take it.
func (p *planner) spares() []*pod {
	var spares []*pod
	if p.state.Deployment.Shrinking {
		return nil
	}
	doomed, taken := p.doomed(), p.takesOld(p.state.Deployment.Seen[p.state.Deployment.Present].Ready)
	for _, d := range p.sorted {
		goes := d.Cheap && doomed(d) || !d.Current && taken
		if p.idle(d) && !goes && d.ContainersReady && p.usable(d) {
			spares = append(spares, d)
		}
	}
	slices.SortStableFunc(spares, func(a, b *pod) int {
		return cmp.Or(
			compareBool(b.Current, a.Current),
			compareBool(a.Cheap, b.Cheap),
			a.Created.Compare(b.Created),
		)
	})
	return spares
}

// doomed tells the pods that the Deployment is about to delete, of those that were given up. To bind one again
// would be to have a worker deleted with its lanes. In a rollout these are the outdated ones, as long as one of
// the present template is at work or could be; else all, while there are more pods than replicas.
func (p *planner) doomed() func(*pod) bool {
	active, outdated, current := 0, false, false
	for _, d := range p.sorted {
		if d.active() {
			active++
			outdated = outdated || !d.Current
			current = current || d.Current && p.usable(d)
		}
	}
	if outdated {
		return func(d *pod) bool { return !d.Current && current }
	}
	return func(*pod) bool { return active > p.state.Deployment.Replicas }
}

// rollOut gives slots of outdated pods to spare pods of the present template, one slot to each, once no slot is
// vacant. The outdated pod keeps its lanes until they have drained. Workers that cannot be asked to drain are
// left alone.
func (p *planner) rollOut() {
	if slices.ContainsFunc(p.next.Slots, func(s Slot) bool { return s.Pod == (PodRef{}) && !s.Leaving }) {
		return
	}
	outdated := p.outdated()
	for _, spare := range p.spares() {
		if !spare.Current || len(outdated) == 0 {
			return
		}
		s := outdated[0]
		if !p.servesYet(s.Before) {
			s.Before = s.Pod
		}
		s.unbind(p.podOf(s.Index, s.Pod))
		s.bind(spare)
		outdated = outdated[1:]
	}
}

// outdated is the staying slots with pods of an earlier template: those without a working one first, then by number.
// A working pod that is not seen to serve yet comes later: its gate may have been opened already, and must be seen
// to close before its successor's opens.
func (p *planner) outdated() []*Slot {
	var slots []*Slot
	for i := range p.next.Slots {
		s := &p.next.Slots[i]
		if d := p.podOf(s.Index, s.Pod); d != nil && !s.Leaving && !d.Current && !p.incompatible(d) && (d.Serving || !p.usable(d)) {
			slots = append(slots, s)
		}
	}
	slices.SortStableFunc(slots, func(a, b *Slot) int {
		return compareBool(p.usable(p.podOf(a.Index, a.Pod)), p.usable(p.podOf(b.Index, b.Pod)))
	})
	return slots
}
