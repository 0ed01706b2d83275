// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package pool

import (
	"slices"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"

	"convoy.dev/convoy/api/v1alpha1"
	"convoy.dev/convoy/controllers/pool/plan"
	"convoy.dev/convoy/worker/lane"
)

// writeTable writes a planned table over the object's ledger. Pods are referred to by their position in one list, so
// that a lane at rest takes few bytes.
func writeTable(t *plan.Table, into *v1alpha1.LaneTable) {
	pods := newPodList(t)
	into.Revision = t.Revision
	into.Rebuilt = unlessZero(t.Rebuilt)
	into.QuarantineSeconds = unlessZero(wholeSeconds(t.Quarantine))
	into.Slots, into.Revokes = nil, nil
	for _, s := range t.Slots {
		into.Slots = append(into.Slots, v1alpha1.SlotBinding{
			Index: s.Index, Worker: pods.position(s.Pod), Before: pods.position(s.Before), Leaving: unlessZero(s.Leaving),
		})
	}
	into.Lanes = pods.lanes(t.Lanes)
	into.Shards = pods.lanes(t.Shards)
	for _, r := range t.Revokes {
		into.Revokes = append(into.Revokes, v1alpha1.Revoke{Revision: r.Revision, Time: metav1.NewMicroTime(r.Time)})
	}
	into.Workers = pods.refs
}

// podList is the object's list of pods: those bound to a slot, then all others, each once.
type podList struct {
	refs  []v1alpha1.PodRef
	at    map[plan.PodRef]int32
	bound map[int32]plan.PodRef
}

func newPodList(t *plan.Table) *podList {
	l := &podList{at: map[plan.PodRef]int32{}, bound: map[int32]plan.PodRef{}}
	for _, s := range t.Slots {
		l.add(s.Pod)
		l.bound[s.Index] = s.Pod
	}
	for _, s := range t.Slots {
		l.add(s.Before)
	}
	for _, ref := range t.Retired {
		l.add(ref)
	}
	for _, lanes := range [][]plan.Lane{t.Lanes, t.Shards} {
		for i := range lanes {
			l.add(lanes[i].Worker)
		}
	}
	return l
}

func (l *podList) add(ref plan.PodRef) {
	if _, there := l.at[ref]; there || ref == (plan.PodRef{}) {
		return
	}
	l.at[ref] = int32(len(l.refs))
	l.refs = append(l.refs, v1alpha1.PodRef{Name: ref.Name, UID: ref.UID})
}

func (l *podList) position(ref plan.PodRef) *int32 {
	if at, there := l.at[ref]; there {
		return &at
	}
	return nil
}

func (l *podList) lanes(lanes []plan.Lane) []v1alpha1.LaneOwnership {
	if len(lanes) == 0 {
		return nil
	}
	out := make([]v1alpha1.LaneOwnership, len(lanes))
	for i, from := range lanes {
		to := v1alpha1.LaneOwnership{
			Epoch: from.Epoch, State: writeState(from.State), Since: unlessZero(from.Since), Forced: unlessZero(from.Forced),
		}
		if from.Slot != lane.None {
			to.Slot = &from.Slot
		}
		if from.State != plan.Unowned && (from.Slot == lane.None || l.bound[from.Slot] != from.Worker) {
			to.Worker = l.position(from.Worker)
		}
		out[i] = to
	}
	return out
}

