// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package pool_test

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"convoy.dev/convoy/api/v1alpha1"
	"convoy.dev/convoy/worker/drain"
)

var _ = Describe("Scaling", func() {
	It("from 3 to 5 to 2 moves as few lanes as it can, and none between workers that stay", func(ctx context.Context) {
		w := newWorld(ctx, nil)
		w.create(ctx, w.newPool(3, 30))
		Eventually(w.condition).WithArguments(ctx, v1alpha1.ConditionReady).Should(Equal("True/InForce"))

		before := w.history.last()
		w.scale(ctx, 5)
		w.settled(ctx, 5)
		Expect(total(w.history.grants(before.Revision)...)).To(BeEquivalentTo(12), "lanes moved from 3 x 10 to 5 x 6")
		w.onlyMovesBetween(before, joined)
		w.evenly(ctx, 6)

		before = w.history.last()
		w.scale(ctx, 2)
		w.settled(ctx, 2)
		Expect(total(w.history.grants(before.Revision)...)).To(BeEquivalentTo(18), "lanes moved from 5 x 6 to 2 x 15")
		w.onlyMovesBetween(before, left)
		w.evenly(ctx, 15)
		Expect(w.condition(ctx, v1alpha1.ConditionReady)).To(Equal("True/InForce"))
	})

	It("to none and back keeps the pool Ready and its lanes' epochs growing", func(ctx context.Context) {
		w := newWorld(ctx, nil)
		w.create(ctx, w.newPool(2, 4))
		w.scale(ctx, 0)
		w.settled(ctx, 0)
		Expect(w.condition(ctx, v1alpha1.ConditionReady)).To(Equal("True/InForce"))
		before := w.history.last()
		w.scale(ctx, 1)
		w.settled(ctx, 1)
		Expect(w.history.grants(before.Revision)).To(HaveEach(BeEquivalentTo(1)))
	})

	It("suspended, takes every lane back and lets every worker go", func(ctx context.Context) {
		w := newWorld(ctx, nil)
		w.create(ctx, w.newPool(3, 6))
		w.change(ctx, func(p *v1alpha1.ConvoyPool) { p.Spec.Suspend = ptr.To(true) })
		w.settled(ctx, 0)
		Expect(w.condition(ctx, v1alpha1.ConditionReady)).To(Equal("True/Suspended"))
		w.change(ctx, func(p *v1alpha1.ConvoyPool) { p.Spec.Suspend = ptr.To(false) })
		w.settled(ctx, 3)
	})

	It("with a call that does not end keeps that lane, and lets every other surplus worker go", func(ctx context.Context) {
		w := newWorld(ctx, nil)
		w.create(ctx, w.newPool(5, 10))
		table := w.history.last()
		stuck := table.Workers[*table.Slots[len(table.Slots)-1].Worker]
		w.kubelet.change(func() { w.kubelet.holds = heldBy(stuck.Name) })
		w.scale(ctx, 1)
		Eventually(w.condition).WithArguments(ctx, v1alpha1.ConditionHandOverStuck).Should(Equal("True/DrainTimeout"))
		Expect(w.fullCondition(ctx, v1alpha1.ConditionHandOverStuck).Message).To(And(ContainSubstring(stuck.Name), ContainSubstring("order-42")))
		Eventually(func() []corev1.Pod { return w.pods(ctx) }).Should(HaveLen(2), "the worker that stays, and the one that is stuck")
		Expect(w.condition(ctx, v1alpha1.ConditionReady)).To(Equal("False/HandOverStuck"))

		w.kubelet.change(func() { w.kubelet.holds = nil })
		w.settled(ctx, 1)
		Eventually(w.condition).WithArguments(ctx, v1alpha1.ConditionHandOverStuck).Should(HavePrefix("False/"))
		Eventually(w.condition).WithArguments(ctx, v1alpha1.ConditionReady).Should(Equal("True/InForce"))
	})
})

