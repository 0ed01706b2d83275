// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package pool

import (
	"context"
	"errors"
	"fmt"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/log"

	"convoy.dev/convoy/controllers/pool/child"
)

// fieldManager is who owns what the operator writes.
const fieldManager = "convoy-operator"

const fieldOwner = client.FieldOwner(fieldManager)

// The kinds of children that only their metadata is read of.
var (
	accountKind = metav1.TypeMeta{APIVersion: "v1", Kind: "ServiceAccount"}
	bindingKind = metav1.TypeMeta{APIVersion: "rbac.authorization.k8s.io/v1", Kind: "RoleBinding"}
	budgetKind  = metav1.TypeMeta{APIVersion: "policy/v1", Kind: "PodDisruptionBudget"}
)

const kindDeployment = "Deployment"

// retryRefused is when something refused is tried again though nothing of it changed: a quota may have been raised, an
// admission policy mended.
const retryRefused = time.Minute

// runs says that the pool has children, or is to have them.
func (o *observation) runs() bool {
	return o.pool.DeletionTimestamp == nil && (o.deployment != nil || o.hold == nil)
}

// writeChildren applies what a pool needs beside its Deployment.
func (w *writer) writeChildren(ctx context.Context) {
	if !w.seen.runs() {
		return
	}
	config := w.childConfig(w.seen)
	for _, c := range []struct {
		desired *unstructured.Unstructured // nil for none
		seen    *metav1.PartialObjectMetadata
	}{
		{child.ServiceAccount(config), w.seen.account},
		{child.RoleBinding(config), w.seen.binding},
		{child.DisruptionBudget(config), w.seen.budget},
	} {
		if c.desired == nil {
			continue
		}
		if next, ok := w.want(c.desired); ok {
			w.applyChild(ctx, next, orNil(c.seen))
		}
	}
}

// wanted is what a child is to be.
type wanted struct {
	*unstructured.Unstructured
	// hash stands for the content.
	hash string
}

func (w *writer) want(desired *unstructured.Unstructured) (wanted, bool) {
	hash, err := child.Hash(desired)
	if err != nil {
		w.done.note("applying", err)
	}
	return wanted{desired, hash}, err == nil
}

// orNil is an object as an interface that is nil when the object is.
func orNil(object *metav1.PartialObjectMetadata) metav1.Object {
	if object == nil {
		return nil
	}
	return object
}

// writeDeployment applies the Deployment: when its template changed, when somebody else took a field of ours, when its
// size is to change. All three are one write, over exactly the version that was observed.
func (w *writer) writeDeployment(ctx context.Context) {
	seen := w.seen.deployment
	switch {
	case !w.seen.runs() && seen == nil, seen != nil && seen.DeletionTimestamp != nil:
		return
	case w.seen.pool.DeletionTimestamp != nil:
		w.resize(ctx)
		return
	}
	desired, err := w.desiredDeployment(ctx)
	switch {
	case refusedByServer(err), errors.Is(err, child.ErrCannotBuild):
		w.refuse(kindDeployment, "", err)
		return
	case err != nil:
		w.done.note("building the Deployment", err)
		return
	}
	replicas := int64(w.plan.Replicas)
	if err := unstructured.SetNestedField(desired.Object, replicas, "spec", "replicas"); err != nil {
		w.done.note("sizing the Deployment", err)
		return
	}
	next, ok := w.want(desired)
	if !ok {
		return
	}
	switch {
	case seen == nil:
		w.applyChild(ctx, next, nil)
	case w.waitsForTurn(next), w.stillRefused(next):
		w.resize(ctx) // the pods that there are can be more or fewer, whatever becomes of the new template
	case int64(ptr.Deref(seen.Spec.Replicas, 1)) == replicas:
		w.applyChild(ctx, next, seen)
	default:
		log.FromContext(ctx).Info("Deployment resized", "from", ptr.Deref(seen.Spec.Replicas, 1), "to", replicas)
		w.applyOver(ctx, next, seen)
	}
}

// waitsForTurn says that the Deployment is to be another one though the pool is the same, and that enough other pools
// are changing in this way.
func (w *writer) waitsForTurn(next wanted) bool {
	was := markOf(w.seen.deployment)
	if was.hash == "" {
		return false
	}
	if was.hash == next.hash && w.seen.rolledOut() {
		w.turns.giveBack(w.seen.key)
	}
	if was.hash == next.hash || was.wish != w.seen.asked || w.turns.take(w.seen.key, w.seen.now) {
		return false
	}
	w.done.wait(w.seen.now.Add(askForTurn))
	return true
}

