// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package pool_test

import (
	"context"
	"fmt"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/clock"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"convoy.dev/convoy/api/v1alpha1"
	"convoy.dev/convoy/worker/drain"
)

// world is one namespace with a pool, an operator and a kubelet.
type world struct {
	namespace string
	operator  *operator
	kubelet   *kubelet
	broker    *broker
	history   *history
}

const poolName = "orders"

func newWorld(ctx context.Context, labels map[string]string) *world {
	GinkgoHelper()
	w := &world{namespace: newNamespace(ctx, labels), broker: newBroker()}
	w.history = watchTables(w.namespace)
	w.kubelet = startKubelet(w.namespace, w.broker)
	w.operator = startOperator(w.namespace, clock.RealClock{})
	DeferCleanup(func(ctx context.Context) {
		if CurrentSpecReport().Failed() {
			w.dump(ctx)
		}
	})
	return w
}

// newPool is a pool of so many workers and lanes.
func (w *world) newPool(workers, lanes int32) *v1alpha1.ConvoyPool {
	return &v1alpha1.ConvoyPool{
		ObjectMeta: metav1.ObjectMeta{Name: poolName, Namespace: w.namespace},
		Spec: v1alpha1.ConvoyPoolSpec{
			Source: v1alpha1.Source{NATS: &v1alpha1.NATSSource{Servers: []string{"nats://nats:4222"}, Stream: "ORDERS"}},
			Key:    v1alpha1.Key{Expression: "body.order_id"},
			Lanes: &v1alpha1.Lanes{Type: ptr.To(v1alpha1.LanesNative), Native: &v1alpha1.NativeLanes{
				NATS: &v1alpha1.NATSNativeLanes{Subjects: []string{"orders.{lane}.>"}, Count: lanes},
			}},
			Delivery: &v1alpha1.Delivery{TimeoutSeconds: ptr.To[int32](1)},
			Scaling: &v1alpha1.Scaling{
				Mode: ptr.To(v1alpha1.ScalingExternal), MinWorkers: ptr.To[int32](0), MaxWorkers: ptr.To(max(lanes, 1)), Workers: &workers,
			},
			Handoff: &v1alpha1.Handoff{
				DrainTimeoutSeconds: ptr.To[int32](2), FenceSeconds: ptr.To[int32](2), SlotGraceSeconds: ptr.To[int32](1),
			},
			Template: corev1.PodTemplateSpec{Spec: corev1.PodSpec{Containers: []corev1.Container{{Name: "handler", Image: "shop/orders:1"}}}},
		},
	}
}

// create makes a pool and waits until all its lanes are owned.
func (w *world) create(ctx context.Context, pool *v1alpha1.ConvoyPool) {
	GinkgoHelper()
	Expect(env.Client.Create(ctx, pool)).To(Succeed())
	w.settled(ctx, int(*pool.Spec.Scaling.Workers))
	if *pool.Spec.Scaling.Workers > 0 {
		// A new pool's lanes count as forced until the table knows that they have been run.
		Eventually(func() int { return forced(w.history.last()) }).Should(BeZero())
	}
}

func (w *world) key(name string) client.ObjectKey {
	return client.ObjectKey{Namespace: w.namespace, Name: name}
}

func (w *world) pool(ctx context.Context) *v1alpha1.ConvoyPool {
	GinkgoHelper()
	pool := &v1alpha1.ConvoyPool{}
	Expect(env.Client.Get(ctx, w.key(poolName), pool)).To(Succeed())
	return pool
}

// change changes the pool as a user would.
func (w *world) change(ctx context.Context, how func(*v1alpha1.ConvoyPool)) {
	GinkgoHelper()
	pool := w.pool(ctx)
	base := pool.DeepCopy()
	how(pool)
	Expect(env.Client.Patch(ctx, pool, client.MergeFrom(base))).To(Succeed())
}

func (w *world) scale(ctx context.Context, workers int32) {
	GinkgoHelper()
	w.change(ctx, func(p *v1alpha1.ConvoyPool) { p.Spec.Scaling.Workers = &workers })
}

