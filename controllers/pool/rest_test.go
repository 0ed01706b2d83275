// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package pool_test

import (
	"context"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	"k8s.io/utils/clock"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"convoy.dev/convoy/api/v1alpha1"
)

var _ = Describe("A pool at rest", func() {
	It("may be changed in what is fixed, and begins anew with epochs above all before", func(ctx context.Context) {
		w := newWorld(ctx, nil)
		w.create(ctx, w.newPool(3, 6))
		Expect(w.reshape(ctx, 9)).To(MatchError(ContainSubstring("is fixed while lanes hold messages")))
		w.kubelet.change(func() { w.kubelet.atRest = true })
		w.suspend(ctx, true)
		Eventually(w.claim).WithArguments(ctx).Should(HaveField("State", v1alpha1.ClaimEmpty))
		Eventually(w.podNames).WithArguments(ctx).Should(BeEmpty())
		Expect(w.fullCondition(ctx, v1alpha1.ConditionReady).Message).To(ContainSubstring("may be changed"))
		highest := highestEpoch(w.history.last())
		Expect(w.reshape(ctx, 9)).To(Succeed())
		w.suspend(ctx, false)
		w.settled(ctx, 3)
		Expect(w.claim(ctx)).To(And(HaveField("State", v1alpha1.ClaimInUse), HaveField("Since", HaveValue(BeNumerically(">", 1))), HaveField("Store", BeNil())))
		last := w.history.last()
		Expect(last.Lanes).To(HaveLen(9))
		for i := range last.Lanes {
			Expect(last.Lanes[i].Epoch).To(BeNumerically(">", highest), "lane %d", i)
		}
		Expect(forced(last)).To(BeZero(), "nobody has to wait: no lane was given up")
		Expect(w.reshape(ctx, 6)).To(MatchError(ContainSubstring("is fixed while lanes hold messages")))
	})

	It("is one whose last worker says so, and no other", func(ctx context.Context) {
		w := newWorld(ctx, nil)
		w.create(ctx, w.newPool(2, 4))
		w.suspend(ctx, true)
		Eventually(w.podNames).WithArguments(ctx).Should(BeEmpty())
		Consistently(w.claim).WithArguments(ctx).Should(HaveField("State", v1alpha1.ClaimInUse))
		Eventually(func() string { return w.fullCondition(ctx, v1alpha1.ConditionReady).Message }).Should(ContainSubstring("may not be changed"))
		Expect(w.reshape(ctx, 6)).To(MatchError(ContainSubstring("is fixed while lanes hold messages")))
		By("resuming it until its backlog is 0")
		w.suspend(ctx, false)
		w.settled(ctx, 2)
		w.kubelet.change(func() { w.kubelet.atRest = true })
		w.scale(ctx, 0)
		Eventually(w.claim).WithArguments(ctx).Should(HaveField("State", v1alpha1.ClaimEmpty))
		Expect(w.reshape(ctx, 6)).To(MatchError(ContainSubstring("is fixed while lanes hold messages")), "it is not suspended")
		w.suspend(ctx, true)
		Expect(w.reshape(ctx, 6)).To(Succeed())
	})

	It("is not one by what a worker said before lanes were in use again", func(ctx context.Context) {
		w := newWorld(ctx, nil)
		w.create(ctx, w.newPool(1, 2))
		old := w.podNames(ctx)[0]
		By("keeping the pod of the worker that says so: its handler ignores SIGTERM")
		w.kubelet.change(func() {
			w.kubelet.atRest = true
			w.kubelet.lingers = func(pod string) bool { return pod == old }
		})
		w.suspend(ctx, true)
		Eventually(w.claim).WithArguments(ctx).Should(HaveField("State", v1alpha1.ClaimEmpty))
		w.kubelet.change(func() { w.kubelet.atRest = false })
		w.suspend(ctx, false)
		Eventually(w.claim).WithArguments(ctx).Should(HaveField("State", v1alpha1.ClaimInUse))
		Eventually(func(g Gomega) { g.Expect(w.running(ctx, g)).To(HaveLen(1)) }).Should(Succeed())
		w.suspend(ctx, true)
		Eventually(w.podNames).WithArguments(ctx).Should(ConsistOf(old))
		Consistently(w.claim).WithArguments(ctx).Should(HaveField("State", v1alpha1.ClaimInUse))
		w.kubelet.change(func() { w.kubelet.lingers = nil })
		Eventually(w.podNames).WithArguments(ctx).Should(BeEmpty())
	})

	It("is found to be one by an operator that was not there when the last worker ended", func(ctx context.Context) {
		w := newWorld(ctx, nil)
		w.create(ctx, w.newPool(1, 2))
		By("letting the worker give its lanes back, and not yet say that it resigns")
		w.kubelet.change(func() { w.kubelet.mute = w.kubelet.told })
		w.suspend(ctx, true)
		Eventually(w.pods).WithArguments(ctx).Should(ConsistOf(HaveField("DeletionTimestamp", Not(BeNil()))))
		pod := w.pods(ctx)[0]
		Consistently(w.pods, time.Second).WithArguments(ctx).Should(ConsistOf(HaveField("Finalizers", ContainElement(v1alpha1.FinalizerDrained))))
		w.operator.stop()
		w.kubelet.change(func() { w.kubelet.atRest, w.kubelet.mute = true, nil })
		Eventually(func(g Gomega) {
			worker := &v1alpha1.ConvoyWorker{}
			g.Expect(env.Client.Get(ctx, client.ObjectKeyFromObject(&pod), worker)).To(Succeed())
			g.Expect(worker.Status.AtRest).To(HaveValue(BeTrue()))
		}).Should(Succeed())
		w.operator = startOperator(w.namespace, clock.RealClock{})
		Eventually(w.claim).WithArguments(ctx).Should(HaveField("State", v1alpha1.ClaimEmpty))
		Eventually(w.podNames).WithArguments(ctx).Should(BeEmpty())
	})
})

func (w *world) suspend(ctx context.Context, suspend bool) {
	GinkgoHelper()
	w.change(ctx, func(p *v1alpha1.ConvoyPool) { p.Spec.Suspend = &suspend })
}

// reshape changes the number of lanes, as a user would try to.
func (w *world) reshape(ctx context.Context, lanes int32) error {
	GinkgoHelper()
	pool := w.pool(ctx)
	base := pool.DeepCopy()
	pool.Spec.Lanes.Native.NATS.Count = lanes
	return env.Client.Patch(ctx, pool, client.MergeFrom(base))
}

func (w *world) claim(ctx context.Context) v1alpha1.ClaimStatus {
	GinkgoHelper()
	return ptr.Deref(w.pool(ctx).Status.Claim, v1alpha1.ClaimStatus{})
}

func highestEpoch(t *v1alpha1.LaneTable) int64 {
	highest := int64(0)
	for i := range t.Lanes {
		highest = max(highest, t.Lanes[i].Epoch)
	}
	return highest
}
