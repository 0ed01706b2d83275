// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

//go:build e2e

package story

import (
	"slices"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"convoy.dev/convoy/api/v1alpha1"
)

// rejected are orders that are neither the most popular ones nor so rare that nothing comes of them.
var rejected = []string{"order-0040", "order-0060", "order-0080"}

var _ = Describe("A pool over JetStream", Ordered, func() {
	pool(routed)

	It("is worked on by one worker", func(ctx SpecContext) {
		phase(ctx, "start")
		settled(ctx, 1)
		Eventually(func(g Gomega) {
			got, err := report(ctx, "GET", "report")
			g.Expect(err).NotTo(HaveOccurred())
			g.Expect(got.Completed).To(BeNumerically(">", rate))
			g.Expect(got.Backlog()).To(BeNumerically("<", rate))
		}).WithContext(ctx).Should(Succeed())
	})

	It("parks the orders that its handler rejects, and goes on with the others", func(ctx SpecContext) {
		phase(ctx, "reject three orders")
		reject(ctx, rejected...)
		areParked(ctx, rejected...)
		poolParks(ctx, BeNumerically(">", 0))
		before, err := report(ctx, "GET", "report")
		Expect(err).NotTo(HaveOccurred())
		Eventually(func(g Gomega) {
			got, err := report(ctx, "GET", "report")
			g.Expect(err).NotTo(HaveOccurred())
			g.Expect(got.Completed).To(BeNumerically(">", before.Completed+rate))
			g.Expect(got.Backlog() - got.Parked).To(BeNumerically("<", rate))
		}).WithContext(ctx).Should(Succeed())
	})

	It("scales to four workers", func(ctx SpecContext) {
		phase(ctx, "scale from 1 worker to 4")
		scale(ctx, 4)
		settled(ctx, 4)
	})

	It("rolls out", func(ctx SpecContext) {
		const rollout = "roll out"
		phase(ctx, rollout)
		before, err := workers(ctx)
		Expect(err).NotTo(HaveOccurred())
		change(ctx, `{"template":{"metadata":{"annotations":{"example.org/version":"2"}}}}`)
		Eventually(func(g Gomega) {
			found, err := workers(ctx)
			g.Expect(err).NotTo(HaveOccurred())
			for _, pod := range found {
				g.Expect(slices.ContainsFunc(before, func(old corev1.Pod) bool { return old.UID == pod.UID })).To(BeFalse(), pod.Name)
			}
		}).WithContext(ctx).Should(Succeed())
		settled(ctx, 4)
		got, err := report(ctx, "GET", "report")
		Expect(err).NotTo(HaveOccurred())
		Expect(paused(got, rollout)).To(ConsistOf(every()), "a rollout moves each lane once")
		Expect(got.Rejections).To(Equal(len(rejected)), "what is parked is not tried again, wherever its lane moves")
	})

	It("survives kill -9 of a worker's process", func(ctx SpecContext) {
		const kill = "kill -9 a worker"
		phase(ctx, kill)
		victim := anyOwner(ctx)
		var its []int32
		for number, owner := range owners(ctx, Default) {
			if owner == victim.Name {
				its = append(its, int32(number))
			}
		}
		killWorker(ctx, victim)
		Eventually(func(g Gomega) {
			g.Expect(cluster.Get(ctx, client.ObjectKeyFromObject(&victim), &victim)).To(Succeed())
			for _, c := range victim.Status.ContainerStatuses {
				g.Expect(c.RestartCount).To(BeNumerically(">", 0), c.Name)
				g.Expect(c.Ready).To(BeTrue(), c.Name)
			}
			got, err := report(ctx, "GET", "report")
			g.Expect(err).NotTo(HaveOccurred())
			g.Expect(paused(got, kill)).To(ContainElements(its))
		}).WithContext(ctx).Should(Succeed())
		settled(ctx, 4)
	})

	It("survives that a pod is deleted by force", func(ctx SpecContext) {
		phase(ctx, "delete a pod by force")
		victim := anyOwner(ctx)
		Expect(cluster.Delete(ctx, &victim, client.GracePeriodSeconds(0))).To(Succeed())
		left(ctx, victim)
		settled(ctx, 4)
	})

	It("keeps what is parked when it is released and rejected again", func(ctx SpecContext) {
		phase(ctx, "release an order that is still rejected")
		areParked(ctx, rejected...) // Whoever owns their lanes by now.
		Expect(act(ctx, v1alpha1.ActionRelease, rejected[:1])).To(comesTo(1, 0, 1))
		areParked(ctx, rejected...)
	})

	It("runs what was parked, in order, when the handler is mended and it is released", func(ctx SpecContext) {
		phase(ctx, "release two orders")
		reject(ctx)
		Expect(act(ctx, v1alpha1.ActionRelease, rejected[1:])).To(comesTo(2, 2, 0))
		areParked(ctx, rejected[0])
	})

	It("leaves out what was parked when it is discarded", func(ctx SpecContext) {
		phase(ctx, "discard an order")
		_, err := conduct(ctx, "POST", "discard", map[string]string{"keys": rejected[0]})
		Expect(err).NotTo(HaveOccurred())
		progress := act(ctx, v1alpha1.ActionDiscard, rejected[:1])
		Expect(progress).To(comesTo(1, 1, 0))
		Eventually(func(g Gomega) {
			got, err := report(ctx, "GET", "report")
			g.Expect(err).NotTo(HaveOccurred())
			g.Expect(got.Discarded).To(BeNumerically(">", 0))
			g.Expect(progress).To(HaveField("Messages", HaveValue(BeEquivalentTo(got.Discarded))))
		}).WithContext(ctx).Should(Succeed())
		poolParks(ctx, BeZero())
	})

	It("hands lanes over beside a handler that ignores SIGTERM", func(ctx SpecContext) {
		phase(ctx, "roll out handlers that ignore SIGTERM")
		change(ctx, `{"template":{"spec":{"containers":[%s]}}}`, stubbornHandler(ctx))
		Eventually(func(g Gomega) {
			found, err := workers(ctx)
			g.Expect(err).NotTo(HaveOccurred())
			for _, pod := range found {
				g.Expect(pod.Spec.Containers[0].Env).To(ContainElement(HaveField("Name", "HANDLER_IGNORE_TERM")), pod.Name)
			}
		}).WithContext(ctx).Should(Succeed())
		settled(ctx, 4)
		phase(ctx, "delete a pod whose handler ignores SIGTERM")
		victim := anyOwner(ctx)
		Expect(cluster.Delete(ctx, &victim)).To(Succeed())
		left(ctx, victim)
		settled(ctx, 4)
	})

	It("scales to one worker", func(ctx SpecContext) {
		phase(ctx, "scale from 4 workers to 1")
		scale(ctx, 1)
		settled(ctx, 1)
	})

	It("has lost nothing, and broken no order", concludes)
})

// every are the numbers of all lanes.
func every() []int32 {
	var all []int32
	for number := range int32(lanes) {
		all = append(all, number)
	}
	return all
}

// left waits until no lane is owned by a pod that was deleted. It must not take as long as the pod's processes.
func left(ctx SpecContext, victim corev1.Pod) {
	GinkgoHelper()
	Eventually(func(g Gomega) {
		all := owners(ctx, g)
		g.Expect(all).NotTo(ContainElement(victim.Name))
		g.Expect(all).NotTo(ContainElement(""))
	}).WithContext(ctx).Should(Succeed())
}
