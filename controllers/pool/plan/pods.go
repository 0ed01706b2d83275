// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package plan

import "convoy.dev/convoy/worker/lane"

// writePods says what is to be written to pods and Deployment.
func (p *planner) writePods() {
	p.plan.Replicas = p.replicas()
	for _, d := range p.sorted {
		if d.active() {
			p.writePod(d)
		}
		if d.Finalizer && p.idle(d) && !d.absent && (d.Deleting || d.final()) {
			p.plan.Unfinalize = append(p.plan.Unfinalize, d.PodRef)
		}
	}
	p.openGates()
}

// idle says that the pod has no part in the next table.
func (p *planner) idle(d *pod) bool { return d.slot == lane.None && d.held == 0 }

// writePod is for a pod that is meant to stay. One that has come to the end of its use is made cheap to delete,
// then not ready.
func (p *planner) writePod(d *pod) {
	shrinks := p.keptReplicas() < p.state.Deployment.Replicas
	idle := p.idle(d)
	switch {
	case idle && d.resigned(), !idle && d.BackOff && p.downTooLong(d):
		p.plan.Delete = append(p.plan.Delete, d.PodRef)
	case !idle && d.Cheap:
		p.plan.Restore = append(p.plan.Restore, d.PodRef)
	case idle && !d.Cheap && (d.Serving || shrinks):
		p.plan.Cheapen = append(p.plan.Cheapen, d.PodRef)
	case idle && d.Serving:
		p.plan.Gates = append(p.plan.Gates, Gate{Pod: d.PodRef})
	}
}

// keptReplicas is the replicas that the pool needs: a pod for each slot, those that still drain included.
func (p *planner) keptReplicas() int { return max(p.wanted(), len(p.next.Slots)) }

// servesYet says that a pod that lost its slot in a rollout may still count as ready in its place. One that has been
// bound again counts for its new slot.
func (p *planner) servesYet(before PodRef) bool {
	d := p.pods[before]
	return d != nil && d.active() && d.slot == lane.None && (d.Serving || d.held > 0)
}

// openGates lets bound pods serve, one for each slot at most. While an outdated pod is seen to serve it takes the
// place of the one that has its slot: only once its own gate is False is there one pod more that is ready, and
// then the Deployment deletes exactly the one that is not.
func (p *planner) openGates() {
	places := p.gatePlaces()
	for _, s := range p.next.Slots {
		d := p.podOf(s.Index, s.Pod)
		if places > 0 && d != nil && !d.Serving && !p.servesYet(s.Before) {
			p.plan.Gates = append(p.plan.Gates, Gate{Pod: d.PodRef, Serving: true})
			places--
		}
	}
}

// gatePlaces is how many gates more can open: no more pods may become ready than there are slots, nor than the
// Deployment is known to want. With one ready pod too many the Deployment deletes one of its oldest ReplicaSet, and that
// may be any. While its size is being passed on it is not known which size counts, and none opens.
func (p *planner) gatePlaces() int {
	if p.state.Deployment.Shrinking {
		return 0
	}
	serving, coming, ready := 0, 0, map[string]int{}
	for _, d := range p.sorted {
		if !d.active() {
			continue
		}
		if d.Ready {
			ready[d.Set]++
		}
		if d.Serving {
			serving++
			if !d.Ready {
				coming++
			}
		}
	}
	return min(len(p.next.Slots)-serving, p.state.Deployment.Replicas-p.state.Deployment.readyAtMost(ready)-coming)
}
