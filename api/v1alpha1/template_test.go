// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package v1alpha1_test

import (
	"context"
	"fmt"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/yaml"
)

var _ = Describe("the template", func() {
	It("merges containers by name for two who apply parts of it", func(ctx SpecContext) {
		namespace := newNamespace(ctx)
		pool := object("ConvoyPool", namespace, "")
		Expect(apply(ctx, "author", namespace, `spec: {template: {spec: {containers: [
			{name: handler, image: "shop/orders:1", env: [{name: LEVEL, value: info}]}]}}}`)).To(Succeed())
		Expect(apply(ctx, "mesh", namespace, `spec: {template: {spec: {containers: [
			{name: proxy, image: "mesh/proxy:1"}, {name: handler, env: [{name: PROXY, value: localhost}]}]}}}`)).To(Succeed())
		Expect(env.Client.Get(ctx, client.ObjectKeyFromObject(pool), pool)).To(Succeed())
		Expect(at(pool.Object, "spec", "template", "spec", "containers")).To(ConsistOf(
			Equal(parse(`{name: handler, image: "shop/orders:1", env: [{name: LEVEL, value: info}, {name: PROXY, value: localhost}]}`)),
			Equal(parse(`{name: proxy, image: "mesh/proxy:1"}`)),
		))
	})

	for what, patch := range map[string]string{
		"in the template": `spec: {template: {spec: {containers: [{name: handler, imgae: "shop/orders:1"}]}}}`,
		"elsewhere":       "spec: {delivery: {timeoutSecond: 5}}",
		"in a pod's name": "spec: {template: {metadata: {generateName: a-}}}",
	} {
		for _, way := range [][]string{{"apply"}, {"apply", "--server-side"}, {"create"}} {
			It(fmt.Sprintf("is kept from typing errors %s: kubectl %v", what, way), func(ctx SpecContext) {
				text, err := yaml.Marshal(object("ConvoyPool", newNamespace(ctx), patch).Object)
				Expect(err).NotTo(HaveOccurred())
				_, err = env.Kubectl(ctx, string(text), append(way, "-f", "-")...)
				Expect(err).To(MatchError(And(
					Or(ContainSubstring("unknown field"), ContainSubstring("field not declared in schema")),
					Or(ContainSubstring("imgae"), ContainSubstring("timeoutSecond"), ContainSubstring("generateName")),
				)))
			})
		}
	}

	It("refuses what has the wrong type, by the field's name", func(ctx SpecContext) {
		err := env.Client.Create(ctx, object("ConvoyPool", newNamespace(ctx), `spec: {template: {spec: {
			containers: [{name: handler, ports: [{containerPort: http}]}]}}}`))
		Expect(err).To(MatchError(ContainSubstring("spec.template.spec.containers[0].ports[0].containerPort")))
	})
})

// apply applies the smallest pool, with a patch on it, as somebody.
func apply(ctx context.Context, who, namespace, patch string) error {
	GinkgoHelper()
	return env.Client.Apply(ctx, client.ApplyConfigurationFromUnstructured(object("ConvoyPool", namespace, patch)), client.FieldOwner(who))
}