func (w *world) pods(ctx context.Context) []corev1.Pod {
	GinkgoHelper()
	var list corev1.PodList
	Expect(env.Client.List(ctx, &list, client.InNamespace(w.namespace), client.MatchingLabels{v1alpha1.LabelPool: poolName})).To(Succeed())
	return list.Items
}

func (w *world) deployment(ctx context.Context) *appsv1.Deployment {
	GinkgoHelper()
	deployment := &appsv1.Deployment{}
	Expect(env.Client.Get(ctx, w.key(poolName), deployment)).To(Succeed())
	return deployment
}

// condition is the pool's condition as status/reason, "" if it has none.
func (w *world) condition(ctx context.Context, kind string) string {
	GinkgoHelper()
	c := w.fullCondition(ctx, kind)
	if c == nil {
		return ""
	}
	return fmt.Sprintf("%s/%s", c.Status, c.Reason)
}

func (w *world) fullCondition(ctx context.Context, kind string) *metav1.Condition {
	GinkgoHelper()
	pool := w.pool(ctx)
	if pool.Status == nil {
		return nil
	}
	return meta.FindStatusCondition(pool.Status.Conditions, kind)
}

// settled waits until every lane is owned by one of so many workers, evenly, and each reports that it runs them.
func (w *world) settled(ctx context.Context, workers int) {
	GinkgoHelper()
	Eventually(func(g Gomega) {
		pool := &v1alpha1.ConvoyPool{}
		g.Expect(env.Client.Get(ctx, w.key(poolName), pool)).To(Succeed())
		g.Expect(pool.Status).NotTo(BeNil())
		g.Expect(pool.Status.ObservedGeneration).To(HaveValue(Equal(pool.Generation)))
		g.Expect(pool.Status.Workers.Serving).To(HaveValue(BeEquivalentTo(workers)))
		lanes := pool.Status.Lanes
		if workers > 0 {
			g.Expect(lanes.Owned).To(Equal(lanes.Count))
		} else {
			g.Expect(lanes.Owned).To(HaveValue(BeZero()))
		}
		g.Expect(lanes.Moving).To(HaveValue(BeZero()))
		g.Expect(w.running(ctx, g)).To(HaveLen(workers))
		g.Expect(w.podNames(ctx)).To(HaveLen(workers))
	}).Should(Succeed())
}

// running is how many lanes each worker reports as running, without workers that have none.
func (w *world) running(ctx context.Context, g Gomega) map[string]int {
	var list v1alpha1.ConvoyWorkerList
	g.Expect(env.Client.List(ctx, &list, client.InNamespace(w.namespace))).To(Succeed())
	counts := map[string]int{}
	for _, worker := range list.Items {
		if worker.Status == nil {
			continue
		}
		for _, l := range worker.Status.Lanes {
			if l.State == nil {
				counts[worker.Name]++
			}
		}
	}
	return counts
}

func (w *world) podNames(ctx context.Context) []string {
	GinkgoHelper()
	var names []string
	for _, pod := range w.pods(ctx) {
		names = append(names, pod.Name)
	}
	return names
}

func (w *world) podNamed(ctx context.Context, name string) *corev1.Pod {
	GinkgoHelper()
	pod := &corev1.Pod{}
	Expect(env.Client.Get(ctx, w.key(name), pod)).To(Succeed())
	return pod
}

// heldBy says that no lane of this pod drains.
func heldBy(pod string) func(string, drain.Unit) bool {
	return func(name string, _ drain.Unit) bool { return name == pod }
}

// dump shows what a failed spec has left.
func (w *world) dump(ctx context.Context) {
	for _, kinds := range []string{"convoypools,lanetables,convoyworkers", "deployments,replicasets,pods,nodes"} {
		text, err := env.Kubectl(ctx, "", "get", kinds, "-n", w.namespace, "-o", "yaml")
		GinkgoWriter.Println(text, err)
	}
}