var _ = Describe("A rollout", func() {
	It("moves each lane exactly once", func(ctx context.Context) {
		w := newWorld(ctx, nil)
		w.create(ctx, w.newPool(3, 12))
		before, old := w.history.last(), w.podNames(ctx)
		w.change(ctx, func(p *v1alpha1.ConvoyPool) { p.Spec.Template.Spec.Containers[0].Image = "shop/orders:2" })
		Eventually(func() []string { return w.podNames(ctx) }).Should(And(HaveLen(3), Not(ContainElement(BeElementOf(old)))))
		w.settled(ctx, 3)
		Expect(w.history.grants(before.Revision)).To(HaveEach(BeEquivalentTo(1)))
		Eventually(w.condition).WithArguments(ctx, v1alpha1.ConditionProgressing).Should(Equal("True/RolledOut"))
		Expect(w.pool(ctx).Status.Workers.Updated).To(HaveValue(BeEquivalentTo(3)))
	})

	It("follows when a new operator brings another image of the worker", func(ctx context.Context) {
		w := newWorld(ctx, nil)
		w.create(ctx, w.newPool(2, 4))
		before := w.history.last()
		w.operator.stop()
		w.operator = startOperatorWith(w.namespace, wall, "convoy-worker:next")
		Eventually(func(g Gomega) {
			g.Expect(w.pool(ctx).Status.Workers.Image).To(HaveValue(Equal("convoy-worker:next")))
		}).Should(Succeed())
		Eventually(w.condition).WithArguments(ctx, v1alpha1.ConditionProgressing).Should(Equal("True/RolledOut"))
		w.settled(ctx, 2)
		Expect(w.history.grants(before.Revision)).To(HaveEach(BeEquivalentTo(1)))
	})

	It("of what a new operator brings goes through three pools at a time", func(ctx context.Context) {
		w := newWorld(ctx, nil)
		const pools = 5
		for i := range pools {
			pool := w.newPool(1, 1)
			pool.Name = fmt.Sprintf("%s-%d", poolName, i)
			Expect(env.Client.Create(ctx, pool)).To(Succeed())
		}
		images := func() map[string]int {
			var list appsv1.DeploymentList
			Expect(env.Client.List(ctx, &list, client.InNamespace(w.namespace))).To(Succeed())
			counts := map[string]int{}
			for _, d := range list.Items {
				if d.Status.ReadyReplicas > 0 {
					containers := d.Spec.Template.Spec.Containers
					counts[containers[len(containers)-1].Image]++
				}
			}
			return counts
		}
		Eventually(images).Should(Equal(map[string]int{workerImage: pools}))
		w.operator.stop()
		By("starting an operator with another image, whose pods do not come to run")
		const next = "convoy-worker:next"
		w.kubelet.change(func() {
			w.kubelet.starts = func(pod *corev1.Pod) bool { return pod.Spec.Containers[len(pod.Spec.Containers)-1].Image != next }
		})
		w.operator = startOperatorWith(w.namespace, wall, next)
		Eventually(images).Should(Equal(map[string]int{workerImage: pools - 3, next: 3}))
		Consistently(images, time.Second).Should(Equal(map[string]int{workerImage: pools - 3, next: 3}))
		By("letting them run: the others follow")
		w.kubelet.change(func() { w.kubelet.starts = nil })
		Eventually(images).WithTimeout(time.Minute).Should(Equal(map[string]int{next: pools}))
	})

	It("to another service account leaves the old workers their rights until they have handed over", func(ctx context.Context) {
		w := newWorld(ctx, nil)
		w.create(ctx, w.newPool(2, 4))
		before, first := w.history.last(), poolName+"-worker"
		w.kubelet.change(func() { w.kubelet.holds = func(string, drain.Unit) bool { return true } })
		w.change(ctx, func(p *v1alpha1.ConvoyPool) { p.Spec.Template.Spec.ServiceAccountName = "second" })
		Eventually(func() int { return releasing(w.history.last()) }).Should(BeNumerically(">", 0))
		Eventually(w.mayReport).WithArguments(ctx, "second").Should(BeTrue())
		Expect(w.mayReport(ctx, first)).To(BeTrue())
		w.kubelet.change(func() { w.kubelet.holds = nil })
		Eventually(w.condition).WithArguments(ctx, v1alpha1.ConditionProgressing).Should(Equal("True/RolledOut"))
		w.settled(ctx, 2)
		Expect(w.pods(ctx)).To(HaveEach(HaveField("Spec.ServiceAccountName", "second")))
		Expect(w.history.grants(before.Revision)).To(HaveEach(BeEquivalentTo(1)))
		Expect(forced(w.history.last())).To(BeZero())
		By("taking the rights back when no pod is left that needs them")
		Eventually(w.mayReport).WithArguments(ctx, first).Should(BeFalse())
		Expect(w.mayReport(ctx, "second")).To(BeTrue())
	})

	It("that somebody starts on the Deployment itself is carried out as well", func(ctx context.Context) {
		w := newWorld(ctx, nil)
		w.create(ctx, w.newPool(2, 4))
		before, old := w.history.last(), w.podNames(ctx)
		_, err := env.Kubectl(ctx, "", "rollout", "restart", "deployment", poolName, "-n", w.namespace)
		Expect(err).NotTo(HaveOccurred())
		Eventually(func() []string { return w.podNames(ctx) }).Should(And(HaveLen(2), Not(ContainElement(BeElementOf(old)))))
		w.settled(ctx, 2)
		Expect(w.history.grants(before.Revision)).To(HaveEach(BeEquivalentTo(1)))
	})
})

