// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package pool

import (
	"context"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/util/workqueue"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/builder"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller"
	"sigs.k8s.io/controller-runtime/pkg/event"
	"sigs.k8s.io/controller-runtime/pkg/handler"
	"sigs.k8s.io/controller-runtime/pkg/log"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"convoy.dev/convoy/api/v1alpha1"
)

// poolsAtOnce is how many pools are reconciled at the same time. A reconcile mostly waits for the API server.
const poolsAtOnce = 8

type queue = workqueue.TypedRateLimitingInterface[reconcile.Request]

// SetupWithManager watches everything that a pool's plan is made from, and what its actions are.
func (r *Reconciler) SetupWithManager(mgr ctrl.Manager) error {
	pool := &unstructured.Unstructured{}
	pool.SetGroupVersionKind(v1alpha1.GroupVersion.WithKind("ConvoyPool"))
	ofPool := handler.EnqueueRequestsFromMapFunc(byLabel)
	b := ctrl.NewControllerManagedBy(mgr).
		Named("pool").
		WithOptions(controller.Options{
			MaxConcurrentReconciles: poolsAtOnce,
			EnableWarmup:            new(true), // an operator that waits to lead has its caches filled
		}).
		For(pool, builder.WithPredicates(poolChanged)).
		Watches(&v1alpha1.LaneTable{}, handler.EnqueueRequestsFromMapFunc(byName)).
		Watches(&v1alpha1.ConvoyWorker{}, gathered{}, builder.WithPredicates(workerChanged)).
		Watches(&corev1.Pod{}, ofPool, builder.WithPredicates(podChanged)).
		Watches(&appsv1.Deployment{}, ofPool, builder.WithPredicates(deploymentChanged)).
		Watches(&appsv1.ReplicaSet{}, ofPool, builder.WithPredicates(setChanged)).
		Watches(&corev1.Node{}, handler.EnqueueRequestsFromMapFunc(r.onNode), builder.WithPredicates(nodeChanged)).
		Watches(&corev1.Node{}, handler.EnqueueRequestsFromMapFunc(r.everyPool), builder.WithPredicates(kubeletChanged))
	for _, kind := range []metav1.TypeMeta{accountKind, bindingKind, budgetKind} {
		b = b.WatchesMetadata(partial(kind), ofPool)
	}
	if err := b.Complete(r); err != nil {
		return err
	}
	return (&actions{r.config}).setup(mgr)
}

// partial is an object of which only the metadata is watched.
func partial(kind metav1.TypeMeta) client.Object {
	object := &unstructured.Unstructured{}
	object.SetAPIVersion(kind.APIVersion)
	object.SetKind(kind.Kind)
	return object
}

// byLabel is the pool whose label an object bears.
func byLabel(_ context.Context, o client.Object) []reconcile.Request {
	name := o.GetLabels()[v1alpha1.LabelPool]
	if name == "" {
		return nil
	}
	return []reconcile.Request{{NamespacedName: types.NamespacedName{Namespace: o.GetNamespace(), Name: name}}}
}

// byName is the pool whose name an object has.
func byName(_ context.Context, o client.Object) []reconcile.Request {
	return []reconcile.Request{{NamespacedName: client.ObjectKeyFromObject(o)}}
}

// onNode is the pools that have a pod on a node.
func (r *Reconciler) onNode(ctx context.Context, node client.Object) []reconcile.Request {
	var pods corev1.PodList
	if err := r.config.Client.List(ctx, &pods, client.UnsafeDisableDeepCopy); err != nil {
		log.FromContext(ctx).Error(err, "finding the pools of a node", "node", node.GetName())
		return nil
	}
	var requests []reconcile.Request
	for i := range pods.Items {
		if pods.Items[i].Spec.NodeName == node.GetName() {
			requests = append(requests, byLabel(ctx, &pods.Items[i])...)
		}
	}
	return requests
}

// everyPool is all pools: the kubelets of all nodes decide what may stand in any pool's template.
func (r *Reconciler) everyPool(ctx context.Context, node client.Object) []reconcile.Request {
	pools := &unstructured.UnstructuredList{}
	pools.SetGroupVersionKind(v1alpha1.GroupVersion.WithKind("ConvoyPoolList"))
	if err := r.config.Client.List(ctx, pools, client.UnsafeDisableDeepCopy); err != nil {
		log.FromContext(ctx).Error(err, "finding the pools that a kubelet matters to", "node", node.GetName())
		return nil
	}
	requests := make([]reconcile.Request, 0, len(pools.Items))
	for i := range pools.Items {
		requests = append(requests, byName(ctx, &pools.Items[i])...)
	}
	return requests
}

// gathered wakes a pool a little after a worker's report, so that reports that come together are answered together.
type gathered struct{}

func (gathered) enqueue(ctx context.Context, o client.Object, q queue) {
	for _, request := range byLabel(ctx, o) {
		q.AddAfter(request, batch)
	}
}

// Create implements handler.EventHandler.
func (g gathered) Create(ctx context.Context, e event.CreateEvent, q queue) {
	g.enqueue(ctx, e.Object, q)
}

// Update implements handler.EventHandler.
func (g gathered) Update(ctx context.Context, e event.UpdateEvent, q queue) {
	g.enqueue(ctx, e.ObjectNew, q)
}

// Delete implements handler.EventHandler.
func (g gathered) Delete(ctx context.Context, e event.DeleteEvent, q queue) {
	g.enqueue(ctx, e.Object, q)
}

// Generic implements handler.EventHandler.
func (g gathered) Generic(ctx context.Context, e event.GenericEvent, q queue) {
	g.enqueue(ctx, e.Object, q)
}
