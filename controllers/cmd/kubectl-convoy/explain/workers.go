// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package explain

import (
	"fmt"
	"slices"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"

	"convoy.dev/convoy/api/v1alpha1"
	"convoy.dev/convoy/controllers/cmd/kubectl-convoy/snapshot"
	"convoy.dev/convoy/controllers/cmd/kubectl-convoy/view"
)

// unbound are slots without a pod, and pods that do not come to run.
func unbound(s *snapshot.Snapshot, _ time.Time) []Finding {
	var found []Finding
	if s.Table != nil {
		var vacant []int32
		for i := range s.Table.Slots {
			if slot := &s.Table.Slots[i]; slot.Worker == nil && !ptr.Deref(slot.Leaving, false) {
				vacant = append(vacant, slot.Index)
			}
		}
		if len(vacant) > 0 {
			says := "No pod is bound to " + view.Named("slot", vacant)
			if len(vacant) < len(s.Table.Slots) {
				says += "; other workers have their lanes meanwhile"
			}
			found = append(found, Finding{About: "Workers", Says: says + ".", WaitsFor: "a pod whose containers are ready"})
		}
	}
	for i := range s.Pods {
		if trouble := troubleOf(&s.Pods[i]); trouble != "" && s.Pods[i].DeletionTimestamp == nil {
			found = append(found, Finding{About: "Workers", Says: trouble, WaitsFor: "the pod to run"})
		}
	}
	return found
}

// troubleOf is what keeps a pod from running, "" if nothing is known to.
func troubleOf(pod *corev1.Pod) string {
	for _, c := range pod.Status.Conditions {
		if c.Type == corev1.PodScheduled && c.Status == corev1.ConditionFalse {
			return fmt.Sprintf("Pod %s finds no node: %s", pod.Name, c.Message)
		}
	}
	for _, all := range [][]corev1.ContainerStatus{pod.Status.InitContainerStatuses, pod.Status.ContainerStatuses} {
		for _, c := range all {
			if w := c.State.Waiting; w != nil && w.Reason != "PodInitializing" {
				return fmt.Sprintf("Pod %s, container %s: %s", pod.Name, c.Name, joined(w.Reason, w.Message))
			}
		}
	}
	return ""
}

func joined(reason, message string) string {
	if message == "" {
		return reason + "."
	}
	return reason + ": " + message
}

// unbalanced says that a worker has more lanes than another by more than one.
func unbalanced(s *snapshot.Snapshot, _ time.Time) []Finding {
	least, most := spread(s)
	if most.lanes-least.lanes <= 1 {
		return nil
	}
	f := Finding{
		About: "Balance",
		Says: fmt.Sprintf("The lanes are not balanced: worker %s has %s, worker %s has %d.",
			most.name, view.Count(most.lanes, "lane"), least.name, least.lanes),
		WaitsFor: "the operator to move lanes, as soon as workers answer",
	}
	lanes := view.Lanes(s)
	has := func(is func(view.Lane) bool) bool { return slices.ContainsFunc(lanes, is) }
	switch {
	case has(func(l view.Lane) bool { return l.State == v1alpha1.LaneReleasing }):
		f.WaitsFor = "the lanes that are being given back"
	case has(func(l view.Lane) bool { return l.Holding == v1alpha1.HoldingFencing }):
		f.WaitsFor = "lanes whose worker waits for an earlier owner: they are not moved before they run"
	case meta.IsStatusConditionTrue(s.Status().Conditions, v1alpha1.ConditionWorkerIncompatible):
		f.WaitsFor = "workers of another version to be replaced: their lanes are not moved"
	}
	return []Finding{f}
}

type load struct {
	name  string
	lanes int32
}

// spread is the serving worker with the fewest lanes, and the one with the most.
func spread(s *snapshot.Snapshot) (least, most load) {
	for _, w := range view.Workers(s) {
		if w.State != view.WorkerServing {
			continue
		}
		if least.name == "" || w.Granted < least.lanes {
			least = load{w.Name, w.Granted}
		}
		if most.name == "" || w.Granted > most.lanes {
			most = load{w.Name, w.Granted}
		}
	}
	return least, most
}

