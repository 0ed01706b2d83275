// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package v1alpha1_test

import (
	"encoding/json"
	"fmt"
	"strings"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	"github.com/onsi/gomega/gmeasure"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

const (
	// etcdRequest is what etcd takes in one request by default, in bytes.
	etcdRequest = 1_572_864
	// headroom is left for metadata: labels, annotations, owners, managed fields.
	headroom = 24_576
)

// largestOf returns the longest value of a schema: every field there, each list full, each number and text at its largest.
func largestOf(schema apiextensionsv1.JSONSchemaProps, at int) any {
	switch {
	case len(schema.Enum) > 0:
		longest := ""
		for _, value := range schema.Enum {
			if text := strings.Trim(string(value.Raw), `"`); len(text) > len(longest) {
				longest = text
			}
		}
		return longest
	case schema.Format == "date-time":
		return "2026-01-01T00:00:00.000000Z"
	case schema.Type == "string":
		// Items of lists must differ, and texts that have a pattern take digits.
		return fmt.Sprintf("x%0*d", *schema.MaxLength-1, at)
	case schema.Type == "integer":
		if schema.Maximum == nil { // of a condition: a generation
			return int64(1)
		}
		return int64(*schema.Maximum)
	case schema.Type == "boolean":
		return false // longer than true
	case schema.Type == "array":
		list := make([]any, *schema.MaxItems)
		for i := range list {
			list[i] = largestOf(*schema.Items.Schema, i)
		}
		return list
	}
	object := map[string]any{}
	for name, property := range schema.Properties {
		object[name] = largestOf(property, at)
	}
	return object
}

// largestObject is the largest object of a kind that its schema accepts; what rules demand beside it is the caller's.
func largestObject(kind, namespace string) *unstructured.Unstructured {
	GinkgoHelper()
	is := object(kind, namespace, "")
	for _, crd := range crds() {
		if crd.Spec.Names.Kind != kind {
			continue
		}
		for name, property := range crd.Spec.Versions[0].Schema.OpenAPIV3Schema.Properties {
			if name != "apiVersion" && name != "kind" && name != "metadata" {
				is.Object[name] = largestOf(property, 0)
			}
		}
	}
	return is
}

// number gives the items of a list the numbers of their places.
func number(is *unstructured.Unstructured, field string, path ...string) {
	GinkgoHelper()
	for i, item := range at(is.Object, path...).([]any) {
		item.(map[string]any)[field] = int64(i)
	}
}

func sizeOf(is *unstructured.Unstructured) int {
	GinkgoHelper()
	body, err := json.Marshal(is)
	Expect(err).NotTo(HaveOccurred())
	AddReportEntry(is.GetKind()+" at its largest, in bytes", len(body))
	return len(body)
}

var _ = Describe("an object at its largest", func() {
	It("fits etcd: LaneTable", func(ctx SpecContext) {
		table := largestObject("LaneTable", newNamespace(ctx))
		number(table, "index", "slots")
		Expect(env.Client.Create(ctx, table)).To(Succeed())
		Expect(at(table.Object, "lanes")).To(HaveLen(mostLanes))
		Expect(sizeOf(table)).To(BeNumerically("<", etcdRequest-headroom))
	})

	It("fits etcd: ConvoyWorker, and is written in reasonable time", func(ctx SpecContext) {
		worker := largestObject("ConvoyWorker", newNamespace(ctx))
		for _, side := range []string{"spec", "status"} {
			number(worker, "lane", side, "lanes")
			number(worker, "shard", side, "shards")
		}
		for _, condition := range at(worker.Object, "status", "conditions").([]any) {
			c := condition.(map[string]any)
			c["message"] = c["message"].(string)[:1024]
		}
		status := worker.Object["status"]
		Expect(env.Client.Create(ctx, worker)).To(Succeed())
		worker.Object["status"] = status
		times := gmeasure.NewExperiment("a ConvoyWorker of 10,000 lanes")
		for i := range 3 {
			worker.Object["status"].(map[string]any)["incarnation"] = int64(60_000 + i)
			times.MeasureDuration("status written", func() { Expect(env.Client.Status().Update(ctx, worker)).To(Succeed()) })
		}
		AddReportEntry("a status of 10,000 lanes written, median", times.GetStats("status written").DurationFor(gmeasure.StatMedian))
		Expect(at(worker.Object, "status", "lanes")).To(HaveLen(mostLanes))
		Expect(sizeOf(worker)).To(BeNumerically("<", etcdRequest-headroom))
	})

	It("fits etcd: ConvoyAction", func(ctx SpecContext) {
		action := largestObject("ConvoyAction", newNamespace(ctx))
		action.Object["spec"] = merged(at(action.Object, "spec").(map[string]any), parse("pool: orders"))
		selector := at(action.Object, "spec", "selector").(map[string]any)
		for _, other := range []string{"all", "reason", "parkedBefore"} {
			delete(selector, other)
		}
		status := action.Object["status"]
		Expect(env.Client.Create(ctx, action)).To(Succeed())
		action.Object["status"] = status
		Expect(env.Client.Status().Update(ctx, action)).To(Succeed())
		Expect(sizeOf(action)).To(BeNumerically("<", etcdRequest-headroom))
	})
})