// readTable is the ledger that the object holds.
//
// Somebody may have written to it by hand. What contradicts itself is read as the less convenient of its meanings: a
// lane that somebody holds whom nobody can name is nobody's, and whoever gets it next waits as for a lost worker.
func readTable(from *v1alpha1.LaneTable) *plan.Table {
	t := &plan.Table{
		Revision: from.Revision, Rebuilt: ptr.Deref(from.Rebuilt, 0),
		Quarantine: time.Duration(ptr.Deref(from.QuarantineSeconds, 0)) * time.Second,
	}
	pods := readPods(from.Workers)
	bound := map[int32]plan.PodRef{}
	slots := map[plan.PodRef]bool{}
	for _, s := range from.Slots {
		pod := pods.at(s.Worker)
		if slots[pod] && pod != (plan.PodRef{}) {
			pod = plan.PodRef{} // one pod in two slots
		}
		slots[pod] = true
		bound[s.Index] = pod
		t.Slots = append(t.Slots, plan.Slot{
			Index: s.Index, Pod: pod, Before: pods.at(s.Before), Leaving: ptr.Deref(s.Leaving, false),
		})
	}
	slices.SortFunc(t.Slots, func(a, b plan.Slot) int { return int(a.Index) - int(b.Index) })
	t.Slots = slices.CompactFunc(t.Slots, func(a, b plan.Slot) bool { return a.Index == b.Index })
	t.Lanes = pods.lanes(from.Lanes, bound)
	t.Shards = pods.lanes(from.Shards, bound)
	t.Retired = retired(t)
	for _, r := range from.Revokes {
		t.Revokes = append(t.Revokes, plan.Revoke{Revision: r.Revision, Time: r.Time.Time})
	}
	return t
}

// retired is the pods that are bound to no slot and hold lanes: the object has no list of them, since the lanes say so.
func retired(t *plan.Table) []plan.PodRef {
	bound := map[plan.PodRef]bool{{}: true}
	for _, s := range t.Slots {
		bound[s.Pod] = true
	}
	var refs []plan.PodRef
	for _, lanes := range [][]plan.Lane{t.Lanes, t.Shards} {
		for i := range lanes {
			if ref := lanes[i].Worker; !bound[ref] {
				bound[ref] = true
				refs = append(refs, ref)
			}
		}
	}
	slices.SortFunc(refs, comparePods)
	return refs
}

type podRefs []v1alpha1.PodRef

func readPods(from []v1alpha1.PodRef) podRefs { return from }

func (p podRefs) at(position *int32) plan.PodRef {
	if position == nil || int(*position) >= len(p) || *position < 0 {
		return plan.PodRef{}
	}
	ref := p[*position]
	return plan.PodRef{Name: ref.Name, UID: ref.UID}
}

func (p podRefs) lanes(from []v1alpha1.LaneOwnership, bound map[int32]plan.PodRef) []plan.Lane {
	var out []plan.Lane
	for _, l := range from {
		to := plan.Lane{
			Slot: ptr.Deref(l.Slot, lane.None), Epoch: l.Epoch, State: readState(l.State),
			Since: ptr.Deref(l.Since, 0), Forced: ptr.Deref(l.Forced, false),
		}
		switch {
		case to.State == plan.Unowned:
		case l.Worker != nil:
			to.Worker = p.at(l.Worker)
		default:
			to.Worker = bound[to.Slot]
		}
		if to.State != plan.Unowned && to.Worker == (plan.PodRef{}) {
			to.State, to.Since, to.Forced = plan.Unowned, 0, true
		}
		out = append(out, to)
	}
	return out
}

func writeState(s plan.LaneState) *v1alpha1.LaneState {
	switch s {
	case plan.Unowned:
		return ptr.To(v1alpha1.LaneUnowned)
	case plan.Releasing:
		return ptr.To(v1alpha1.LaneReleasing)
	default:
		return nil
	}
}

func readState(s *v1alpha1.LaneState) plan.LaneState {
	switch ptr.Deref(s, v1alpha1.LaneOwned) {
	case v1alpha1.LaneUnowned:
		return plan.Unowned
	case v1alpha1.LaneReleasing:
		return plan.Releasing
	default:
		return plan.Owned
	}
}

// wholeSeconds rounds up: a quarantine may be longer than asked for, and never shorter.
func wholeSeconds(d time.Duration) int32 { return int32((d + time.Second - 1) / time.Second) }

// unlessZero is nil for what need not be written.
func unlessZero[T comparable](value T) *T {
	var zero T
	if value == zero {
		return nil
	}
	return &value
}
