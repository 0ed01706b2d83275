// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package pool

import (
	"slices"
	"time"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/utils/ptr"

	"convoy.dev/convoy/api/v1alpha1"
	"convoy.dev/convoy/controllers/pool/child"
	"convoy.dev/convoy/controllers/pool/plan"
	"convoy.dev/convoy/worker/lane"
)

// statusOf is the pool's next status: what was observed, what was decided, and what came of it. What none of these says
// stays as it was.
func statusOf(seen *observation, next plan.Plan, done *outcome) *v1alpha1.ConvoyPoolStatus {
	status := &v1alpha1.ConvoyPoolStatus{}
	if seen.pool.Status != nil {
		status = seen.pool.Status.DeepCopy()
	}
	status.ObservedGeneration = &seen.pool.Generation
	if !done.undecided {
		table := seen.state.Table
		if next.Table != nil && done.written {
			table = next.Table
		}
		figures{seen, table}.put(status)
		status.Scaling = scalingStatus(seen, status.Scaling)
		status.Backlog = backlogStatus(seen, status.Backlog)
		status.Parked = parkedStatus(seen, status)
	}
	if status.Claim == nil && seen.hasWorked() {
		status.Claim = &v1alpha1.ClaimStatus{State: v1alpha1.ClaimInUse} // somebody deleted the status
	}
	if status.Claim != nil {
		status.Claim.Store = laneStore(seen.pool)
	}
	keep := map[string]bool{}
	for _, c := range conditionsOf(seen, next, done, status) {
		c.ObservedGeneration = seen.pool.Generation
		keep[c.Type] = true
		setCondition(&status.Conditions, c, seen.now)
	}
	if !done.undecided {
		status.Conditions = slices.DeleteFunc(status.Conditions, func(c metav1.Condition) bool {
			return !keep[c.Type] && comesAndGoes[c.Type]
		})
	}
	return status
}

func setCondition(conditions *[]metav1.Condition, c metav1.Condition, now time.Time) {
	c.LastTransitionTime = metav1.NewTime(now)
	meta.SetStatusCondition(conditions, c)
}

// figures are the counts of a status.
type figures struct {
	seen  *observation
	table *plan.Table
}

func (f figures) put(status *v1alpha1.ConvoyPoolStatus) {
	name := f.seen.pool.Name
	status.Selector = ptr.To(labels.SelectorFromSet(child.Selector(name)).String())
	status.Replicas = ptr.To[int32](0)
	if d := f.seen.deployment; d != nil {
		status.Replicas = ptr.To(d.Status.Replicas)
	}
	serving, updated := f.bound()
	status.Workers = &v1alpha1.WorkersStatus{Serving: &serving, Updated: &updated, Image: f.image()}
	table := plan.Table{}
	if f.table != nil {
		table = *f.table
	}
	status.Lanes, status.Shards = ownership(laneCount(&f.seen.pool.Spec), table.Lanes), nil
	if shards := shardCount(&f.seen.pool.Spec); shards > 0 {
		status.Shards = ownership(shards, table.Shards)
	}
}

// bound is how many slots have a pod, and how many of these are of the present template.
func (f figures) bound() (serving, updated int32) {
	if f.table == nil {
		return 0, 0
	}
	current := map[plan.PodRef]bool{}
	for _, p := range f.seen.state.Pods {
		current[p.PodRef] = p.Current
	}
	for _, s := range f.table.Slots {
		if s.Pod == (plan.PodRef{}) {
			continue
		}
		serving++
		if current[s.Pod] {
			updated++
		}
	}
	return serving, updated
}

// image is the image of the worker's container, as the Deployment has it.
func (f figures) image() *string {
	if f.seen.deployment == nil || child.Embedded(f.seen.pool) {
		return nil
	}
	for _, c := range f.seen.deployment.Spec.Template.Spec.Containers {
		if c.Name == v1alpha1.WorkerContainer && c.Image != "" {
			return &c.Image
		}
	}
	return nil
}

// ownership counts lanes or shards.
func ownership(count int, of []plan.Lane) *v1alpha1.OwnershipStatus {
	var owned, moving int32
	for i := range of {
		switch of[i].State {
		case plan.Owned:
			owned++
		case plan.Releasing:
			moving++
		case plan.Unowned:
			if of[i].Slot != lane.None {
				moving++
			}
		}
	}
	return &v1alpha1.OwnershipStatus{Count: ptr.To(int32(count)), Owned: &owned, Moving: &moving}
}

func scalingStatus(seen *observation, before *v1alpha1.ScalingStatus) *v1alpha1.ScalingStatus {
	wanted := int32(seen.wish.workers)
	next := &v1alpha1.ScalingStatus{Wanted: &wanted, Reason: &seen.wish.reason, Message: ptr.To(clip(seen.wish.message))}
	if before != nil && before.Wanted != nil && *before.Wanted == wanted && before.LastChangeTime != nil {
		next.LastChangeTime = before.LastChangeTime
	} else {
		next.LastChangeTime = ptr.To(metav1.NewTime(seen.now))
	}
	return next
}
