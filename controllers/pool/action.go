// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package pool

import (
	"context"
	"errors"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/builder"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller"
	"sigs.k8s.io/controller-runtime/pkg/handler"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"convoy.dev/convoy/api/v1alpha1"
)

// actions carries ConvoyActions out, pool by pool: it puts the oldest that is not complete into the mailboxes of the pool's
// workers, and sums up what they say of it. It remembers nothing: when an action began, and what workers that are gone have
// done, is in its status.
//
// A key is in the hands of its lane's owner, so that with no worker an action waits, and says so. The operator does not do
// the owner's work: it would have to open lanes at epochs of its own.
type actions struct{ config Config }

// setup watches what actions wait for.
func (r *actions) setup(mgr ctrl.Manager) error {
	pool := &unstructured.Unstructured{}
	pool.SetGroupVersionKind(v1alpha1.GroupVersion.WithKind("ConvoyPool"))
	return ctrl.NewControllerManagedBy(mgr).
		Named("action").
		WithOptions(controller.Options{MaxConcurrentReconciles: poolsAtOnce, EnableWarmup: new(true)}).
		Watches(&v1alpha1.ConvoyAction{}, handler.EnqueueRequestsFromMapFunc(byAction)).
		Watches(&v1alpha1.ConvoyWorker{}, gathered{}, builder.WithPredicates(actedChanged)).
		Watches(&v1alpha1.LaneTable{}, handler.EnqueueRequestsFromMapFunc(byName)).
		Watches(pool, handler.EnqueueRequestsFromMapFunc(byName), builder.WithPredicates(poolChanged)).
		Complete(r)
}

// byAction is the pool that an action is for.
func byAction(_ context.Context, o client.Object) []reconcile.Request {
	action, is := o.(*v1alpha1.ConvoyAction)
	if !is {
		return nil
	}
	return []reconcile.Request{{NamespacedName: types.NamespacedName{Namespace: action.Namespace, Name: action.Spec.Pool}}}
}

// actedChanged lets pass what changes what an action waits for.
var actedChanged = changed(func(before, after *v1alpha1.ConvoyWorker) bool {
	return !equality.Semantic.DeepEqual(before.Spec, after.Spec) || before.Status == nil || after.Status == nil ||
		!equality.Semantic.DeepEqual(before.Status.Action, after.Status.Action) ||
		!equality.Semantic.DeepEqual(before.Status.Lanes, after.Status.Lanes) ||
		!equality.Semantic.DeepEqual(before.Status.Resigned, after.Status.Resigned)
})

// Reconcile brings the actions of one pool a step further: first their statuses, then what follows from them.
func (r *actions) Reconcile(ctx context.Context, request reconcile.Request) (reconcile.Result, error) {
	view, err := r.observe(ctx, request.NamespacedName)
	if err != nil {
		return reconcile.Result{}, fmt.Errorf("observing the actions of a pool: %w", err)
	}
	begun := view.actionOrder() // As of the statuses that are written.
	var errs []error
	for i, status := range view.actionStatuses() {
		errs = append(errs, r.writeStatus(ctx, &view.actions[i], status))
	}
	return quietly(reconcile.Result{}, errors.Join(append(errs, r.writeOrders(ctx, view, begun))...))
}

// observe reads what there is of a pool's actions. What no action needs is not read.
func (r *actions) observe(ctx context.Context, key types.NamespacedName) (*actionView, error) {
	view := &actionView{now: r.config.Clock.Now()}
	var list v1alpha1.ConvoyActionList
	if err := r.config.Client.List(ctx, &list, client.InNamespace(key.Namespace)); err != nil {
		return nil, fmt.Errorf("listing ConvoyActions: %w", err)
	}
	for i := range list.Items {
		if list.Items[i].Spec.Pool == key.Name {
			view.actions = append(view.actions, list.Items[i])
		}
	}
	view.actions = inTurn(view.actions)
	o := &observation{key: key}
	if err := o.readWorkers(ctx, r.config.Client); err != nil {
		return nil, err
	}
	view.workers = o.workers
	if len(view.actions) == 0 {
		return view, nil
	}
	if err := o.readPool(ctx, r.config.Client); err != nil {
		return nil, err
	}
	view.exists = o.pool != nil && o.pool.DeletionTimestamp == nil
	if err := o.readTable(ctx, r.config.Client); err != nil {
		return nil, err
	}
	if o.table != nil {
		view.lanes = readTable(o.table).Lanes
	}
	return view, nil
}

// writeStatus writes the status of an action over the version that was observed, and tells of its end.
func (r *actions) writeStatus(ctx context.Context, a *v1alpha1.ConvoyAction, status *v1alpha1.ConvoyActionStatus) error {
	if equality.Semantic.DeepEqual(a.Status, status) {
		return nil
	}
	next := a.DeepCopy()
	next.Status = status
	patch := client.MergeFromWithOptions(a, client.MergeFromWithOptimisticLock{})
	switch err := r.config.Client.Status().Patch(ctx, next, patch, fieldOwner); {
	case apierrors.IsNotFound(err):
		return nil
	case err != nil:
		return fmt.Errorf("writing the status of the action %s: %w", a.Name, err)
	}
	if c := meta.FindStatusCondition(status.Conditions, v1alpha1.ConditionComplete); complete(next) {
		r.config.Events.Eventf(next, nil, corev1.EventTypeNormal, c.Reason, v1alpha1.ConditionComplete, "%s", c.Message)
	}
	return nil
}

// writeOrders puts the order into every mailbox that has another one, each write by itself.
func (r *actions) writeOrders(ctx context.Context, view *actionView, order *v1alpha1.ActionOrder) error {
	var errs []error
	for i := range view.workers {
		w := &view.workers[i]
		has := (*v1alpha1.ActionOrder)(nil)
		if w.Spec != nil {
			has = w.Spec.Action
		}
		if resigned(w) || w.DeletionTimestamp != nil || equality.Semantic.DeepEqual(has, order) {
			continue
		}
		next := w.DeepCopy()
		if next.Spec == nil {
			next.Spec = &v1alpha1.ConvoyWorkerSpec{}
		}
		next.Spec.Action = order
		if err := r.config.Client.Update(ctx, next, fieldOwner); err != nil && !apierrors.IsNotFound(err) {
			errs = append(errs, fmt.Errorf("telling the worker %s of the action: %w", w.Name, err))
		}
	}
	return errors.Join(errs...)
}