var _ = Describe("A pod", func() {
	It("that is deleted drains, and its lanes go to others at once", func(ctx context.Context) {
		w := newWorld(ctx, nil)
		w.create(ctx, w.newPool(3, 9))
		victim := w.pods(ctx)[0]
		w.kubelet.change(func() { w.kubelet.lingers = func(pod string) bool { return pod == victim.Name } })
		Expect(env.Client.Delete(ctx, &victim)).To(Succeed())
		By("moving its lanes while its handler ignores SIGTERM and keeps the pod")
		Eventually(func() int { return w.running(ctx, Default)[victim.Name] }).Should(BeZero())
		Eventually(func(g Gomega) { g.Expect(total(slices.Collect(maps.Values(w.running(ctx, g)))...)).To(Equal(9)) }).Should(Succeed())
		Expect(w.podNames(ctx)).To(ContainElement(victim.Name))
		w.kubelet.change(func() { w.kubelet.lingers = nil })
		w.settled(ctx, 3)
		Expect(w.podNames(ctx)).NotTo(ContainElement(victim.Name))
		Expect(forced(w.history.last())).To(BeZero())
	})

	It("that never starts gets no lane, and the pool says why", func(ctx context.Context) {
		w := newWorld(ctx, nil)
		w.create(ctx, w.newPool(2, 8))
		w.kubelet.change(func() { w.kubelet.starts = func(*corev1.Pod) bool { return false } })
		w.scale(ctx, 3)
		Eventually(func() []corev1.Pod { return w.pods(ctx) }).Should(HaveLen(3))
		Consistently(func(g Gomega) { g.Expect(w.running(ctx, g)).To(HaveLen(2)) }).Should(Succeed())
		Expect(w.condition(ctx, v1alpha1.ConditionReady)).To(Equal("True/InForce"))
	})

	It("whose worker is started again at once keeps its slot and its lanes", func(ctx context.Context) {
		w := newWorld(ctx, nil)
		pool := w.newPool(2, 4)
		pool.Spec.Handoff.SlotGraceSeconds = ptr.To[int32](60)
		w.create(ctx, pool)
		before := w.history.last()
		victim := w.podNamed(ctx, w.workerOf(before, 0).Name)
		w.kubelet.crash(ctx, victim)
		w.kubelet.restart(ctx, victim)
		Eventually(func(g Gomega) {
			mailbox := &v1alpha1.ConvoyWorker{}
			g.Expect(env.Client.Get(ctx, w.key(victim.Name), mailbox)).To(Succeed())
			g.Expect(mailbox.Status.Incarnation).To(HaveValue(BeEquivalentTo(2)))
		}).Should(Succeed())
		w.settled(ctx, 2)
		Expect(w.history.grants(before.Revision)).To(HaveEach(BeZero()))
	})

	It("whose worker is down for longer than slotGraceSeconds loses its lanes, and gets them back once", func(ctx context.Context) {
		w := newWorld(ctx, nil)
		w.create(ctx, w.newPool(3, 9))
		before := w.history.last()
		victim := w.podNamed(ctx, w.workerOf(before, 0).Name)
		w.kubelet.crash(ctx, victim)
		By("deleting it, because it cannot be kept running with lanes")
		Eventually(func() []string { return w.podNames(ctx) }).Should(And(HaveLen(3), Not(ContainElement(victim.Name))))
		w.settled(ctx, 3)
		Expect(total(w.history.grants(before.Revision)...)).To(BeNumerically("<=", 6), "3 lanes away and 3 back")
	})
})

