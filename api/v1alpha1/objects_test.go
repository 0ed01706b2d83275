// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package v1alpha1_test

import (
	"maps"
	"os"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/yaml"
)

// The smallest valid object of each kind.
var smallest = map[string]string{
	"ConvoyPool": `
spec:
  source: {nats: {servers: ["nats://nats:4222"], stream: ORDERS}}
  key: {expression: body.order_id}
  template: {spec: {containers: [{name: handler, image: "shop/orders:1"}]}}`,
	"LaneTable":    `revision: 1`,
	"ConvoyWorker": `spec: {}`,
	"ConvoyAction": `spec: {pool: orders, type: Release, selector: {all: true}}`,
}

// object returns the smallest object of a kind, named, with a patch on it.
func object(kind, namespace, patch string) *unstructured.Unstructured {
	GinkgoHelper()
	content := parse(smallest[kind])
	content["apiVersion"] = "convoy.dev/v1alpha1"
	content["kind"] = kind
	content["metadata"] = map[string]any{"name": "subject", "namespace": namespace}
	return &unstructured.Unstructured{Object: merged(content, parse(patch))}
}

// parse reads YAML. Numbers become int64 where they can, as unstructured objects want them.
func parse(text string) map[string]any {
	GinkgoHelper()
	json, err := yaml.YAMLToJSON([]byte("{}"))
	if text != "" {
		json, err = yaml.YAMLToJSON([]byte(text))
	}
	Expect(err).NotTo(HaveOccurred())
	object := map[string]any{}
	Expect(unmarshal(json, &object)).To(Succeed())
	return object
}

// read reads a file of the repository as one object.
func read(path string) map[string]any {
	GinkgoHelper()
	text, err := os.ReadFile(inRepo(path))
	Expect(err).NotTo(HaveOccurred())
	return parse(string(text))
}

// merged is base with a JSON merge patch on it: objects merge, null deletes, everything else replaces.
func merged(base, patch map[string]any) map[string]any {
	result := maps.Clone(base)
	for key, value := range patch {
		below, isObject := value.(map[string]any)
		under, wasObject := result[key].(map[string]any)
		switch {
		case value == nil:
			delete(result, key)
		case isObject && wasObject:
			result[key] = merged(under, below)
		default:
			result[key] = value
		}
	}
	return result
}
