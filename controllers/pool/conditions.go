// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package pool

import (
	"fmt"
	"slices"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"

	"convoy.dev/convoy/api/v1alpha1"
	"convoy.dev/convoy/controllers/pool/plan"
)

// conditionsOf is the conditions that this reconcile knows something about, Ready last.
func conditionsOf(seen *observation, next plan.Plan, done *outcome, status *v1alpha1.ConvoyPoolStatus) []metav1.Condition {
	var all []metav1.Condition
	add := func(c *metav1.Condition) {
		if c != nil {
			all = append(all, *c)
		}
	}
	add(templateAccepted(seen, done))
	add(podsAdmitted(seen))
	add(progressing(seen))
	add(keyExpressionValid(seen))
	for _, kind := range summedUp {
		add(sumUp(seen, kind, status))
	}
	if !done.undecided {
		add(workerUnreachable(next))
		add(handOverStuck(next))
		add(rebalancing(status))
		add(workerIncompatible(next))
	}
	return append(all, ready(seen, done, status, all))
}

func condition(kind string, is bool, reason, message string) *metav1.Condition {
	status := metav1.ConditionFalse
	if is {
		status = metav1.ConditionTrue
	}
	return &metav1.Condition{Type: kind, Status: status, Reason: reason, Message: clip(message)}
}

func templateAccepted(seen *observation, done *outcome) *metav1.Condition {
	for _, kind := range []string{kindDeployment, accountKind.Kind, bindingKind.Kind, budgetKind.Kind} {
		if refused, is := done.refused[kind]; is {
			return condition(v1alpha1.ConditionTemplateAccepted, false, v1alpha1.ReasonRefused, refused.message)
		}
	}
	if seen.deployment == nil {
		return nil
	}
	return condition(v1alpha1.ConditionTemplateAccepted, true, v1alpha1.ReasonAccepted, "the Deployment is as the template says")
}

func podsAdmitted(seen *observation) *metav1.Condition {
	if seen.deployment == nil {
		return nil
	}
	if words := seen.podRefusal(); words != "" {
		return condition(v1alpha1.ConditionPodsAdmitted, false, v1alpha1.ReasonRefused, words)
	}
	return condition(v1alpha1.ConditionPodsAdmitted, true, v1alpha1.ReasonAccepted, "pods pass admission")
}

// podRefusal is the API server's words on a pod that a ReplicaSet could not make, "" if none is missing.
func (o *observation) podRefusal() string {
	for i := range o.sets {
		set := &o.sets[i]
		if set.Status.Replicas >= ptr.Deref(set.Spec.Replicas, 1) {
			continue
		}
		for _, c := range set.Status.Conditions {
			if c.Type == "ReplicaFailure" && c.Status == corev1.ConditionTrue && c.Message != "" {
				return c.Message
			}
		}
	}
	return ""
}

// progressing says how the present template's pods come about.
func progressing(seen *observation) *metav1.Condition {
	const kind = v1alpha1.ConditionProgressing
	newest := seen.newestSet()
	if seen.deployment == nil || newest == nil {
		return nil
	}
	rollout := seen.rollsOut()
	if words := seen.podRefusal(); rollout && words != "" {
		return condition(kind, false, v1alpha1.ReasonNoSurgePod, words)
	}
	if words := seen.podTrouble(); words != "" && (rollout || !seen.owned()) {
		return condition(kind, false, v1alpha1.ReasonPodsNotStarting, words)
	}
	if rollout {
		return condition(kind, true, v1alpha1.ReasonRollingOut, "pods of an earlier template are being replaced")
	}
	return condition(kind, true, v1alpha1.ReasonRolledOut, "every pod is of the present template")
}

// rollsOut says that pods of an earlier template are there, or are to make room.
func (o *observation) rollsOut() bool {
	newest := o.newestSet()
	return o.state.Deployment.Sets > 1 ||
		newest != nil && ptr.Deref(newest.Spec.Replicas, 1) == 0 && o.state.Deployment.Replicas > 0
}

