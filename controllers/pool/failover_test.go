// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package pool_test

import (
	"context"
	"slices"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/clock"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"convoy.dev/convoy/api/v1alpha1"
	"convoy.dev/convoy/worker/drain"
)

var _ = Describe("The operator", func() {
	It("can run twice at once: the lane table decides whose word counts", func(ctx context.Context) {
		w := newWorld(ctx, nil)
		startOperator(w.namespace, clock.RealClock{})
		w.create(ctx, w.newPool(3, 12))
		for _, workers := range []int32{5, 1, 4, 2} {
			w.scale(ctx, workers)
			w.settled(ctx, int(workers))
		}
		w.everyStepFollows()
		Expect(forced(w.history.last())).To(BeZero())
	})

	It("goes on where another was killed in the middle of a hand-over", func(ctx context.Context) {
		w := newWorld(ctx, nil)
		w.create(ctx, w.newPool(2, 8))
		before := w.history.last()
		By("holding every lane that drains, so that the hand-over stays half done")
		w.kubelet.change(func() { w.kubelet.holds = func(string, drain.Unit) bool { return true } })
		w.scale(ctx, 4)
		Eventually(func() int { return releasing(w.history.last()) }).Should(Equal(4))
		w.operator.stop()
		w.kubelet.change(func() { w.kubelet.holds = nil })
		Consistently(func() int { return releasing(w.history.last()) }).Should(Equal(4), "nobody grants without an operator")
		w.operator = startOperator(w.namespace, clock.RealClock{})
		w.settled(ctx, 4)
		Expect(total(w.history.grants(before.Revision)...)).To(BeEquivalentTo(4))
		w.everyStepFollows()
	})

	It("is not needed by workers that run, nor by one that is told to end", func(ctx context.Context) {
		w := newWorld(ctx, nil)
		w.create(ctx, w.newPool(2, 4))
		w.operator.stop()
		victim := w.pods(ctx)[0]
		Expect(env.Client.Delete(ctx, &victim)).To(Succeed())
		Eventually(func(g Gomega) {
			mailbox := &v1alpha1.ConvoyWorker{}
			g.Expect(env.Client.Get(ctx, w.key(victim.Name), mailbox)).To(Succeed())
			g.Expect(mailbox.Status.Resigned).To(HaveValue(BeTrue()))
		}).Should(Succeed())
		By("keeping the pod's object as evidence until an operator has seen it")
		Consistently(func() []string { return w.podNames(ctx) }).Should(ContainElement(victim.Name))
		w.operator = startOperator(w.namespace, clock.RealClock{})
		w.settled(ctx, 2)
		Expect(forced(w.history.last())).To(BeZero())
	})

	It("makes no write and no live read after a restart when nothing has changed", func(ctx context.Context) {
		w := newWorld(ctx, nil)
		w.create(ctx, w.newPool(2, 4))
		Eventually(w.condition).WithArguments(ctx, v1alpha1.ConditionProgressing).Should(Equal("True/RolledOut"))
		w.quiet(ctx)
		w.operator.stop()
		w.operator = startOperator(w.namespace, clock.RealClock{})
		Consistently(func() int64 { return w.operator.requests.writes.Load() }, 2*time.Second).Should(BeZero())
	})
})

