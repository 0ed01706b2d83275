// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package plan

import (
	"maps"
	"time"
)

// generation is the pods that one ReplicaSet made.
type generation struct {
	set     string
	current bool
}

// census counts the active pods as those see them who choose the pods to delete.
type census struct {
	// needed are pods that are bound or hold lanes, ready those of them that are ready, by generation idle and
	// needed ones.
	needed, ready    int
	neededOf, idleOf map[generation]int
	// neededIn counts those needed by ReplicaSet, but for pods of nodes that do not answer: these do not become ready.
	neededIn map[string]int
	// of counts all pods by ReplicaSet, the idle as not ready.
	of map[string]Count
	// busy says that a pod without use could still be mistaken for one at work: ready, not yet seen cheap, or given up by
	// this very plan, so that somebody may just have put it to work; or one at work for it: not yet seen at its usual
	// cost, or with its gate open, or ready when its kubelet has seen that.
	busy bool
	// priced is when the cost of any was changed last, risen when the last of the needed became ready, or its containers
	// did: before, whoever chooses may even take it for one that has not been started.
	priced, risen time.Time
}

func (p *planner) census() census {
	c := census{neededOf: map[generation]int{}, idleOf: map[generation]int{}, neededIn: map[string]int{}, of: map[string]Count{}}
	for _, d := range p.sorted {
		if !d.active() {
			continue
		}
		generation, count := generation{d.Set, d.Current}, c.of[d.Set]
		count.Pods++
		c.priced = later(c.priced, d.CostSince)
		if p.idle(d) {
			c.idleOf[generation]++
			c.busy = c.busy || d.Ready || d.Serving || !d.Cheap || d.had
		} else {
			c.needed++
			c.neededOf[generation]++
			if d.Ready || d.UnreachableSince.IsZero() {
				c.neededIn[d.Set]++
			}
			if d.Ready {
				c.ready++
				count.Ready++
			}
			c.risen = later(c.risen, later(d.ReadySince, d.ContainersReadySince))
			c.busy = c.busy || d.Cheap || !d.Serving || d.rises()
		}
		c.of[d.Set] = count
	}
	return c
}

// rises says that the pod's kubelet has only to see its gate open to call it ready.
func (d *pod) rises() bool {
	return d.ContainersReady && d.Serving && !d.Gated && !d.Ready && d.UnreachableSince.IsZero()
}

func later(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}

// seen is when every controller can be taken to have seen what was so at that instant.
func (p *planner) seen(at time.Time) time.Time {
	if lag := p.state.Pool.WatchLag; lag > 0 {
		return at.Add(lag)
	}
	return at.Add(DefaultWatchLag)
}

// replicas is the Deployment's size: up at once; down by no more than the pods that hold nothing, and only when
// whoever chooses the pods to delete has seen that exactly these are not ready.
//
// Each ReplicaSet is to count as many pods, and as many ready ones, as there are here. One evicted, and still taken for
// ready, would leave another to be deleted; and one that has just become ready could be missing from an old count in
// which one that has just been given up is still ready. So those at work are to have been ready for long enough to be
// known. If one of them is not ready (its node is silent, its worker down), the cost alone tells it from the idle ones,
// and is given time to be seen. One that is about to be ready is waited for: a kubelet that has not seen an idle one's gate
// closed may yet call that ready, and then it stays in the other's place, whatever it costs.
func (p *planner) replicas() int {
	kept, now := p.keptReplicas(), p.state.Deployment.Replicas
	if kept >= now {
		return kept
	}
	c := p.census()
	if c.busy || !maps.Equal(c.of, p.state.Deployment.Seen) {
		return now
	}
	sure := p.seen(c.risen)
	if c.ready < c.needed {
		sure = later(sure, p.seen(c.priced))
	}
	if p.now.Before(sure) {
		p.wake(sure)
		return now
	}
	if c.needed == 0 {
		return kept
	}
	if p.cleansUp(c) {
		return now
	}
	if !p.rolls(c) {
		return min(now, max(kept, c.needed))
	}
	if p.state.Deployment.Shrinking {
		return now
	}
	for of := range c.neededOf {
		if c.idleOf[of] == 0 {
			return now
		}
	}
	return min(now, max(kept, c.needed, now-1))
}

// cleansUp says that a rollout may take an idle pod that is not there for a smaller size as well: rollout begins -> the
// one idle pod is taken -> the operator, which has not seen that, writes a size for it -> a pod at work is taken. Pods of
// the present template that are at work count as ready, because they may be by then.
func (p *planner) cleansUp(c census) bool { return p.takesOld(c.neededIn[p.state.Deployment.Present]) }

// takesOld says that the Deployment may take pods that are not ready from ReplicaSets of earlier templates by itself, for
// a rollout: as many as these and those of the present template that are ready exceed what it keeps available.
func (p *planner) takesOld(ready int) bool {
	d := p.state.Deployment
	return d.Old > 0 && d.Old+ready > d.Available
}

// rolls says that the Deployment has, or is about to have, more than one ReplicaSet: as far as the operator has seen, one of
// an earlier template is enough. In the middle of a rollout it takes pods from each in proportion to its size, pods that
// could not be made included. So it is shrunk by one at a time, when the one before is done, and only while each has one
// to spare.
func (p *planner) rolls(c census) bool {
	return p.state.Deployment.Sets > 1 || p.state.Deployment.Old > 0 || c.mixed()
}

// mixed says that pods of several generations are there.
func (c census) mixed() bool {
	if len(c.neededOf) > 1 {
		return true
	}
	for of := range c.idleOf {
		if _, same := c.neededOf[of]; !same {
			return true
		}
	}
	return false
}