// resize changes the Deployment's size and nothing else, while the pool is being deleted.
func (w *writer) resize(ctx context.Context) {
	next := w.seen.deployment.DeepCopy()
	if ptr.Deref(next.Spec.Replicas, 1) == int32(w.plan.Replicas) {
		return
	}
	patch := client.MergeFromWithOptions(w.seen.deployment.DeepCopy(), client.MergeFromWithOptimisticLock{})
	next.Spec.Replicas = ptr.To(int32(w.plan.Replicas))
	err := w.config.Client.Patch(ctx, next, patch, fieldOwner)
	w.done.note("resizing the Deployment", err)
	if err == nil {
		w.memory.wrote(next, w.seen.now)
	}
}

// applyChild applies a child unless it is in force already, or was refused a moment ago.
func (w *writer) applyChild(ctx context.Context, next wanted, seen metav1.Object) {
	if !w.stillRefused(next) && (seen == nil || !inForce(seen, next.hash)) {
		w.applyOver(ctx, next, seen)
	}
}

// stillRefused says that exactly this content was refused a moment ago.
func (w *writer) stillRefused(next wanted) bool {
	refused, known := w.memory.refused[next.GetKind()]
	if !known || !w.seen.now.Before(refused.again) || next.hash != refused.hash {
		return false
	}
	w.done.refused[next.GetKind()] = refused
	w.done.wait(refused.again)
	return true
}

// applyOver applies a child by server-side apply, over the version that was observed if it is the Deployment.
func (w *writer) applyOver(ctx context.Context, next wanted, seen metav1.Object) {
	kind := next.GetKind()
	owned := ""
	var err error
	if seen == nil {
		err = w.mayTake(ctx, next.Unstructured)
	} else {
		owned = ownedFields(seen)
		if kind == kindDeployment {
			next.SetResourceVersion(seen.GetResourceVersion())
		}
	}
	if err == nil {
		err = w.applyMarked(ctx, next.Unstructured, mark{hash: next.hash, owned: owned, wish: w.seen.asked})
	}
	if refusedByServer(err) {
		w.refuse(kind, next.hash, err)
		return
	}
	w.done.note("applying the "+kind, err)
	if err == nil {
		w.memory.forgetRefusal(kind)
	}
}

// applyMarked applies a child with a mark of what was applied. The mark says which fields are ours, which only the
// answer tells: when that has changed the mark is written once more.
func (w *writer) applyMarked(ctx context.Context, desired *unstructured.Unstructured, m mark) error {
	for range 2 {
		applied := desired.DeepCopy()
		m.put(applied)
		if err := w.config.Client.Apply(ctx, client.ApplyConfigurationFromUnstructured(applied), fieldOwner, client.ForceOwnership); err != nil {
			return err
		}
		w.memory.wrote(applied, w.seen.now)
		owned := ownedFields(applied)
		if owned == m.owned {
			break
		}
		m.owned = owned
		if desired.GetResourceVersion() != "" {
			desired.SetResourceVersion(applied.GetResourceVersion())
		}
	}
	log.FromContext(ctx).Info("child applied", "kind", desired.GetKind(), "name", desired.GetName())
	return nil
}

// errNotOurs says that an object of a child's name is somebody else's.
var errNotOurs = errors.New("it exists and is not this pool's: rename the pool, or delete that object")

// mayTake says whether a child that the cache lacks may be applied: the cache has only what bears our labels.
func (w *writer) mayTake(ctx context.Context, desired *unstructured.Unstructured) error {
	live := &metav1.PartialObjectMetadata{TypeMeta: metav1.TypeMeta{APIVersion: desired.GetAPIVersion(), Kind: desired.GetKind()}}
	found, err := get(ctx, w.config.Live, client.ObjectKeyFromObject(desired), live)
	switch {
	case err != nil || !found:
		return err
	case !child.Owned(live, w.seen.key.Name) && !metav1.IsControlledBy(live, w.seen.pool):
		return fmt.Errorf("making the %s %s: %w", desired.GetKind(), desired.GetName(), errNotOurs)
	case child.Owned(live, w.seen.key.Name):
		return apierrors.NewConflict(poolResource, live.Name, errors.New("the cache does not show it yet"))
	}
	return nil // somebody took our labels off
}

func (w *writer) refuse(kind, hash string, err error) {
	refused := refusal{hash: hash, message: err.Error(), again: w.seen.now.Add(retryRefused)}
	w.memory.refused[kind] = refused
	w.done.refused[kind] = refused
	w.done.wait(refused.again)
}

func (m *poolMemory) forgetRefusal(kind string) { delete(m.refused, kind) }

// refusedByServer says that the same write would be refused again: only somebody's change of the pool, or of what may be
// in its namespace, can mend it.
func refusedByServer(err error) bool {
	if errors.Is(err, errNotOurs) {
		return true
	}
	var status apierrors.APIStatus
	if !errors.As(err, &status) {
		return false
	}
	return apierrors.IsInvalid(err) || apierrors.IsForbidden(err) || apierrors.IsBadRequest(err) ||
		apierrors.IsRequestEntityTooLargeError(err)
}
