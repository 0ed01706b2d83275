// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package view

import (
	"slices"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"

	"convoy.dev/convoy/api/v1alpha1"
	"convoy.dev/convoy/controllers/cmd/kubectl-convoy/snapshot"
)

// WorkerState sums a worker up.
type WorkerState string

const (
	// WorkerServing is bound to a slot.
	WorkerServing WorkerState = "Serving"
	// WorkerLeaving is bound to a slot that is surplus, or on its way out with lanes.
	WorkerLeaving WorkerState = "Leaving"
	// WorkerResigned holds nothing and never will again.
	WorkerResigned WorkerState = "Resigned"
	// WorkerIdle is bound to no slot.
	WorkerIdle WorkerState = "Idle"
	// WorkerGone has no pod any more and is still named by the lane table.
	WorkerGone WorkerState = "Gone"
)

// Worker is one worker of a pool.
type Worker struct {
	// Name is the pod's.
	Name string `json:"name"`
	// State sums it up.
	State WorkerState `json:"state"`
	// Slot is the slot to which the pod is bound, nil if to none.
	Slot *int32 `json:"slot,omitempty"`
	// Granted is how many lanes the lane table gives it.
	Granted int32 `json:"granted"`
	// Holdings is how many lanes it says that it holds, by what it does with them.
	Holdings map[v1alpha1.HoldingState]int32 `json:"holdings,omitempty"`
	// Backlog is how many messages of its lanes are not completed, as of the newest sample; nil if nobody has counted.
	Backlog *int64 `json:"backlog,omitempty"`
	// Revision is the table's revision that it has been told, Observed the one that it has carried out.
	Revision *int64 `json:"revision,omitempty"`
	Observed *int64 `json:"observed,omitempty"`
	// Incarnation counts its processes.
	Incarnation *int64 `json:"incarnation,omitempty"`
	// Protocol is which protocol numbers it speaks.
	Protocol *v1alpha1.ProtocolRange `json:"protocol,omitempty"`
	// Phase, Ready, Node and Created are its pod's; empty where pods are not shown.
	Phase   corev1.PodPhase `json:"phase,omitempty"`
	Ready   *bool           `json:"ready,omitempty"`
	Node    string          `json:"node,omitempty"`
	Created *metav1.Time    `json:"created,omitempty"`
	// Trouble is the types of its conditions that say that something is wrong.
	Trouble []string `json:"trouble,omitempty"`
}

// Workers are the workers of a pool by name: its pods, its mailboxes, and whom the lane table names.
func Workers(s *snapshot.Snapshot) []Worker {
	granted, backlog := grants(s)
	var all []Worker
	for _, ref := range s.Refs() {
		row := Worker{Name: ref.Name, State: WorkerIdle, Granted: granted[ref], Backlog: backlog[ref]}
		row.takeSlot(s.Table, ref)
		row.takeReport(s.Worker(ref))
		pod := s.Pod(ref)
		row.takePod(pod)
		if pod == nil && s.PodsRefused == "" {
			row.State = WorkerGone
		}
		all = append(all, row)
	}
	return all
}

// grants is how many lanes the lane table gives each worker, and how many messages of them are not completed.
func grants(s *snapshot.Snapshot) (lanes map[v1alpha1.PodRef]int32, backlog map[v1alpha1.PodRef]*int64) {
	lanes, backlog = map[v1alpha1.PodRef]int32{}, map[v1alpha1.PodRef]*int64{}
	if s.Table == nil {
		return lanes, backlog
	}
	sample := s.Sample()
	for i := range s.Table.Lanes {
		holder := Holder(s.Table, &s.Table.Lanes[i])
		if holder == nil {
			continue
		}
		lanes[*holder]++
		if sample != nil && i < len(sample.Lanes) {
			if backlog[*holder] == nil {
				backlog[*holder] = new(int64)
			}
			*backlog[*holder] += sample.Lanes[i]
		}
	}
	return lanes, backlog
}

func (w *Worker) takeSlot(table *v1alpha1.LaneTable, ref v1alpha1.PodRef) {
	if table == nil {
		return
	}
	for i := range table.Slots {
		slot := &table.Slots[i]
		if slot.Worker == nil || int(*slot.Worker) >= len(table.Workers) || table.Workers[*slot.Worker] != ref {
			continue
		}
		w.Slot, w.State = &slot.Index, WorkerServing
		if ptr.Deref(slot.Leaving, false) {
			w.State = WorkerLeaving
		}
	}
}

func (w *Worker) takeReport(mailbox *v1alpha1.ConvoyWorker) {
	if mailbox == nil {
		return
	}
	if spec := mailbox.Spec; spec != nil {
		w.Revision = spec.Revision
		if ptr.Deref(spec.Leaving, false) {
			w.State = WorkerLeaving
		}
	}
	status := mailbox.Status
	if status == nil {
		return
	}
	w.Observed, w.Incarnation, w.Protocol = status.ObservedRevision, status.Incarnation, status.Protocol
	if ptr.Deref(status.Resigned, false) {
		w.State = WorkerResigned
	}
	if len(status.Lanes) > 0 {
		w.Holdings = map[v1alpha1.HoldingState]int32{}
	}
	for i := range status.Lanes {
		w.Holdings[ptr.Deref(status.Lanes[i].State, v1alpha1.HoldingRunning)]++
	}
	for i := range status.Conditions {
		if c := &status.Conditions[i]; Wrong(c) {
			w.Trouble = append(w.Trouble, c.Type)
		}
	}
	slices.Sort(w.Trouble)
}

func (w *Worker) takePod(pod *corev1.Pod) {
	if pod == nil {
		return
	}
	w.Phase, w.Node, w.Created = pod.Status.Phase, pod.Spec.NodeName, &pod.CreationTimestamp
	w.Ready = ptr.To(slices.ContainsFunc(pod.Status.Conditions, func(c corev1.PodCondition) bool {
		return c.Type == corev1.PodReady && c.Status == corev1.ConditionTrue
	}))
}
