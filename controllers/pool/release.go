// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package pool

import (
	"context"
	"errors"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller/controllerutil"

	"convoy.dev/convoy/api/v1alpha1"
)

// leaving says that there is nothing left to plan for: the pool is gone, or what it runs on goes: its namespace, or, by
// a deletion in the foreground, its children; or everything has been wound down.
func (o *observation) leaving() bool {
	switch {
	case o.pool == nil, o.terminating:
		return true
	case o.pool.DeletionTimestamp == nil:
		return false
	}
	return o.deployment == nil || o.deployment.DeletionTimestamp != nil || o.woundDown() ||
		!controllerutil.ContainsFinalizer(o.pool, v1alpha1.FinalizerClaim)
}

// woundDown says that no worker is left, and none will come.
func (o *observation) woundDown() bool {
	return len(o.state.Pods) == 0 && o.state.Deployment.Replicas == 0 && !o.owned()
}

// release lets go of the pods of a pool that goes, and then of the pool.
//
// The finalizer of a pod keeps the evidence of how it ended for whoever is to have its lanes next. Here nobody is. A
// pool of the same name that is made while these pods still drain has the broker's epoch records to start above, and its
// first grants wait as those of a lost worker do.
func (r *Reconciler) release(ctx context.Context, o *observation) error {
	var errs []error
	left := 0
	for i := range o.pods {
		pod := &o.pods[i]
		if pod.DeletionTimestamp == nil && !final(pod) {
			left++
			continue
		}
		if hasFinalizer(pod) {
			errs = append(errs, r.letGo(ctx, pod))
		}
	}
	if o.pool == nil {
		r.memory.forget(o.key)
		tableWrites.DeleteLabelValues(o.key.Namespace, o.key.Name)
		moves.DeletePartialMatch(map[string]string{"namespace": o.key.Namespace, "pool": o.key.Name})
		return errors.Join(errs...)
	}
	if left == 0 || o.terminating {
		errs = append(errs, r.letPoolGo(ctx, o))
	}
	return errors.Join(errs...)
}

func (r *Reconciler) letGo(ctx context.Context, pod *corev1.Pod) error {
	_, err := r.patchPod(ctx, pod.Namespace, refOf(pod), finalizerPatch())
	if apierrors.IsNotFound(err) {
		return nil
	}
	return err
}

// letPoolGo takes the pool's finalizer off. What Convoy keeps in the broker is out of the operator's reach: only workers
// have the pool's credentials. So it says what is left, and does not hold the pool back for it.
func (r *Reconciler) letPoolGo(ctx context.Context, o *observation) error {
	if o.pool.DeletionTimestamp == nil || !controllerutil.ContainsFinalizer(o.pool, v1alpha1.FinalizerClaim) {
		return nil
	}
	next := o.pool.DeepCopy()
	controllerutil.RemoveFinalizer(next, v1alpha1.FinalizerClaim)
	err := r.config.Client.Patch(ctx, next, client.MergeFromWithOptions(o.pool.DeepCopy(), client.MergeFromWithOptimisticLock{}), fieldOwner)
	if err != nil && !apierrors.IsNotFound(err) {
		return fmt.Errorf("letting the pool go: %w", err)
	}
	r.config.Events.Eventf(o.pool, nil, corev1.EventTypeWarning, reasonBrokerStateKept, actionDelete, "%s", stateKept(o.pool))
	return nil
}

// stateKept says what is left of a pool in the broker, and how a person deletes it.
func stateKept(pool *v1alpha1.ConvoyPool) string {
	namespace, name := pool.Namespace, pool.Name
	text := fmt.Sprintf("claim, epochs and progress of the pool are still in the broker, which the operator cannot reach: delete them with "+
		"`nats stream rm %s`, what is parked, if anything, with `nats stream rm %s`, and dead letters, if there are any, with `nats stream rm %s`",
		v1alpha1.NATSStateStream(namespace, name), v1alpha1.NATSParkStream(namespace, name), v1alpha1.NATSDeadLetterStream(namespace, name))
	if lanes := laneStore(pool); lanes != nil {
		text += fmt.Sprintf("; its lanes are the stream %s", *lanes)
	}
	return text
}

// laneStore is the name of the stream that holds a pool's Routed lanes; nil with Native ones.
func laneStore(pool *v1alpha1.ConvoyPool) *string {
	l := pool.Spec.Lanes
	switch {
	case l != nil && ptr.Deref(l.Type, v1alpha1.LanesRouted) != v1alpha1.LanesRouted:
		return nil
	case l != nil && l.Routed != nil && l.Routed.Store != nil && l.Routed.Store.Name != nil:
		return l.Routed.Store.Name
	}
	return ptr.To(v1alpha1.NATSLaneStream(pool.Namespace, pool.Name))
}

const (
	reasonBrokerStateKept = "BrokerStateKept"
	actionDelete          = "Delete"
)