// rolledOut says that the Deployment's controller knows of no pod of an earlier template any more.
func (o *observation) rolledOut() bool {
	d := o.deployment
	return d.Status.ObservedGeneration >= d.Generation && d.Status.UpdatedReplicas == d.Status.Replicas && !o.rollsOut()
}

// podTrouble is what keeps pods of the present template from starting, "" when one runs or may be about to.
func (o *observation) podTrouble() string {
	words := ""
	newest := o.newestSet()
	for i := range o.pods {
		pod := &o.pods[i]
		if owner := metav1.GetControllerOf(pod); owner == nil || newest == nil || owner.UID != newest.UID ||
			pod.DeletionTimestamp != nil || final(pod) {
			continue
		}
		trouble := troubleOf(pod)
		if trouble == "" {
			return ""
		}
		words = trouble
	}
	return words
}

// stuckWaiting are the reasons for which a container waits that do not pass by themselves.
var stuckWaiting = []string{
	"CrashLoopBackOff", "ImagePullBackOff", "ErrImagePull", "ErrImageNeverPull", "InvalidImageName",
	"CreateContainerConfigError", "CreateContainerError", "RunContainerError",
}

func troubleOf(pod *corev1.Pod) string {
	for _, c := range pod.Status.Conditions {
		if c.Type == corev1.PodScheduled && c.Status == corev1.ConditionFalse && c.Reason == corev1.PodReasonUnschedulable {
			return fmt.Sprintf("pod %s finds no node: %s", pod.Name, c.Message)
		}
	}
	for _, statuses := range [][]corev1.ContainerStatus{pod.Status.InitContainerStatuses, pod.Status.ContainerStatuses} {
		for _, s := range statuses {
			if w := s.State.Waiting; w != nil && slices.Contains(stuckWaiting, w.Reason) {
				return fmt.Sprintf("pod %s, container %s: %s: %s", pod.Name, s.Name, w.Reason, w.Message)
			}
		}
	}
	return ""
}

func keyExpressionValid(seen *observation) *metav1.Condition {
	const kind = v1alpha1.ConditionKeyExpressionValid
	if h := seen.hold; h != nil && h.condition == kind {
		return condition(kind, false, h.reason, h.message)
	}
	if worst := seen.reported(kind, metav1.ConditionFalse); worst != nil {
		return condition(kind, false, worst.Reason, worst.Message)
	}
	return condition(kind, true, v1alpha1.ReasonGivesKeys, "the expression compiles, and no worker has met messages without a key alone")
}

func workerUnreachable(next plan.Plan) *metav1.Condition {
	const kind = v1alpha1.ConditionWorkerUnreachable
	if len(next.Lost) == 0 {
		return condition(kind, false, v1alpha1.ReasonAllReachable, "every worker with lanes answers, or is known to have stopped")
	}
	reason := v1alpha1.ReasonPodVanished
	var words []string
	for _, l := range next.Lost {
		text := fmt.Sprintf("pod %s, of which nobody saw the containers end, may still run %s", l.Worker.Name, units(l.Units))
		if !l.Since.IsZero() {
			reason = v1alpha1.ReasonNodeUnreachable
			text = fmt.Sprintf("pod %s on node %s has not answered since %s and holds %s",
				l.Worker.Name, l.Node, l.Since.UTC().Format(time.RFC3339), units(l.Units))
		}
		if l.Takeover.IsZero() {
			text += "; its lanes are not taken over while no worker is healthy or handoff.unreachableAfterSeconds is 0: " +
				"bring the node back, or make sure that it is off and delete the pod by force"
		} else {
			text += "; its lanes are taken over at " + l.Takeover.UTC().Format(time.RFC3339)
		}
		words = append(words, text)
	}
	return condition(kind, true, reason, bounded(words))
}

func handOverStuck(next plan.Plan) *metav1.Condition {
	const kind = v1alpha1.ConditionHandOverStuck
	if len(next.Stuck) == 0 {
		return condition(kind, false, v1alpha1.ReasonDrainsInTime, "no drain takes longer than handoff.drainTimeoutSeconds")
	}
	var words []string
	for _, s := range next.Stuck {
		words = append(words, fmt.Sprintf("worker %s has been giving back %s since %s: %s",
			s.Worker.Name, units(s.Units), s.Since.UTC().Format(time.RFC3339), waitsFor(s)))
	}
	return condition(kind, true, v1alpha1.ReasonDrainTimeout, bounded(words))
}

