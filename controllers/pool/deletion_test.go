// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package pool_test

import (
	"context"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"convoy.dev/convoy/api/v1alpha1"
	"convoy.dev/convoy/worker/drain"
)

var _ = Describe("A pool that is deleted", func() {
	It("with Retain goes at once, its workers drain, and nothing of it is left", func(ctx context.Context) {
		w := newWorld(ctx, nil)
		w.create(ctx, w.newPool(3, 6))
		Expect(w.pool(ctx).Finalizers).To(BeEmpty())
		Expect(env.Client.Delete(ctx, w.pool(ctx))).To(Succeed())
		w.gone(ctx)
	})

	It("with Delete is wound down first: every lane is given back before a pod goes", func(ctx context.Context) {
		w := newWorld(ctx, nil)
		pool := w.newPool(3, 6)
		pool.Spec.DeletionPolicy = ptr.To(v1alpha1.DeletionDelete)
		w.create(ctx, pool)
		Expect(w.pool(ctx).Finalizers).To(ConsistOf(v1alpha1.FinalizerClaim))
		Expect(env.Client.Delete(ctx, w.pool(ctx))).To(Succeed())
		w.gone(ctx)
		Expect(w.lastWithLanes().Lanes).To(HaveEach(HaveField("State", HaveValue(Equal(v1alpha1.LaneUnowned)))), "the table's last word")
		Eventually(w.events).WithArguments(ctx).Should(ContainElement(And(
			HavePrefix("Warning BrokerStateKept"), ContainSubstring("`nats stream rm convoy_"+w.namespace+"_orders`"),
			ContainSubstring("`nats stream rm convoy_"+w.namespace+"_orders_park`"), Not(ContainSubstring("_lanes")),
		)))
	})

	It("in the foreground lets its pods go as they end", func(ctx context.Context) {
		w := newWorld(ctx, nil)
		pool := w.newPool(2, 4)
		pool.Spec.DeletionPolicy = ptr.To(v1alpha1.DeletionDelete)
		w.create(ctx, pool)
		Expect(env.Client.Delete(ctx, w.pool(ctx), client.PropagationPolicy(metav1.DeletePropagationForeground))).To(Succeed())
		w.gone(ctx)
	})

	It("together with its namespace holds nothing up, whatever its policy", func(ctx context.Context) {
		w := newWorld(ctx, nil)
		pool := w.newPool(2, 4)
		pool.Spec.DeletionPolicy = ptr.To(v1alpha1.DeletionDelete)
		pool.Spec.Template.Spec.TerminationGracePeriodSeconds = ptr.To[int64](0) // the namespace's controller waits as long as pods may
		w.create(ctx, pool)
		namespace := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: w.namespace}}
		Expect(env.Client.Delete(ctx, namespace)).To(Succeed())
		Eventually(func() bool {
			return apierrors.IsNotFound(env.Client.Get(ctx, client.ObjectKeyFromObject(namespace), namespace))
		}).Should(BeTrue())
	})

	It("and made again goes on above the epochs that the broker has", func(ctx context.Context) {
		w := newWorld(ctx, nil)
		w.create(ctx, w.newPool(2, 4))
		w.scale(ctx, 1)
		w.settled(ctx, 1)
		Expect(env.Client.Delete(ctx, w.pool(ctx))).To(Succeed())
		w.gone(ctx)
		floor := w.broker.at(drain.Unit{Kind: drain.Lane, Index: 0}).token
		Expect(floor.Epoch).To(BeNumerically(">", 0))
		w.create(ctx, w.newPool(2, 4))
		for lane := range int32(4) {
			Expect(w.broker.at(drain.Unit{Kind: drain.Lane, Index: lane}).token.Epoch).To(BeNumerically(">", 1))
		}
		Expect(floor.Less(w.broker.at(drain.Unit{Kind: drain.Lane, Index: 0}).token)).To(BeTrue())
	})

	It("while a call of its worker still runs, and made again, hands the lane over in order", func(ctx context.Context) {
		w := newWorld(ctx, nil)
		w.create(ctx, w.newPool(1, 2))
		old := w.podNames(ctx)[0]
		w.kubelet.change(func() { w.kubelet.holds = heldBy(old) })
		Expect(env.Client.Delete(ctx, w.pool(ctx))).To(Succeed())
		Eventually(func() bool {
			return apierrors.IsNotFound(env.Client.Get(ctx, w.key(poolName), &v1alpha1.LaneTable{}))
		}).Should(BeTrue())
		Expect(env.Client.Create(ctx, w.newPool(1, 2))).To(Succeed())
		Eventually(func() []string { return w.podNames(ctx) }).Should(HaveLen(2))
		none := func(g Gomega) { g.Expect(w.running(ctx, g)).To(BeEmpty()) }
		Eventually(none).Should(Succeed(), "the old worker drains")
		Consistently(none, time.Second).Should(Succeed(), "its call still runs")
		Expect(ownedBy(w, old)).To(HaveLen(2))
		w.kubelet.change(func() { w.kubelet.holds = nil })
		w.settled(ctx, 1)
		Expect(w.podNames(ctx)).NotTo(ContainElement(old))
	})
})

// gone waits until nothing of the pool is left.
func (w *world) gone(ctx context.Context) {
	GinkgoHelper()
	Eventually(func(g Gomega) {
		for _, list := range []client.ObjectList{
			&v1alpha1.ConvoyPoolList{}, &v1alpha1.LaneTableList{}, &v1alpha1.ConvoyWorkerList{}, &appsv1.DeploymentList{}, &corev1.PodList{},
		} {
			g.Expect(env.Client.List(ctx, list, client.InNamespace(w.namespace))).To(Succeed())
			g.Expect(list).To(HaveField("Items", BeEmpty()))
		}
	}).Should(Succeed())
}

// lastWithLanes is the last version of the table.
func (w *world) lastWithLanes() *v1alpha1.LaneTable {
	GinkgoHelper()
	Expect(w.history.last()).NotTo(BeNil())
	return w.history.last()
}

func values[K comparable, V any](of map[K]V) []V {
	var all []V
	for _, v := range of {
		all = append(all, v)
	}
	return all
}
