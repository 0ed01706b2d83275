// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package pool

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"convoy.dev/convoy/api/v1alpha1"
	"convoy.dev/convoy/controllers/pool/plan"
)

// conclude writes the status, also when the rest failed, then the events, and says when to look again.
func (r *Reconciler) conclude(ctx context.Context, seen *observation, next plan.Plan, done *outcome) (reconcile.Result, error) {
	status := statusOf(seen, next, done)
	err := done.err()
	if !equality.Semantic.DeepEqual(seen.pool.Status, status) {
		err = errors.Join(err, r.writeStatus(ctx, seen, status))
	}
	if err != nil {
		return reconcile.Result{}, err
	}
	if done.conflict {
		return reconcile.Result{RequeueAfter: lookAgain}, nil
	}
	if !next.Requeue.IsZero() {
		done.wait(next.Requeue)
	}
	for _, due := range []time.Time{backlogDue(seen, status), parkedDue(seen, status)} {
		if !due.IsZero() {
			done.wait(due)
		}
	}
	if done.again.IsZero() {
		return reconcile.Result{}, nil
	}
	return reconcile.Result{RequeueAfter: max(done.again.Sub(seen.now), 1)}, nil
}

// writeStatus patches the status over the version that was observed, and tells of what changed in it.
func (r *Reconciler) writeStatus(ctx context.Context, seen *observation, status *v1alpha1.ConvoyPoolStatus) error {
	next := seen.pool.DeepCopy()
	next.Status = status
	patch := client.MergeFromWithOptions(seen.pool, client.MergeFromWithOptimisticLock{})
	if err := r.config.Client.Status().Patch(ctx, next, patch, fieldOwner); err != nil {
		if apierrors.IsNotFound(err) {
			return nil
		}
		return fmt.Errorf("writing the status: %w", err)
	}
	r.memory.of(seen.key).wrote(next, seen.now)
	var before []metav1.Condition
	if seen.pool.Status != nil {
		before = seen.pool.Status.Conditions
	}
	r.announce(seen.pool, before, status.Conditions)
	return nil
}

// announce makes an event of each condition that has come to say something else. That lanes move is no event: it
// happens all day.
func (r *Reconciler) announce(pool *v1alpha1.ConvoyPool, before, after []metav1.Condition) {
	for _, c := range after {
		was := meta.FindStatusCondition(before, c.Type)
		if c.Type == v1alpha1.ConditionRebalancing || was != nil && was.Status == c.Status && was.Reason == c.Reason {
			continue
		}
		if was == nil && c.Status != bad(c.Type) && c.Type != v1alpha1.ConditionReady {
			continue // it starts well
		}
		severity := corev1.EventTypeNormal
		if c.Status == bad(c.Type) && c.Reason != v1alpha1.ReasonStarting {
			severity = corev1.EventTypeWarning
		}
		r.config.Events.Eventf(pool, nil, severity, c.Reason, c.Type, "%s is %s: %s", c.Type, c.Status, c.Message)
	}
}

// clip shortens a text to what an event and a status may carry.
func clip(text string) string {
	const most = 900
	if len(text) <= most {
		return text
	}
	return strings.ToValidUTF8(text[:most], "") + "..."
}
