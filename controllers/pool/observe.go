// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package pool

import (
	"context"
	"fmt"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"convoy.dev/convoy/api/v1alpha1"
	"convoy.dev/convoy/controllers/pool/child"
	"convoy.dev/convoy/controllers/pool/plan"
)

// observation is everything that one reconcile has read. Objects that do not exist are nil.
type observation struct {
	key types.NamespacedName
	now time.Time
	// live says that all was read from the API server itself.
	live bool
	// terminating says that the pool's namespace is being deleted.
	terminating bool

	pool *v1alpha1.ConvoyPool
	// template is the pool's spec.template with every field, known to this version or not.
	template map[string]any
	// asked stands for everything in the pool's spec that makes its pods what they are.
	asked      string
	table      *v1alpha1.LaneTable
	deployment *appsv1.Deployment
	sets       []appsv1.ReplicaSet
	workers    []v1alpha1.ConvoyWorker
	pods       []corev1.Pod
	nodes      map[string]*corev1.Node
	account    *metav1.PartialObjectMetadata
	binding    *metav1.PartialObjectMetadata
	budget     *metav1.PartialObjectMetadata

	// hold is why no worker may run, nil if nothing stands against it; wish is how many are wanted.
	hold *hold
	wish wish
	// barrier says that a restarted worker has to wait for its predecessor's calls.
	barrier bool
	// state is what a plan is made from.
	state plan.State
}

// observe reads everything about a pool from the caches.
func (r *Reconciler) observe(ctx context.Context, key types.NamespacedName) (*observation, error) {
	o, err := r.read(ctx, r.config.Client, key)
	if err != nil {
		return nil, fmt.Errorf("observing the pool: %w", err)
	}
	return o, nil
}

// observeLive reads everything from the API server itself.
func (r *Reconciler) observeLive(ctx context.Context, key types.NamespacedName) (*observation, error) {
	o, err := r.read(ctx, r.config.Live, key)
	if err != nil {
		return nil, fmt.Errorf("observing the pool live: %w", err)
	}
	o.live, o.state.Live = true, true
	return o, nil
}

// read reads the table before anything that speaks of it, so that what workers claim is never older than a loss of the
// table; and the Deployment before the pods, so that a pod made between the two has changed the Deployment since.
func (r *Reconciler) read(ctx context.Context, from client.Reader, key types.NamespacedName) (*observation, error) {
	o := &observation{key: key, now: r.config.Clock.Now(), nodes: map[string]*corev1.Node{}}
	for _, read := range []func(context.Context, client.Reader) error{
		o.readNamespace, o.readTable, o.readPool, o.readDeployment, o.readChildren, o.readWorkers, o.readPods,
	} {
		if err := read(ctx, from); err != nil {
			return nil, err
		}
	}
	if o.pool == nil {
		return o, nil
	}
	if err := r.readNodes(ctx, from, o); err != nil {
		return nil, err
	}
	remembered := r.memory.of(key)
	o.judge(&remembered.key)
	o.complete(remembered)
	o.state.Pool.WatchLag = r.config.WatchLag
	return o, nil
}

func (o *observation) readNamespace(ctx context.Context, from client.Reader) error {
	var ns corev1.Namespace
	found, err := get(ctx, from, types.NamespacedName{Name: o.key.Namespace}, &ns)
	o.terminating = !found || ns.DeletionTimestamp != nil
	return err
}

func (o *observation) readPool(ctx context.Context, from client.Reader) error {
	raw := &unstructured.Unstructured{}
	raw.SetGroupVersionKind(v1alpha1.GroupVersion.WithKind("ConvoyPool"))
	found, err := get(ctx, from, o.key, raw)
	if err != nil || !found {
		return err
	}
	o.pool = &v1alpha1.ConvoyPool{}
	if err := runtime.DefaultUnstructuredConverter.FromUnstructured(raw.Object, o.pool); err != nil {
		return fmt.Errorf("reading the pool: %w", err)
	}
	o.template, _, err = unstructured.NestedMap(raw.Object, "spec", "template")
	if err != nil {
		return err
	}
	spec, _, err := unstructured.NestedMap(raw.Object, "spec")
	if err != nil {
		return err
	}
	for _, other := range []string{"scaling", "suspend", "deletionPolicy"} {
		delete(spec, other)
	}
	o.asked, err = child.Hash(&unstructured.Unstructured{Object: spec})
	return err
}

