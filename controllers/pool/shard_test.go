// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package pool_test

import (
	"context"
	"slices"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/utils/ptr"

	"convoy.dev/convoy/api/v1alpha1"
)

var _ = Describe("A pool with Routed lanes", func() {
	It("has one worker route the source, and hands that over like a lane", func(ctx context.Context) {
		w := newWorld(ctx, nil)
		pool := w.newPool(3, 12)
		pool.Spec.Lanes = &v1alpha1.Lanes{Routed: &v1alpha1.RoutedLanes{Count: ptr.To[int32](12)}}
		w.create(ctx, pool)
		Eventually(w.condition).WithArguments(ctx, v1alpha1.ConditionReady).Should(Equal("True/InForce"))
		w.evenly(ctx, 4)
		Eventually(func() *v1alpha1.OwnershipStatus { return w.pool(ctx).Status.Shards }).Should(Equal(
			&v1alpha1.OwnershipStatus{Count: ptr.To[int32](1), Owned: ptr.To[int32](1), Moving: ptr.To[int32](0)}))

		Expect(w.pool(ctx).Status.Claim.Store).To(HaveValue(Equal(v1alpha1.NATSLaneStream(pool.Namespace, pool.Name))))

		Eventually(w.router).ShouldNot(BeEmpty())
		router := w.router()
		before := w.history.last().Shards[0].Epoch
		Eventually(func() []v1alpha1.ShardGrant { return w.specOf(ctx, router).Shards }).Should(ConsistOf(
			HaveField("Epoch", before)))

		By("deleting the pod that routes")
		Expect(env.Client.Delete(ctx, w.podNamed(ctx, router))).To(Succeed())
		Eventually(w.router).ShouldNot(Or(Equal(router), BeEmpty()))
		w.settled(ctx, 3)
		Expect(w.history.last().Shards[0].Epoch).To(BeNumerically(">", before))
		Expect(w.podNames(ctx)).To(ContainElement(w.router()))

		By("scaling to none")
		w.scale(ctx, 0)
		w.settled(ctx, 0)
		Eventually(w.router).Should(BeEmpty())
	})

	It("has 64 lanes when it says nothing", func(ctx context.Context) {
		w := newWorld(ctx, nil)
		pool := w.newPool(2, 64)
		pool.Spec.Lanes = nil
		w.create(ctx, pool)
		w.evenly(ctx, 32)
		Eventually(w.router).ShouldNot(BeEmpty()) // Shards come last.
		Expect(slices.ContainsFunc(w.pods(ctx), func(p corev1.Pod) bool { return p.Name == w.router() })).To(BeTrue())
	})
})

// router is the pod that routes the shard, "" if none does.
func (w *world) router() string {
	table := w.history.last()
	if table == nil || len(table.Shards) == 0 {
		return ""
	}
	of := *table
	of.Lanes = table.Shards
	if l := of.Lanes[0]; l.Worker == nil && (l.Slot == nil || ptr.Deref(l.State, v1alpha1.LaneOwned) == v1alpha1.LaneUnowned) {
		return ""
	}
	return w.workerOf(&of, 0).Name
}
