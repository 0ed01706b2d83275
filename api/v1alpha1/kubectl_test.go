// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package v1alpha1_test

import (
	"strings"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
)

var _ = Describe("kubectl", func() {
	It("shows at a glance whether a pool is well", func(ctx SpecContext) {
		namespace := newNamespace(ctx)
		pool := object("ConvoyPool", namespace, "")
		Expect(env.Client.Create(ctx, pool)).To(Succeed())
		pool.Object["status"] = parse(`
conditions: [{type: Ready, status: "True", reason: InForce, message: all is well, lastTransitionTime: "2026-01-01T00:00:00Z"}]
workers: {serving: 4}
lanes: {count: 64, owned: 62, moving: 2}
backlog: {messages: 1200}
parked: {keys: 3}`)
		Expect(env.Client.Status().Update(ctx, pool)).To(Succeed())
		out, err := env.Kubectl(ctx, "", "get", "cvp", "--namespace", namespace)
		Expect(err).NotTo(HaveOccurred())
		lines := strings.Split(strings.TrimSpace(out), "\n")
		Expect(lines).To(HaveLen(2))
		Expect(strings.Fields(lines[0])).To(Equal(strings.Fields("NAME READY WORKERS LANES OWNED MOVING BACKLOG PARKED AGE")))
		Expect(strings.Fields(lines[1])[:8]).To(Equal(strings.Fields("subject True 4 64 62 2 1200 3")))
	})

	It("lists everything of Convoy's by its category", func(ctx SpecContext) {
		namespace := newNamespace(ctx)
		for kind := range smallest {
			Expect(env.Client.Create(ctx, object(kind, namespace, ""))).To(Succeed())
		}
		out, err := env.Kubectl(ctx, "", "get", "convoy", "--namespace", namespace, "--output", "name")
		Expect(err).NotTo(HaveOccurred())
		Expect(strings.Fields(out)).To(ConsistOf("convoyaction.convoy.dev/subject", "convoypool.convoy.dev/subject",
			"convoyworker.convoy.dev/subject", "lanetable.convoy.dev/subject"))
	})

	It("explains fields, down into the template", func(ctx SpecContext) {
		out, err := env.Kubectl(ctx, "", "explain", "convoypool.spec.handoff.fenceSeconds")
		Expect(err).NotTo(HaveOccurred())
		Expect(strings.Join(strings.Fields(out), " ")).To(And(
			ContainSubstring("FIELD: fenceSeconds <integer>"),
			ContainSubstring("without the broker's word that it still owns its lanes"),
		))
		out, err = env.Kubectl(ctx, "", "explain", "convoypool.spec.template.spec.containers.imagePullPolicy")
		Expect(err).NotTo(HaveOccurred())
		Expect(out).To(ContainSubstring("imagePullPolicy <string>"))
	})

	It("applies the CRDs from the client's side, with room for the annotation", func(ctx SpecContext) {
		out, err := env.Kubectl(ctx, "", "apply", "-k", inRepo("config/crd"))
		Expect(err).NotTo(HaveOccurred())
		Expect(strings.Count(out, " configured")).To(Equal(len(crds())))
		out, err = env.Kubectl(ctx, "", "get", "crd", "convoypools.convoy.dev", "--output", "yaml")
		Expect(err).NotTo(HaveOccurred())
		Expect(out).To(ContainSubstring("kubectl.kubernetes.io/last-applied-configuration"))
		_, err = env.Kubectl(ctx, "", "apply", "-k", inRepo("config/crd"))
		Expect(err).NotTo(HaveOccurred())
	})
})
