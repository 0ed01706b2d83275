// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package v1alpha1_test

import (
	"context"
	"slices"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// rule is one validation rule with an object that it accepts and one that it refuses. Objects are written as patches on
// the smallest object of the kind.
type rule struct {
	kind string
	// message is the rule's whole message, by which it is found in the CRD.
	message string
	// stored is what is there before, for rules over a change; then accepted and refused are patches on it.
	stored *stored
	// accepted lists objects that nothing refuses, refused objects that this rule refuses.
	accepted, refused []string
}

// stored is an object in the API server: its patch, and its status.
type stored struct{ object, status string }

// allRules are the rules of every CRD; a spec holds the list complete.
func allRules() []rule {
	return slices.Concat(poolRules, templateRules, fixedRules, otherRules)
}

var _ = Describe("validation rules", func() {
	for _, r := range allRules() {
		Describe(r.kind+": "+r.message, func() {
			for _, patch := range r.accepted {
				It("accepts "+patch, func(ctx SpecContext) { Expect(r.try(ctx, patch)).To(Succeed()) })
			}
			for _, patch := range r.refused {
				It("refuses "+patch, func(ctx SpecContext) {
					Expect(r.try(ctx, patch)).To(MatchError(ContainSubstring(r.message)))
				})
			}
		})
	}

	It("are each tried, with an object accepted and one refused", func() {
		stated := map[string]bool{}
		for _, crd := range crds() {
			for _, f := range fields(crd) {
				for _, validation := range f.schema.XValidations {
					stated[crd.Spec.Names.Kind+": "+validation.Message] = true
				}
			}
		}
		accepted, refused := map[string]bool{}, map[string]bool{}
		for _, r := range allRules() {
			what := r.kind + ": " + r.message
			accepted[what] = accepted[what] || len(r.accepted) > 0
			refused[what] = refused[what] || len(r.refused) > 0
		}
		Expect(accepted).To(Equal(stated))
		Expect(refused).To(Equal(stated))
	})
})

// try creates the object, or changes the stored one, and returns what the API server says. Nothing stays.
func (r rule) try(ctx context.Context, patch string) error {
	GinkgoHelper()
	namespace := newNamespace(ctx)
	if r.stored == nil {
		return env.Client.Create(ctx, object(r.kind, namespace, patch), client.DryRunAll)
	}
	is := object(r.kind, namespace, r.stored.object)
	Expect(env.Client.Create(ctx, is)).To(Succeed())
	if r.stored.status != "" {
		is.Object["status"] = parse(r.stored.status)
		Expect(env.Client.Status().Update(ctx, is)).To(Succeed())
	}
	wish := parse(patch)
	next := &unstructured.Unstructured{Object: merged(is.Object, wish)}
	if _, isStatus := wish["status"]; isStatus {
		return env.Client.Status().Update(ctx, next)
	}
	return env.Client.Update(ctx, next)
}