func (o *observation) readTable(ctx context.Context, from client.Reader) error {
	table := &v1alpha1.LaneTable{}
	found, err := get(ctx, from, o.key, table)
	if found {
		o.table = table
	}
	return err
}

func (o *observation) readDeployment(ctx context.Context, from client.Reader) error {
	deployment := &appsv1.Deployment{}
	found, err := get(ctx, from, o.key, deployment)
	if err != nil || !found || !child.Owned(deployment, o.key.Name) {
		return err
	}
	o.deployment = deployment
	var sets appsv1.ReplicaSetList
	if err := from.List(ctx, &sets, o.ofPool()...); err != nil {
		return fmt.Errorf("listing ReplicaSets: %w", err)
	}
	for _, set := range sets.Items {
		if metav1.IsControlledBy(&set, deployment) {
			o.sets = append(o.sets, set)
		}
	}
	return nil
}

func (o *observation) readChildren(ctx context.Context, from client.Reader) error {
	account := types.NamespacedName{Namespace: o.key.Namespace, Name: child.AccountName(o.key.Name)}
	for _, c := range []struct {
		into **metav1.PartialObjectMetadata
		kind metav1.TypeMeta
		key  types.NamespacedName
	}{
		{&o.account, accountKind, account},
		{&o.binding, bindingKind, account},
		{&o.budget, budgetKind, o.key},
	} {
		object := &metav1.PartialObjectMetadata{TypeMeta: c.kind}
		found, err := get(ctx, from, c.key, object)
		if err != nil {
			return err
		}
		if found && child.Owned(object, o.key.Name) {
			*c.into = object
		}
	}
	return nil
}

func (o *observation) readWorkers(ctx context.Context, from client.Reader) error {
	var workers v1alpha1.ConvoyWorkerList
	if err := from.List(ctx, &workers, o.ofPool()...); err != nil {
		return fmt.Errorf("listing ConvoyWorkers: %w", err)
	}
	o.workers = workers.Items
	return nil
}

func (o *observation) readPods(ctx context.Context, from client.Reader) error {
	var pods corev1.PodList
	if err := from.List(ctx, &pods, o.ofPool()...); err != nil {
		return fmt.Errorf("listing pods: %w", err)
	}
	o.pods = pods.Items
	return nil
}

// readNodes reads the nodes that pods are bound to. One that is gone is left out: pod garbage collection speaks then.
func (r *Reconciler) readNodes(ctx context.Context, from client.Reader, o *observation) error {
	for i := range o.pods {
		name := o.pods[i].Spec.NodeName
		if _, known := o.nodes[name]; known || name == "" {
			continue
		}
		node := &corev1.Node{}
		found, err := get(ctx, from, types.NamespacedName{Name: name}, node)
		if err != nil {
			return err
		}
		if found {
			o.nodes[name] = node
		}
	}
	return nil
}

func (o *observation) ofPool() []client.ListOption {
	return []client.ListOption{client.InNamespace(o.key.Namespace), client.MatchingLabels(child.Selector(o.key.Name))}
}

// get reads one object, and says whether it is there.
func get(ctx context.Context, from client.Reader, key types.NamespacedName, into client.Object) (bool, error) {
	switch err := from.Get(ctx, key, into); {
	case err == nil:
		return true, nil
	case apierrors.IsNotFound(err):
		return false, nil
	default:
		return false, fmt.Errorf("reading %T %s: %w", into, key.Name, err)
	}
}
