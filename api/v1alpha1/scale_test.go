// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package v1alpha1_test

import (
	"context"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	autoscalingv1 "k8s.io/api/autoscaling/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"convoy.dev/convoy/api/v1alpha1"
)

var _ = Describe("the scale subresource", func() {
	scale := func(ctx context.Context, namespace string) error {
		_, err := env.Kubectl(ctx, "", "scale", "convoypool/subject", "--namespace", namespace, "--replicas", "3")
		return err
	}

	It("is refused in Backlog mode, in words that say why and what to do", func(ctx SpecContext) {
		namespace := newNamespace(ctx)
		Expect(env.Client.Create(ctx, object("ConvoyPool", namespace, ""))).To(Succeed())
		Expect(scale(ctx, namespace)).To(MatchError(And(
			ContainSubstring("the operator sets the number of workers from the backlog"),
			ContainSubstring("set scaling.mode to External"),
		)))
	})

	It("is obeyed in External mode", func(ctx SpecContext) {
		namespace := newNamespace(ctx)
		pool := object("ConvoyPool", namespace, "spec: {scaling: {mode: External, workers: 1}}")
		Expect(env.Client.Create(ctx, pool)).To(Succeed())
		Expect(scale(ctx, namespace)).To(Succeed())
		Expect(env.Client.Get(ctx, client.ObjectKeyFromObject(pool), pool)).To(Succeed())
		Expect(at(pool.Object, "spec", "scaling", "workers")).To(Equal(int64(3)))
	})

	It("sets a number of workers that was not there", func(ctx SpecContext) {
		namespace := newNamespace(ctx)
		pool := object("ConvoyPool", namespace, "spec: {scaling: {mode: External}}")
		Expect(env.Client.Create(ctx, pool)).To(Succeed())
		Expect(scale(ctx, namespace)).To(Succeed())
		Expect(env.Client.Get(ctx, client.ObjectKeyFromObject(pool), pool)).To(Succeed())
		Expect(at(pool.Object, "spec", "scaling", "workers")).To(Equal(int64(3)))
	})

	It("shows the worker pods and how to select them", func(ctx SpecContext) {
		pool := object("ConvoyPool", newNamespace(ctx), "spec: {scaling: {mode: External, workers: 2}}")
		Expect(env.Client.Create(ctx, pool)).To(Succeed())
		pool.Object["status"] = parse("{replicas: 4, selector: convoy.dev/pool=subject}")
		Expect(env.Client.Status().Update(ctx, pool)).To(Succeed())
		var shown autoscalingv1.Scale
		typed := &v1alpha1.ConvoyPool{ObjectMeta: metav1.ObjectMeta{Name: pool.GetName(), Namespace: pool.GetNamespace()}}
		Expect(env.Client.SubResource("scale").Get(ctx, typed, &shown)).To(Succeed())
		Expect(shown.Spec.Replicas).To(Equal(int32(2)))
		Expect(shown.Status.Replicas).To(Equal(int32(4)))
		Expect(shown.Status.Selector).To(Equal("convoy.dev/pool=subject"))
	})
})