// waitsFor says for which keys' calls a drain waits, as far as its worker says.
func waitsFor(s plan.Stuck) string {
	var keys []string
	for i, key := range s.Keys {
		if key != "" {
			keys = append(keys, fmt.Sprintf("%q in lane %d", key, s.Units[i].Index))
		}
	}
	if len(keys) == 0 {
		return "its handler has not ended the calls that run"
	}
	return "its handler has not ended the calls of these keys: " + bounded(keys)
}

func rebalancing(status *v1alpha1.ConvoyPoolStatus) *metav1.Condition {
	const kind = v1alpha1.ConditionRebalancing
	if ptr.Deref(status.Lanes.Moving, 0) > 0 {
		return condition(kind, true, v1alpha1.ReasonLanesMoving, "lanes are on their way between workers")
	}
	return condition(kind, false, v1alpha1.ReasonLanesSettled, "no lane is on its way")
}

func workerIncompatible(next plan.Plan) *metav1.Condition {
	if len(next.Incompatible) == 0 {
		return nil
	}
	var names []string
	for _, ref := range next.Incompatible {
		names = append(names, ref.Name)
	}
	return condition(v1alpha1.ConditionWorkerIncompatible, true, v1alpha1.ReasonProtocol, fmt.Sprintf(
		"workers of a version that this operator does not speak to keep their lanes and get no others: delete their pods to replace them: %s",
		bounded(names)))
}

// ready sums everything up: True when the spec is in force and nobody needs to act.
func ready(seen *observation, done *outcome, status *v1alpha1.ConvoyPoolStatus, now []metav1.Condition) metav1.Condition {
	const kind = v1alpha1.ConditionReady
	if denied := done.denied(); denied != nil {
		return *condition(kind, false, v1alpha1.ReasonNotPermitted, "the operator lacks a permission that its installation gives: "+denied.Error())
	}
	if seen.hold != nil && seen.hold.condition == kind {
		return *condition(kind, false, seen.hold.reason, seen.hold.message)
	}
	for _, problem := range problems {
		c := meta.FindStatusCondition(now, problem.kind)
		if c == nil {
			c = meta.FindStatusCondition(status.Conditions, problem.kind)
		}
		if c != nil && c.Status == problem.when {
			return *condition(kind, false, problem.kind, c.Message)
		}
	}
	switch {
	case ptr.Deref(seen.pool.Spec.Suspend, false):
		return *condition(kind, true, v1alpha1.ReasonSuspended, suspended(seen))
	case seen.wish.workers > 0 && !seen.hasWorked():
		return *condition(kind, false, v1alpha1.ReasonStarting, "the first workers are starting")
	}
	return *condition(kind, true, v1alpha1.ReasonInForce, "the pool works as its spec says")
}

// suspended says what a suspended pool waits for, and whether what is fixed may be changed meanwhile.
func suspended(seen *observation) string {
	const stands = "the pool stands until spec.suspend is false"
	switch {
	case seen.claimState() == v1alpha1.ClaimEmpty:
		return stands + "; nothing is in progress, and what is fixed while lanes hold messages may be changed"
	case seen.claimState() == v1alpha1.ClaimInUse && seen.woundDown():
		return stands + "; what is fixed while lanes hold messages may not be changed: the last worker left some that are not " +
			"completed, or did not come to look. To change it, resume the pool until its backlog is 0, then suspend it again"
	}
	return stands
}

// hasWorked says that a lane has been granted since the pool was made.
func (o *observation) hasWorked() bool {
	return o.table != nil && slices.ContainsFunc(o.table.Lanes, func(l v1alpha1.LaneOwnership) bool { return l.Epoch > 0 })
}

// bounded joins words to a message of readable length.
func bounded(words []string) string {
	const most = 5
	if more := len(words) - most; more > 0 {
		words = append(slices.Clip(words[:most]), fmt.Sprintf("and %d more", more))
	}
	return strings.Join(words, "; ")
}
