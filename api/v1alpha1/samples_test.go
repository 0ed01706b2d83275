// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package v1alpha1_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"reflect"
	"regexp"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// typed decodes an object into its Go type, which must know all of it, and encodes it again.
func typed(object *unstructured.Unstructured) map[string]any {
	GinkgoHelper()
	into, err := env.Scheme.New(schema.FromAPIVersionAndKind(object.GetAPIVersion(), object.GetKind()))
	Expect(err).NotTo(HaveOccurred())
	const strict = true
	Expect(runtime.DefaultUnstructuredConverter.FromUnstructuredWithValidation(object.Object, into, strict)).To(Succeed())
	body, err := json.Marshal(into)
	Expect(err).NotTo(HaveOccurred())
	back := map[string]any{}
	Expect(unmarshal(body, &back)).To(Succeed())
	return back
}

// trimmed is a value without empty objects, which the Go types of Kubernetes write where there is nothing.
func trimmed(value any) any {
	switch value := value.(type) {
	case map[string]any:
		kept := map[string]any{}
		for name, below := range value {
			if below = trimmed(below); !reflect.DeepEqual(below, map[string]any{}) {
				kept[name] = below
			}
		}
		return kept
	case []any:
		kept := make([]any, len(value))
		for i := range value {
			kept[i] = trimmed(value[i])
		}
		return kept
	}
	return value
}

var _ = Describe("the samples", func() {
	It("are accepted and come back as they were written, also through the Go types", func(ctx SpecContext) {
		names, err := filepath.Glob(inRepo("config/samples/*_*.yaml"))
		Expect(err).NotTo(HaveOccurred())
		Expect(names).To(HaveLen(4))
		namespace := newNamespace(ctx)
		for _, name := range names {
			rel, err := filepath.Rel(root, name)
			Expect(err).NotTo(HaveOccurred())
			sample := &unstructured.Unstructured{Object: read(rel)}
			sample.SetNamespace(namespace)
			written := sample.DeepCopy()
			Expect(env.Client.Create(ctx, sample)).To(Succeed(), rel)
			Expect(env.Client.Get(ctx, client.ObjectKeyFromObject(sample), sample)).To(Succeed())

			Expect(merged(sample.Object["spec"].(map[string]any), written.Object["spec"].(map[string]any))).
				To(Equal(sample.Object["spec"]), "%s: the API server changed what was written", rel)
			Expect(trimmed(typed(sample)["spec"])).To(Equal(trimmed(sample.Object["spec"])),
				"%s: the Go types changed what was stored", rel)
		}
	})

	It("show every field of a pool in the complete one", func() {
		text, err := os.ReadFile(inRepo("config/samples/nats_complete.yaml"))
		Expect(err).NotTo(HaveOccurred())
		for _, f := range fieldsOf("ConvoyPool") {
			if len(f.path) < 2 || f.path[0] != "spec" || f.name() == "[]" {
				continue
			}
			if len(f.path) > 2 && f.path[2] == "native" { // nats_native.yaml
				continue
			}
			Expect(text).To(MatchRegexp(`\b%s:`, regexp.QuoteMeta(f.name())), f.String())
		}
	})
})
