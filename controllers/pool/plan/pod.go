// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package plan

import (
	"cmp"
	"slices"

	"convoy.dev/convoy/worker/drain"
	"convoy.dev/convoy/worker/lane"
)

// pod is what is known of one pod: its facts, its mailbox, and its place in the next table.
type pod struct {
	Pod
	// absent says that a live read did not find it; its facts are then empty.
	absent bool
	// mailbox is nil while the pod has none.
	mailbox *Worker
	// lost says that it may run, cannot be heard, and that its lanes can be taken over.
	lost bool
	// slot is the slot that it is bound to, or lane.None; had says that the table that was read binds it to one.
	slot int32
	had  bool
	// held is how many lanes and shards name it as their worker.
	held int
	// grants are what it is to hold, and since is the latest revoke that it has to answer, once counted.
	grants []drain.Grant
	since  int64
}

func (r PodRef) compare(to PodRef) int {
	return cmp.Or(cmp.Compare(r.Name, to.Name), cmp.Compare(r.UID, to.UID))
}

// stopped says that the pod is known to have stopped: that is the kubelet's word alone. A final phase may be
// written by pod garbage collection, absence by a force deletion, and a terminated container may be restarted.
func (d *pod) stopped() bool {
	if d.absent || d.PodGC || !d.final() || len(d.Containers) == 0 {
		return false
	}
	return !slices.ContainsFunc(d.Containers, func(c ContainerState) bool { return c != Terminated })
}

func (d *pod) final() bool { return d.Phase == Succeeded || d.Phase == Failed }

// vanished says that nothing more will be heard of the pod, though it may run.
func (d *pod) vanished() bool { return d.absent || d.PodGC }

// active says that the pod is there and meant to stay: what a ReplicaSet counts.
func (d *pod) active() bool { return !d.vanished() && !d.Deleting && !d.final() }

func (d *pod) resigned() bool { return d.mailbox != nil && d.mailbox.Report.Resigned }

// reported says that a worker has used the mailbox since it was made.
func (d *pod) reported() bool {
	return d.mailbox != nil && d.mailbox.Report.Protocol != drain.Protocol{}
}

// incompatible says that the worker speaks no protocol of ours.
func (p *planner) incompatible(d *pod) bool {
	if !d.reported() {
		return false
	}
	ours, theirs := p.state.Pool.Protocol, d.mailbox.Report.Protocol
	return theirs.Max < ours.Min || ours.Max < theirs.Min
}

// usable says that the pod's worker can be granted lanes.
func (p *planner) usable(d *pod) bool {
	return d.active() && d.Phase == Running && d.WorkerDownSince.IsZero() && d.UnreachableSince.IsZero() &&
		d.reported() && !d.resigned() && !p.incompatible(d)
}

// overdue says that the pod's node has been silent for as long as is waited.
func (p *planner) overdue(d *pod) bool {
	return !d.UnreachableSince.IsZero() && !p.now.Before(d.UnreachableSince.Add(p.state.Pool.UnreachableAfter))
}

// downTooLong says that the pod's worker has not been running for longer than a slot may lack one.
func (p *planner) downTooLong(d *pod) bool {
	return !d.WorkerDownSince.IsZero() && !p.now.Before(d.WorkerDownSince.Add(p.state.Pool.SlotGrace))
}

// canTakeOver says that there is somebody to take lanes over by force, or nobody is to have them, and that it is
// allowed.
func (p *planner) canTakeOver() bool {
	return p.state.Pool.UnreachableAfter > 0 && (p.healthy > 0 || p.wanted() == 0)
}

// judge says of every pod what does not depend on the table.
func (p *planner) judge() {
	for _, d := range p.sorted {
		if p.usable(d) && d.ContainersReady {
			p.healthy++
		}
	}
	for _, d := range p.sorted {
		silent := d.vanished() || p.overdue(d)
		d.lost = silent && p.canTakeOver()
	}
	for _, s := range p.next.Slots {
		if d := p.podOf(s.Index, s.Pod); d != nil {
			d.slot = s.Index
		}
	}
	p.count()
}

// count counts what each pod holds in the next table.
func (p *planner) count() {
	for _, d := range p.sorted {
		d.held, d.grants, d.since = 0, d.grants[:0], 0
	}
	p.countUnits(drain.Lane, p.next.Lanes)
	p.countUnits(drain.Shard, p.next.Shards)
}

func (p *planner) countUnits(kind drain.Kind, lanes []Lane) {
	for i, l := range lanes {
		if l.State == Unowned {
			continue
		}
		d := p.podOf(l.Slot, l.Worker)
		d.held++
		if l.State == Releasing {
			d.since = max(d.since, l.Since)
			continue
		}
		unit := drain.Unit{Kind: kind, Index: int32(i)}
		d.grants = append(d.grants, drain.Grant{Unit: unit, Epoch: l.Epoch, Forced: l.waits()})
	}
}

// bind binds the pod to a slot, unbind undoes it.
func (s *Slot) bind(d *pod) { s.Pod, d.slot = d.PodRef, s.Index }

func (s *Slot) unbind(d *pod) { s.Pod, d.slot = PodRef{}, lane.None }
