// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package pool

import (
	"fmt"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"convoy.dev/convoy/api/v1alpha1"
	"convoy.dev/convoy/controllers/pool/plan"
	"convoy.dev/convoy/worker/drain"
)

// summedUp are the conditions that workers report and the controller sums up.
var summedUp = []string{
	v1alpha1.ConditionSourceClaimed, v1alpha1.ConditionSourceReachable, v1alpha1.ConditionHandlerAccepting,
	v1alpha1.ConditionLaneBlocked, v1alpha1.ConditionLaneStoreFull, v1alpha1.ConditionBraking, v1alpha1.ConditionKeySpansLanes,
}

// problem is a condition that keeps a pool from being Ready, and its status when it does.
type problem struct {
	kind string
	when metav1.ConditionStatus
}

// problems in the order in which they are to be mended.
var problems = []problem{
	{v1alpha1.ConditionKeyExpressionValid, metav1.ConditionFalse},
	{v1alpha1.ConditionTemplateAccepted, metav1.ConditionFalse},
	{v1alpha1.ConditionPodsAdmitted, metav1.ConditionFalse},
	{v1alpha1.ConditionProgressing, metav1.ConditionFalse},
	{v1alpha1.ConditionSourceClaimed, metav1.ConditionFalse},
	{v1alpha1.ConditionSourceReachable, metav1.ConditionFalse},
	{v1alpha1.ConditionHandlerAccepting, metav1.ConditionFalse},
	{v1alpha1.ConditionWorkerUnreachable, metav1.ConditionTrue},
	{v1alpha1.ConditionHandOverStuck, metav1.ConditionTrue},
	{v1alpha1.ConditionWorkerIncompatible, metav1.ConditionTrue},
	{v1alpha1.ConditionLaneBlocked, metav1.ConditionTrue},
	{v1alpha1.ConditionLaneStoreFull, metav1.ConditionTrue},
	{v1alpha1.ConditionBraking, metav1.ConditionTrue},
	{v1alpha1.ConditionKeySpansLanes, metav1.ConditionTrue},
}

// bad is the status of a condition type that says that something is wrong.
func bad(kind string) metav1.ConditionStatus {
	for _, p := range problems {
		if p.kind == kind {
			return p.when
		}
	}
	return metav1.ConditionFalse
}

// comesAndGoes are the types that are taken out of the status when nobody speaks of them any more.
var comesAndGoes = map[string]bool{
	v1alpha1.ConditionWorkerIncompatible: true, v1alpha1.ConditionLaneBlocked: true, v1alpha1.ConditionLaneStoreFull: true,
	v1alpha1.ConditionBraking: true, v1alpha1.ConditionKeySpansLanes: true,
	v1alpha1.ConditionPodsAdmitted: true, v1alpha1.ConditionProgressing: true, v1alpha1.ConditionTemplateAccepted: true,
}

// sumUp is what workers together say of one condition: what the first says for whom something is wrong, else what the
// first says at all. With no word from any, as at zero workers, the last word stands for what a person may have to mend
// (nil leaves it), and everything else is taken out.
func sumUp(seen *observation, kind string, status *v1alpha1.ConvoyPoolStatus) *metav1.Condition {
	wrong := bad(kind)
	if worst := seen.reported(kind, wrong); worst != nil {
		return condition(kind, wrong == metav1.ConditionTrue, worst.Reason, worst.Message)
	}
	calm := metav1.ConditionTrue
	if wrong == calm {
		calm = metav1.ConditionFalse
	}
	if c := seen.reported(kind, calm); c != nil {
		return condition(kind, calm == metav1.ConditionTrue, c.Reason, c.Message)
	}
	if before := meta.FindStatusCondition(status.Conditions, kind); before != nil && !comesAndGoes[kind] {
		return before.DeepCopy()
	}
	return nil
}

// reported is what workers say with this status, all of their messages in one, nil if none does. A worker that has
// resigned, or whose pod is gone, says nothing of today.
func (o *observation) reported(kind string, status metav1.ConditionStatus) *metav1.Condition {
	var first *metav1.Condition
	var words []string
	for i := range o.workers {
		w := &o.workers[i]
		if w.Status == nil || w.Status.Resigned != nil && *w.Status.Resigned || !o.hasPod(w) {
			continue
		}
		c := meta.FindStatusCondition(w.Status.Conditions, kind)
		if c == nil || c.Status != status {
			continue
		}
		if first == nil {
			first = c.DeepCopy()
		}
		if !slices.Contains(words, c.Message) {
			words = append(words, c.Message)
		}
	}
	if first != nil {
		first.Message = bounded(words)
	}
	return first
}

func (o *observation) hasPod(w *v1alpha1.ConvoyWorker) bool {
	owner, owned := ownerPod(w)
	return owned && slices.ContainsFunc(o.state.Pods, func(p plan.Pod) bool { return p.PodRef == owner })
}

// units names lanes and shards in as few words as will do: lanes 0-3, 7.
func units(all []drain.Unit) string {
	var parts []string
	for _, kind := range []struct {
		is   drain.Kind
		name string
	}{{drain.Lane, "lane"}, {drain.Shard, "shard"}} {
		var numbers []int32
		for _, u := range all {
			if u.Kind == kind.is {
				numbers = append(numbers, u.Index)
			}
		}
		if len(numbers) > 0 {
			parts = append(parts, plural(kind.name, len(numbers))+" "+ranges(numbers))
		}
	}
	return strings.Join(parts, " and ")
}

func plural(name string, n int) string {
	if n > 1 {
		return name + "s"
	}
	return name
}

func ranges(numbers []int32) string {
	slices.Sort(numbers)
	var parts []string
	for i := 0; i < len(numbers); {
		j := i
		for j+1 < len(numbers) && numbers[j+1] == numbers[j]+1 {
			j++
		}
		if i == j {
			parts = append(parts, fmt.Sprint(numbers[i]))
		} else {
			parts = append(parts, fmt.Sprintf("%d-%d", numbers[i], numbers[j]))
		}
		i = j + 1
	}
	const most = 20
	if more := len(parts) - most; more > 0 {
		parts = append(parts[:most], "...")
	}
	return strings.Join(parts, ", ")
}
