// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package pool

import (
	"context"
	"slices"

	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/log"

	"convoy.dev/convoy/api/v1alpha1"
	"convoy.dev/convoy/controllers/pool/plan"
	"convoy.dev/convoy/worker/lane"
)

// claimState is what the pool's status says of its claim, "" before the first.
func (o *observation) claimState() v1alpha1.ClaimState {
	if s := o.pool.Status; s != nil && s.Claim != nil {
		return s.Claim.State
	}
	return ""
}

// atRest says that nobody has a lane, nobody is left who could be given one, and a worker of those that had lanes has found
// that the broker has nothing of the pool in progress. It asked when it had nothing left, as every worker does at its end, so
// that the last of them speaks for all.
func (o *observation) atRest() bool {
	if o.claimState() != v1alpha1.ClaimInUse || o.owned() || o.state.Deployment.Replicas > 0 || o.wish.workers > 0 {
		return false
	}
	if slices.ContainsFunc(o.state.Pods, func(p plan.Pod) bool { return !p.Deleting && !ended(p) }) {
		return false
	}
	since := ptr.Deref(o.pool.Status.Claim.Since, 0)
	if o.state.Table == nil || since > o.state.Table.Revision {
		since = 0 // the table was lost meanwhile, and begins anew
	}
	return slices.ContainsFunc(o.workers, func(w v1alpha1.ConvoyWorker) bool {
		s := w.Status
		return s != nil && ptr.Deref(s.Resigned, false) && ptr.Deref(s.AtRest, false) && ptr.Deref(s.ObservedRevision, 0) >= since
	})
}

func ended(p plan.Pod) bool { return p.Phase == plan.Succeeded || p.Phase == plan.Failed }

// noteRest writes that the pool is at rest while the worker that says so is still there, and says whether to go on. It is
// written over the version that was observed, so that a change of the pool's mind comes before it or after.
func (w *writer) noteRest(ctx context.Context) bool {
	if !w.seen.atRest() {
		return true
	}
	next := w.seen.pool.DeepCopy()
	next.Status.Claim.State = v1alpha1.ClaimEmpty
	if err := w.patchStatus(ctx, next); err != nil {
		w.done.note("noting that the pool is at rest", err)
		return false
	}
	log.FromContext(ctx).Info("the pool is at rest")
	return true
}

// patchStatus writes the status over exactly the version that was observed, and takes what came of it for the observed one.
func (w *writer) patchStatus(ctx context.Context, next *v1alpha1.ConvoyPool) error {
	patch := client.MergeFromWithOptions(w.seen.pool.DeepCopy(), client.MergeFromWithOptimisticLock{})
	err := w.config.Client.Status().Patch(ctx, next, patch, fieldOwner)
	if err == nil {
		w.memory.wrote(next, w.seen.now)
		w.seen.pool = next
	}
	return err
}

// awaits says that a pod's worker may still say whether the pool is at rest: its object is not let go before. A pod that has
// ended says nothing more.
func (o *observation) awaits(ref plan.PodRef) bool {
	if o.claimState() != v1alpha1.ClaimInUse || o.wish.workers > 0 || o.terminating {
		return false
	}
	if !slices.ContainsFunc(o.state.Pods, func(p plan.Pod) bool { return p.PodRef == ref && !ended(p) }) {
		return false
	}
	return slices.ContainsFunc(o.workers, func(w v1alpha1.ConvoyWorker) bool {
		owner, owned := ownerPod(&w)
		return owned && owner == ref && w.Status != nil && !ptr.Deref(w.Status.Resigned, false)
	})
}

// level raises the epochs of a pool at rest to the highest among them, those of lanes that it is to have included: when the
// fields that are fixed otherwise are changed now, a key can come to another lane, and its epoch must not fall. The broker
// asks for the same.
func level(t *plan.Table, lanes int) {
	highest := int64(0)
	for _, all := range [][]plan.Lane{t.Lanes, t.Shards} {
		for i := range all {
			highest = max(highest, all[i].Epoch)
		}
	}
	for len(t.Lanes) < lanes {
		t.Lanes = append(t.Lanes, plan.Lane{Slot: lane.None})
	}
	for _, all := range [][]plan.Lane{t.Lanes, t.Shards} {
		for i := range all {
			all[i].Epoch = highest
		}
	}
}