// scaling says that there are not as many workers as are wanted, or that the number is a compromise, and that a rollout is
// under way.
func scaling(s *snapshot.Snapshot, _ time.Time) []Finding {
	status := s.Status()
	workers := ptr.Deref(status.Workers, v1alpha1.WorkersStatus{})
	serving := ptr.Deref(workers.Serving, 0)
	var found []Finding
	if decided := status.Scaling; decided != nil && decided.Wanted != nil {
		advice := adviceOn(&metav1.Condition{Reason: ptr.Deref(decided.Reason, "")})
		f := Finding{
			About: "Scaling", Reason: ptr.Deref(decided.Reason, ""), Since: decided.LastChangeTime, Means: advice.Means, Mend: advice.Mend,
			Says: fmt.Sprintf("%s wanted, %d serving: %s", view.Count(*decided.Wanted, "worker"), serving, ptr.Deref(decided.Message, "no message")),
		}
		switch {
		case serving < *decided.Wanted:
			f.WaitsFor = "new pods to be ready"
		case serving > *decided.Wanted:
			f.WaitsFor = "surplus workers to give their lanes back"
		}
		if serving != *decided.Wanted || advice.Mend != "" && !wrong(s) {
			found = append(found, f)
		}
	}
	c := meta.FindStatusCondition(status.Conditions, v1alpha1.ConditionProgressing)
	if c != nil && c.Status == metav1.ConditionTrue && c.Reason == v1alpha1.ReasonRollingOut {
		f := findingOf(c)
		f.Says = fmt.Sprintf("A rollout is under way: %d of %s of the present template.", ptr.Deref(workers.Updated, 0), view.Count(serving, "serving worker"))
		f.WaitsFor = "new pods to be ready, and the old ones to hand their lanes over"
		found = append(found, f)
	}
	return found
}

// wrong says that a condition tells of something wrong, which is then more to the point.
func wrong(s *snapshot.Snapshot) bool {
	all := s.Status().Conditions
	return slices.ContainsFunc(all, func(c metav1.Condition) bool { return view.Wrong(&c) })
}

// parked says that keys are parked.
func parked(s *snapshot.Snapshot, _ time.Time) []Finding {
	counted := ptr.Deref(s.Status().Parked, v1alpha1.ParkedStatus{})
	keys := ptr.Deref(counted.Keys, 0)
	if keys == 0 {
		return nil
	}
	return []Finding{{
		About: "Parked",
		Says:  fmt.Sprintf("%s with %s parked.", view.Count(keys, "key"), view.Count(ptr.Deref(counted.Messages, 0), "message")),
		Means: "A message of each failed for good, or too many of them waited. Later messages of a parked key wait with it.",
		Mend: "See which and why: `kubectl convoy parked {pool} -n {namespace}`. When the cause is mended release them: `kubectl convoy " +
			"release {pool} -n {namespace} --all`. Discarding them deletes their messages.",
	}}
}

// hidden says what was not shown to who asks.
func hidden(s *snapshot.Snapshot, _ time.Time) []Finding {
	if s.PodsRefused == "" {
		return nil
	}
	return []Finding{{About: "Access", Says: "Pods are not shown to you, so this says nothing of them: " + s.PodsRefused}}
}

// figures are what there is, a line each.
func figures(s *snapshot.Snapshot) []string {
	status := s.Status()
	var lines []string
	if w := status.Workers; w != nil {
		lines = append(lines, fmt.Sprintf("Workers: %d serving, %d of the present template, %s",
			ptr.Deref(w.Serving, 0), ptr.Deref(w.Updated, 0), view.Count(ptr.Deref(status.Replicas, 0), "pod")))
	}
	if decided := status.Scaling; decided != nil {
		lines = append(lines, fmt.Sprintf("Wanted:  %d (%s)", ptr.Deref(decided.Wanted, 0), ptr.Deref(decided.Reason, "")))
	}
	for _, of := range []struct {
		name string
		all  *v1alpha1.OwnershipStatus
	}{{"Lanes: ", status.Lanes}, {"Shards:", status.Shards}} {
		if of.all != nil {
			lines = append(lines, fmt.Sprintf("%s  %d, %d owned, %d moving", of.name,
				ptr.Deref(of.all.Count, 0), ptr.Deref(of.all.Owned, 0), ptr.Deref(of.all.Moving, 0)))
		}
	}
	if b := status.Backlog; b != nil {
		line := "Backlog: " + view.Count(ptr.Deref(b.Messages, 0), "message")
		if b.Unrouted != nil {
			line += fmt.Sprintf(", %d not yet in a lane", *b.Unrouted)
		}
		lines = append(lines, line)
	}
	if p := status.Parked; p != nil {
		lines = append(lines, "Parked:  "+view.Count(ptr.Deref(p.Keys, 0), "key"))
	}
	if c := status.Claim; c != nil {
		line := fmt.Sprintf("Claim:   %s", c.State)
		if c.Store != nil {
			line += ", lanes in " + *c.Store
		}
		lines = append(lines, line)
	}
	return lines
}