// joined and left tell, of two workers between which a lane moved, what is allowed: that the one it came to had none
// before, or that the one it left has none now.
func joined(_, to string, before, _ map[string]bool) bool { return !before[to] }
func left(from, _ string, _, after map[string]bool) bool  { return !after[from] }

// onlyMovesBetween asserts that no lane moved between two workers that stay.
func (w *world) onlyMovesBetween(before *v1alpha1.LaneTable, allowed func(from, to string, before, after map[string]bool) bool) {
	GinkgoHelper()
	after := w.history.last()
	had, have := map[string]bool{}, map[string]bool{}
	for i := range before.Lanes {
		had[w.workerOf(before, i).Name] = true
		have[w.workerOf(after, i).Name] = true
	}
	for i := range before.Lanes {
		from, to := w.workerOf(before, i).Name, w.workerOf(after, i).Name
		Expect(from == to || allowed(from, to, had, have)).To(BeTrue(), "lane %d moved from %s to %s", i, from, to)
	}
}

// workerOf is the pod that owns a lane by a table.
func (w *world) workerOf(t *v1alpha1.LaneTable, lane int) v1alpha1.PodRef {
	GinkgoHelper()
	l := t.Lanes[lane]
	if l.Worker != nil {
		return t.Workers[*l.Worker]
	}
	Expect(l.Slot).NotTo(BeNil())
	for _, s := range t.Slots {
		if s.Index == *l.Slot {
			Expect(s.Worker).NotTo(BeNil())
			return t.Workers[*s.Worker]
		}
	}
	Fail("the lane's slot is not in the table")
	return v1alpha1.PodRef{}
}

// evenly waits until every worker runs so many lanes.
func (w *world) evenly(ctx context.Context, lanes int) {
	GinkgoHelper()
	Eventually(func(g Gomega) {
		g.Expect(slices.Collect(maps.Values(w.running(ctx, g)))).To(HaveEach(lanes))
	}).Should(Succeed())
}

// total sums up numbers.
func total[N int | int64](all ...N) (sum N) {
	for _, n := range all {
		sum += n
	}
	return sum
}

var _ = Describe("The backlog of a pool", func() {
	It("is what the worker of the lowest slot counts, and no other", func(ctx context.Context) {
		w := newWorld(ctx, nil)
		w.kubelet.change(func() { w.kubelet.backlog = []int64{3, 0, 4, 0} })
		w.create(ctx, w.newPool(3, 4))
		Eventually(func(g Gomega) {
			g.Expect(w.pool(ctx).Status.Backlog).To(HaveValue(HaveField("Messages", HaveValue(BeEquivalentTo(7)))))
		}).Should(Succeed())
		var workers v1alpha1.ConvoyWorkerList
		Expect(env.Client.List(ctx, &workers, client.InNamespace(w.namespace))).To(Succeed())
		for _, worker := range workers.Items {
			Expect(ptr.Deref(worker.Spec.Sample, false)).To(Equal(*worker.Spec.Slot == 0), worker.Name)
			Expect(worker.Status.Backlog != nil).To(Equal(*worker.Spec.Slot == 0), worker.Name)
		}
		text, err := env.Kubectl(ctx, "", "get", "convoypool", poolName, "-n", w.namespace)
		Expect(err).NotTo(HaveOccurred())
		Expect(text).To(MatchRegexp(`BACKLOG[^\n]*\n(\S+\s+){6}7\s`))
	})
})
