// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package pool

import (
	"context"
	"slices"

	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller/controllerutil"

	"convoy.dev/convoy/api/v1alpha1"
)

var poolResource = schema.GroupResource{Group: v1alpha1.GroupName, Resource: "convoypools"}

// writePool writes what must be on the pool before anything is done for it: the finalizer of a pool whose deletion has
// to be carried out, and the number of workers of a pool in External mode that has none. It says whether to go on.
func (w *writer) writePool(ctx context.Context) bool {
	pool := w.seen.pool
	next := pool.DeepCopy()
	if deletes(pool) && pool.DeletionTimestamp == nil {
		controllerutil.AddFinalizer(next, v1alpha1.FinalizerClaim)
	}
	if !deletes(pool) {
		controllerutil.RemoveFinalizer(next, v1alpha1.FinalizerClaim)
	}
	if w.seen.wish.adopt && pool.DeletionTimestamp == nil {
		next.Spec.Scaling.Workers = ptr.To(int32(w.seen.wish.workers))
	}
	if slices.Equal(next.Finalizers, pool.Finalizers) && !w.seen.wish.adopt {
		return true
	}
	if err := w.patchPool(ctx, next); err != nil {
		w.done.note("writing the pool", err)
		return false
	}
	return true
}

// deletes says that what Convoy keeps in the broker goes with the pool.
func deletes(pool *v1alpha1.ConvoyPool) bool {
	return ptr.Deref(pool.Spec.DeletionPolicy, v1alpha1.DeletionRetain) == v1alpha1.DeletionDelete
}

// patchPool writes the pool over exactly the version that was observed, and takes what came of it for the observed one.
func (w *writer) patchPool(ctx context.Context, next *v1alpha1.ConvoyPool) error {
	base := w.seen.pool.DeepCopy()
	err := w.config.Client.Patch(ctx, next, client.MergeFromWithOptions(base, client.MergeFromWithOptimisticLock{}), fieldOwner)
	if err == nil {
		w.memory.wrote(next, w.seen.now)
		w.seen.pool = next
	}
	return err
}

// claim says in the status that lanes may hold messages, before the first is granted: from then on what is fixed while
// they do cannot be changed. It is written over the version that the plan was made from, so that no change of what is
// fixed comes in between.
func (w *writer) claim(ctx context.Context) bool {
	if w.seen.claimState() == v1alpha1.ClaimInUse {
		return true
	}
	next := w.seen.pool.DeepCopy()
	if next.Status == nil {
		next.Status = &v1alpha1.ConvoyPoolStatus{}
	}
	if next.Status.Claim == nil {
		next.Status.Claim = &v1alpha1.ClaimStatus{}
	}
	next.Status.Claim.State, next.Status.Claim.Since = v1alpha1.ClaimInUse, ptr.To(w.plan.Table.Revision)
	if err := w.patchStatus(ctx, next); err != nil {
		w.done.note("noting that lanes are in use", err)
		return false
	}
	return true
}