var _ = Describe("A worker", func() {
	It("on a node that does not answer is given up, and its lanes are taken over by force", func(ctx context.Context) {
		w := newWorld(ctx, nil)
		pool := w.newPool(2, 4)
		pool.Spec.Handoff.UnreachableAfterSeconds = ptr.To[int32](1)
		w.create(ctx, pool)
		victim := w.pods(ctx)[0]
		w.ownNode(ctx, &victim)
		w.kubelet.freeze(&victim)
		w.nodeAnswers(ctx, victim.Name, corev1.ConditionUnknown)
		Eventually(w.condition).WithArguments(ctx, v1alpha1.ConditionWorkerUnreachable).Should(Equal("True/NodeUnreachable"))
		Expect(w.fullCondition(ctx, v1alpha1.ConditionWorkerUnreachable).Message).To(And(ContainSubstring(victim.Name), ContainSubstring("lane")))
		Eventually(func(g Gomega) { g.Expect(total(values(w.running(ctx, g))...)).To(BeNumerically(">=", 4)) }).Should(Succeed())
		Eventually(func() int { return len(ownedBy(w, victim.Name)) }).Should(BeZero())
	})

	It("whose pod is deleted by force is waited for, because the finalizer keeps the evidence", func(ctx context.Context) {
		w := newWorld(ctx, nil)
		w.create(ctx, w.newPool(2, 4))
		victim := w.pods(ctx)[0]
		w.kubelet.change(func() { w.kubelet.holds = heldBy(victim.Name) })
		Expect(env.Client.Delete(ctx, &victim, client.GracePeriodSeconds(0))).To(Succeed())
		Consistently(func() int { return len(ownedBy(w, victim.Name)) }, time.Second).Should(BeNumerically(">", 0))
		w.kubelet.change(func() { w.kubelet.holds = nil })
		w.settled(ctx, 2)
		Expect(forced(w.history.last())).To(BeZero())
	})

	It("whose acknowledgement comes late, when the table has moved on, is waited for and then believed", func(ctx context.Context) {
		w := newWorld(ctx, nil)
		w.create(ctx, w.newPool(2, 6))
		before := w.history.last()
		late := w.workerOf(before, 0).Name
		w.kubelet.change(func() { w.kubelet.mute = func(pod string) bool { return pod == late } })
		By("revoking a lane of each of the two, of which one answers")
		w.scale(ctx, 3)
		Eventually(w.condition).WithArguments(ctx, v1alpha1.ConditionHandOverStuck).Should(Equal("True/DrainTimeout"))
		stuck := w.history.last()
		Expect(releasing(stuck)).To(Equal(1))
		revoked := slices.IndexFunc(stuck.Lanes, func(l v1alpha1.LaneOwnership) bool { return releases(&l) })
		Expect(w.workerOf(stuck, revoked).Name).To(Equal(late))
		By("moving lanes of others meanwhile")
		names := w.podNames(ctx)
		other := w.podNamed(ctx, names[slices.IndexFunc(names, func(pod string) bool { return pod != late })])
		Expect(env.Client.Delete(ctx, other)).To(Succeed())
		Eventually(w.podNames).WithArguments(ctx).Should(And(HaveLen(3), Not(ContainElement(other.Name))))
		Eventually(func() []int { return ownedBy(w, other.Name) }).Should(BeEmpty())
		Eventually(func() int { return releasing(w.history.last()) }).Should(Equal(1))
		moved := w.history.last()
		Expect(moved.Revision).To(BeNumerically(">", stuck.Revision))
		Expect(moved.Lanes[revoked].Epoch).To(Equal(before.Lanes[revoked].Epoch), "long after drainTimeoutSeconds nobody else has it")
		Expect(w.workerOf(moved, revoked).Name).To(Equal(late))
		By("letting the acknowledgement through")
		w.kubelet.change(func() { w.kubelet.mute = nil })
		w.settled(ctx, 3)
		Expect(w.history.grants(before.Revision)[revoked]).To(BeEquivalentTo(1))
		Expect(w.workerOf(w.history.last(), revoked).Name).NotTo(Equal(late))
		Expect(forced(w.history.last())).To(BeZero())
		w.everyStepFollows()
		Eventually(w.condition).WithArguments(ctx, v1alpha1.ConditionHandOverStuck).Should(HavePrefix("False/"))
	})

	It("of an unknown protocol is left alone, and the pool says so", func(ctx context.Context) {
		w := newWorld(ctx, nil)
		w.create(ctx, w.newPool(1, 2))
		w.kubelet.change(func() { w.kubelet.protocol = drain.Protocol{Min: 7, Max: 8} })
		w.scale(ctx, 2)
		Eventually(w.condition).WithArguments(ctx, "WorkerIncompatible").Should(Equal("True/Protocol"))
		Expect(w.running(ctx, Default)).To(HaveLen(1))
	})
})

func releasing(t *v1alpha1.LaneTable) int {
	n := 0
	for i := range t.Lanes {
		if releases(&t.Lanes[i]) {
			n++
		}
	}
	return n
}

func releases(l *v1alpha1.LaneOwnership) bool {
	return ptr.Deref(l.State, v1alpha1.LaneOwned) == v1alpha1.LaneReleasing
}

// ownedBy is the lanes that the newest table says a pod holds.
func ownedBy(w *world, pod string) []int {
	var lanes []int
	t := w.history.last()
	for i := range t.Lanes {
		if ptr.Deref(t.Lanes[i].State, v1alpha1.LaneOwned) != v1alpha1.LaneUnowned && w.workerOf(t, i).Name == pod {
			lanes = append(lanes, i)
		}
	}
	return lanes
}

// everyStepFollows asserts of each version of the table that it follows from the one before: revisions without a gap,
// epochs that grow by one at a time, and a lane that goes from one worker to another only by way of Releasing.
func (w *world) everyStepFollows() {
	GinkgoHelper()
	versions := w.history.since(0)
	for i := 1; i < len(versions); i++ {
		before, after := versions[i-1], versions[i]
		Expect(after.Revision).To(Equal(before.Revision+1), "revisions")
		for lane := range before.Lanes {
			was, is := before.Lanes[lane], after.Lanes[lane]
			Expect(is.Epoch-was.Epoch).To(BeElementOf(int64(0), int64(1)), "epochs of lane %d", lane)
			if is.Epoch > was.Epoch {
				Expect(ptr.Deref(was.State, v1alpha1.LaneOwned)).NotTo(Equal(v1alpha1.LaneOwned), "lane %d granted on from its owner", lane)
			}
		}
	}
}

// quiet waits until the operator has stopped writing.
func (w *world) quiet(_ context.Context) {
	GinkgoHelper()
	last := int64(-1)
	Eventually(func() bool {
		now := w.operator.requests.writes.Load()
		still := now == last
		last = now
		return still
	}, 20*time.Second, time.Second).Should(BeTrue())
}

// ownNode gives a pod's node an object.
func (w *world) ownNode(ctx context.Context, pod *corev1.Pod) {
	GinkgoHelper()
	node := &corev1.Node{ObjectMeta: metav1.ObjectMeta{Name: pod.Spec.NodeName}}
	Expect(client.IgnoreAlreadyExists(env.Client.Create(ctx, node))).To(Succeed())
	DeferCleanup(func(ctx context.Context) { Expect(env.Client.Delete(ctx, node)).To(Succeed()) })
}

// nodeAnswers sets what is known of the node of a pod.
func (w *world) nodeAnswers(ctx context.Context, pod string, ready corev1.ConditionStatus) {
	GinkgoHelper()
	node := &corev1.Node{}
	Expect(env.Client.Get(ctx, client.ObjectKey{Name: w.podNamed(ctx, pod).Spec.NodeName}, node)).To(Succeed())
	node.Status.Conditions = []corev1.NodeCondition{{Type: corev1.NodeReady, Status: ready, LastTransitionTime: metav1.Now()}}
	Expect(env.Client.Status().Update(ctx, node)).To(Succeed())
}
