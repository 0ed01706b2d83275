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
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/tools/events"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"convoy.dev/convoy/api/v1alpha1"
	"convoy.dev/convoy/controllers/pool"
	"convoy.dev/convoy/controllers/pool/child"
	"convoy.dev/convoy/worker/drain"
)

// lagging is a client whose cache has not seen yet what became of one lane table.
type lagging struct {
	client.Client
	table *v1alpha1.LaneTable
}

// Get implements client.Reader.
func (c lagging) Get(ctx context.Context, key client.ObjectKey, into client.Object, options ...client.GetOption) error {
	if table, is := into.(*v1alpha1.LaneTable); is {
		c.table.DeepCopyInto(table)
		return nil
	}
	return c.Client.Get(ctx, key, into, options...)
}

// reconcileBy lets an operator that reads so look at the pool once.
func (w *world) reconcileBy(ctx context.Context, reads client.Client) {
	GinkgoHelper()
	r, err := pool.New(pool.Config{
		Client: reads, Live: env.Client, Events: events.NewFakeRecorder(100), Clock: wall, Cluster: "cluster", Image: workerImage, WatchLag: watchLag,
	})
	Expect(err).NotTo(HaveOccurred())
	_, err = r.Reconcile(ctx, reconcile.Request{NamespacedName: types.NamespacedName{Namespace: w.namespace, Name: poolName}})
	Expect(err).NotTo(HaveOccurred())
}

// emptied makes a worker's mailbox anew, as if it had been deleted by hand.
func (w *world) emptied(ctx context.Context, pod *corev1.Pod) {
	GinkgoHelper()
	mailbox := &v1alpha1.ConvoyWorker{}
	Expect(env.Client.Get(ctx, client.ObjectKeyFromObject(pod), mailbox)).To(Succeed())
	Expect(env.Client.Delete(ctx, mailbox)).To(Succeed())
	again := &v1alpha1.ConvoyWorker{}
	again.Name, again.Namespace, again.Labels, again.OwnerReferences = mailbox.Name, mailbox.Namespace, mailbox.Labels, mailbox.OwnerReferences
	Expect(env.Client.Create(ctx, again)).To(Succeed())
}

func (w *world) specOf(ctx context.Context, pod string) *v1alpha1.ConvoyWorkerSpec {
	GinkgoHelper()
	mailbox := &v1alpha1.ConvoyWorker{}
	Expect(env.Client.Get(ctx, w.key(pod), mailbox)).To(Succeed())
	return mailbox.Spec
}

var _ = Describe("An operator whose caches lag", func() {
	It("reads the table live before it writes the first spec into an empty mailbox", func(ctx context.Context) {
		w := newWorld(ctx, nil)
		w.create(ctx, w.newPool(1, 2))
		w.operator.stop()
		worker := w.pods(ctx)[0]
		old := &v1alpha1.LaneTable{}
		Expect(env.Client.Get(ctx, w.key(poolName), old)).To(Succeed())
		By("taking the lanes away, by another operator that has not come to tell the worker")
		w.kubelet.change(func() { w.kubelet.mute = func(string) bool { return true } })
		next := old.DeepCopy()
		next.Revision++
		for i := range next.Lanes {
			next.Lanes[i] = v1alpha1.LaneOwnership{Epoch: next.Lanes[i].Epoch, State: ptr.To(v1alpha1.LaneUnowned)}
		}
		Expect(env.Client.Update(ctx, next)).To(Succeed())
		w.emptied(ctx, &worker)
		w.reconcileBy(ctx, lagging{env.Client, old})
		Expect(w.specOf(ctx, worker.Name)).To(BeNil(), "the mailbox's own revision, 0, would not have refused a spec of the old table")
		By("writing it when the table is the one that was seen")
		Expect(env.Client.Get(ctx, w.key(poolName), next)).To(Succeed())
		next.Lanes = old.Lanes
		Expect(env.Client.Update(ctx, next)).To(Succeed())
		w.reconcileBy(ctx, lagging{env.Client, next})
		Expect(w.specOf(ctx, worker.Name)).To(HaveField("Revision", HaveValue(Equal(next.Revision))))
		Expect(w.specOf(ctx, worker.Name).Lanes).To(HaveLen(2))
		w.kubelet.change(func() { w.kubelet.mute = nil })
		w.operator = startOperator(w.namespace, wall)
		w.settled(ctx, 1)
	})

	It("reads a pod live before it takes it for lost", func(ctx context.Context) {
		w := newWorld(ctx, nil)
		w.create(ctx, w.newPool(2, 4))
		before := w.history.last()
		victim := w.pods(ctx)[0]
		mine := ownedBy(w, victim.Name)
		By("taking off the label by which the cache selects")
		base := victim.DeepCopy()
		delete(victim.Labels, child.LabelManagedBy)
		Expect(env.Client.Patch(ctx, &victim, client.MergeFrom(base))).To(Succeed())
		Consistently(func() []int { return ownedBy(w, victim.Name) }, time.Second).Should(Equal(mine))
		Expect(w.condition(ctx, v1alpha1.ConditionWorkerUnreachable)).To(HavePrefix("False/"))
		By("moving lanes, which asks every worker")
		w.scale(ctx, 4)
		w.settled(ctx, 4)
		Expect(w.podNames(ctx)).To(ContainElement(victim.Name))
		Expect(forced(w.history.last())).To(BeZero())
		Expect(total(w.history.grants(before.Revision)...)).To(BeEquivalentTo(2))
		w.everyStepFollows()
	})
})

var _ = Describe("A worker that has not come to say what it was granted", func() {
	It("keeps it when it is revoked: its older report is no answer", func(ctx context.Context) {
		w := newWorld(ctx, nil)
		w.create(ctx, w.newPool(3, 6))
		before := w.history.last()
		names := w.podNames(ctx)
		silent, gone := names[0], names[1]
		mine := ownedBy(w, silent)
		By("giving it a lane more, of a pod that is not replaced")
		w.kubelet.change(func() {
			w.kubelet.starts = func(pod *corev1.Pod) bool { return slices.Contains(names, pod.Name) }
			w.kubelet.mute = func(pod string) bool { return pod == silent }
		})
		Expect(env.Client.Delete(ctx, w.podNamed(ctx, gone))).To(Succeed())
		Eventually(func() []int { return ownedBy(w, silent) }).Should(HaveLen(3))
		granted := slices.DeleteFunc(ownedBy(w, silent), func(lane int) bool { return slices.Contains(mine, lane) })
		unit := drain.Unit{Kind: drain.Lane, Index: int32(granted[0])}
		uid := string(w.podNamed(ctx, silent).UID)
		Eventually(func() string { return w.broker.at(unit).worker }).Should(Equal(uid), "it runs the lane, and has not said so")
		By("revoking everything that it has")
		w.kubelet.change(func() { w.kubelet.holds = heldBy(silent) })
		Expect(env.Client.Delete(ctx, w.podNamed(ctx, silent))).To(Succeed())
		Eventually(func() int { return releasing(w.history.last()) }).Should(Equal(3))
		Consistently(func() []int { return ownedBy(w, silent) }, 2*time.Second).Should(HaveLen(3))
		Expect(w.broker.at(unit).worker).To(Equal(uid), "nobody has opened it")
		By("letting it drain and say so")
		w.kubelet.change(func() { w.kubelet.mute, w.kubelet.holds, w.kubelet.starts = nil, nil, nil })
		w.settled(ctx, 3)
		Expect(forced(w.history.last())).To(BeZero())
		Expect(w.history.last().Revision).To(BeNumerically(">", before.Revision))
		w.everyStepFollows()
	})
})
