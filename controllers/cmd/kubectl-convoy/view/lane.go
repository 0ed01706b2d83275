// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package view

import (
	"cmp"
	"fmt"
	"slices"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"

	"convoy.dev/convoy/api/v1alpha1"
	"convoy.dev/convoy/controllers/cmd/kubectl-convoy/snapshot"
)

// Lane is one lane, or one shard, of a pool.
type Lane struct {
	// Number is the lane's, from 0.
	Number int32 `json:"number"`
	// Range is which keys or messages the lane has: a range of hashes of keys (Routed), or subjects (Native). Empty for a
	// shard.
	Range string `json:"range,omitempty"`
	// Slot is the slot to which the lane belongs, nil if to none.
	Slot *int32 `json:"slot,omitempty"`
	// Worker is the pod that holds the grant, "" if none does.
	Worker string `json:"worker,omitempty"`
	// Epoch is that of the last grant, 0 before the first.
	Epoch int64 `json:"epoch"`
	// State is the lane table's word: Unowned, Owned or Releasing.
	State v1alpha1.LaneState `json:"state"`
	// Holding is the worker's word, "" if it does not say that it holds the lane.
	Holding v1alpha1.HoldingState `json:"holding,omitempty"`
	// HoldingEpoch is the epoch of the worker's word when it is not the table's, else 0.
	HoldingEpoch int64 `json:"holdingEpoch,omitempty"`
	// Since is since when the lane is Releasing, nil if it is not.
	Since *metav1.MicroTime `json:"since,omitempty"`
	// WaitsFor is a key whose call the drain waits for, as far as the worker says.
	WaitsFor string `json:"waitsFor,omitempty"`
	// Forced says that a worker before the last grant's may still run.
	Forced bool `json:"forced,omitempty"`
	// Backlog is how many messages of the lane are not completed, as of the newest sample; nil if nobody has counted.
	Backlog *int64 `json:"backlog,omitempty"`
}

// Lanes are the lanes of a pool by number; none as long as there is no table.
func Lanes(s *snapshot.Snapshot) []Lane {
	if s.Table == nil {
		return nil
	}
	cut := rangeOf(&s.Pool.Spec, len(s.Table.Lanes))
	sample := ptr.Deref(s.Sample(), v1alpha1.BacklogSample{})
	rows := rows(s, s.Table.Lanes, sample.Lanes, lanesOf)
	for i := range rows {
		rows[i].Range = cut(i)
	}
	return rows
}

// Shards are the shards of a pool by number; none with Native lanes.
func Shards(s *snapshot.Snapshot) []Lane {
	if s.Table == nil {
		return nil
	}
	sample := ptr.Deref(s.Sample(), v1alpha1.BacklogSample{})
	return rows(s, s.Table.Shards, sample.Shards, shardsOf)
}

func rows(s *snapshot.Snapshot, owned []v1alpha1.LaneOwnership, backlog []int64, held func(*v1alpha1.ConvoyWorker) []v1alpha1.LaneHolding) []Lane {
	reports := map[v1alpha1.PodRef]*report{}
	all := make([]Lane, len(owned))
	for i := range owned {
		o := &owned[i]
		all[i] = Lane{
			Number: int32(i), Slot: o.Slot, Epoch: o.Epoch, State: ptr.Deref(o.State, v1alpha1.LaneOwned),
			Since: writtenAt(s.Table, o.Since), Forced: ptr.Deref(o.Forced, false),
		}
		if i < len(backlog) {
			all[i].Backlog = &backlog[i]
		}
		holder := Holder(s.Table, o)
		if holder == nil {
			continue
		}
		all[i].Worker = holder.Name
		if reports[*holder] == nil {
			reports[*holder] = reportOf(s.Worker(*holder), held)
		}
		all[i].tell(reports[*holder])
	}
	return all
}

// Holder is the pod that holds the grant of a lane, nil if none does.
func Holder(table *v1alpha1.LaneTable, o *v1alpha1.LaneOwnership) *v1alpha1.PodRef {
	if ptr.Deref(o.State, v1alpha1.LaneOwned) == v1alpha1.LaneUnowned {
		return nil
	}
	at := o.Worker
	if at == nil && o.Slot != nil {
		i, found := slices.BinarySearchFunc(table.Slots, *o.Slot, func(s v1alpha1.SlotBinding, index int32) int {
			return cmp.Compare(s.Index, index)
		})
		if found {
			at = table.Slots[i].Worker
		}
	}
	if at == nil || int(*at) >= len(table.Workers) {
		return nil
	}
	return &table.Workers[*at]
}

// report is what a worker says of its lanes, by number.
type report struct {
	held  map[int32]v1alpha1.LaneHolding
	waits map[int32]string
}

func reportOf(w *v1alpha1.ConvoyWorker, held func(*v1alpha1.ConvoyWorker) []v1alpha1.LaneHolding) *report {
	r := &report{held: map[int32]v1alpha1.LaneHolding{}, waits: map[int32]string{}}
	if w == nil || w.Status == nil {
		return r
	}
	for _, h := range held(w) {
		r.held[h.Lane] = h
	}
	for _, wait := range w.Status.Waits {
		r.waits[wait.Lane] = wait.Key
	}
	return r
}

func (l *Lane) tell(r *report) {
	held, is := r.held[l.Number]
	if !is {
		return
	}
	l.Holding = ptr.Deref(held.State, v1alpha1.HoldingRunning)
	if held.Epoch != l.Epoch {
		l.HoldingEpoch = held.Epoch
	}
	if l.Holding == v1alpha1.HoldingDraining {
		l.WaitsFor = r.waits[l.Number]
	}
}

// HoldingText is the worker's word with the epoch that it is about, where that is another than the table's.
func (l *Lane) HoldingText() string {
	if l.HoldingEpoch != 0 {
		return fmt.Sprintf("%s@%d", l.Holding, l.HoldingEpoch)
	}
	return string(l.Holding)
}

func lanesOf(w *v1alpha1.ConvoyWorker) []v1alpha1.LaneHolding { return w.Status.Lanes }

func shardsOf(w *v1alpha1.ConvoyWorker) []v1alpha1.LaneHolding {
	var all []v1alpha1.LaneHolding
	for _, s := range w.Status.Shards {
		all = append(all, v1alpha1.LaneHolding{Lane: s.Shard, Epoch: s.Epoch, State: s.State, Floor: s.Floor})
	}
	return all
}

func writtenAt(table *v1alpha1.LaneTable, revision *int64) *metav1.MicroTime {
	if revision == nil {
		return nil
	}
	for i := range table.Revokes {
		if table.Revokes[i].Revision == *revision {
			return &table.Revokes[i].Time
		}
	}
	return nil
}
