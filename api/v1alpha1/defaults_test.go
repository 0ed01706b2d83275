// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package v1alpha1_test

import (
	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"convoy.dev/convoy/api/v1alpha1"
)

// defaulted returns the smallest object of a kind, with a patch on it, as the API server fills it in.
func defaulted(ctx SpecContext, kind, patch string) map[string]any {
	GinkgoHelper()
	is := object(kind, newNamespace(ctx), patch)
	Expect(env.Client.Create(ctx, is)).To(Succeed())
	Expect(env.Client.Get(ctx, client.ObjectKeyFromObject(is), is)).To(Succeed())
	return is.Object
}

var _ = Describe("defaults", func() {
	It("fill in the smallest pool", func(ctx SpecContext) {
		spec := defaulted(ctx, "ConvoyPool", "")["spec"].(map[string]any)
		delete(spec, "template")
		Expect(spec).To(Equal(parse(`
suspend: false
deletionPolicy: Retain
source: {nats: {servers: ["nats://nats:4222"], stream: ORDERS, startFrom: {type: All}}}
key: {expression: body.order_id, onMissing: DeadLetter}
lanes: {type: Routed}
delivery:
  type: HTTP
  maxInFlightKeys: 32
  timeoutSeconds: 30
  retry: {maxAttempts: 5, initialBackoffMilliseconds: 200, maxBackoffMilliseconds: 30000}
  onFailure: {type: Park}
  batch: {maxMessages: 1}
scaling: {mode: Backlog, minWorkers: 1, maxWorkers: 10}
handoff: {drainTimeoutSeconds: 60, unreachableAfterSeconds: 60, fenceSeconds: 10, slotGraceSeconds: 3, allowPreStop: false}
rollout: {maxSurge: 1, maxUnavailable: 0, minReadySeconds: 0}
worker: {logLevel: Info}`)))
	})

	It("fill in members of unions that are set", func(ctx SpecContext) {
		spec := defaulted(ctx, "ConvoyPool", `spec:
  source: {nats: {auth: {userPassword: {secretName: login}}}}
  lanes: {routed: {store: {}}}
  delivery: {http: {}, onFailure: {park: {}}}
  scaling: {behavior: {scaleUp: {}}}`)["spec"].(map[string]any)
		Expect(at(spec, "source", "nats", "auth")).To(Equal(parse("userPassword: {secretName: login, usernameKey: username, passwordKey: password}")))
		Expect(spec["lanes"]).To(Equal(parse("{type: Routed, routed: {count: 64, maxBacklogPerLane: 10000, store: {management: Managed}}}")))
		Expect(at(spec, "delivery", "http")).To(Equal(parse("{port: 8080, path: /}")))
		Expect(at(spec, "delivery", "onFailure")).To(Equal(parse("{type: Park, park: {maxKeys: 1024, maxMessagesPerKey: 1024}}")))
		Expect(at(spec, "scaling", "behavior")).To(Equal(parse("scaleUp: {selectPolicy: Max}")))
	})

	It("are those that the code states for members of unions left out", func(ctx SpecContext) {
		spec := defaulted(ctx, "ConvoyPool", "spec: {lanes: {routed: {}}, delivery: {http: {}, onFailure: {park: {}}}}")["spec"].(map[string]any)
		Expect(at(spec, "lanes", "routed")).To(Equal(map[string]any{
			"count":             int64(v1alpha1.DefaultLaneCount),
			"maxBacklogPerLane": v1alpha1.DefaultMaxBacklogPerLane,
			"store":             map[string]any{"management": string(v1alpha1.DefaultStoreManagement)},
		}))
		Expect(at(spec, "delivery", "http")).To(Equal(map[string]any{
			"port": int64(v1alpha1.DefaultHTTPPort), "path": v1alpha1.DefaultHTTPPath,
		}))
		Expect(at(spec, "delivery", "onFailure", "park")).To(Equal(map[string]any{
			"maxKeys": int64(v1alpha1.DefaultParkMaxKeys), "maxMessagesPerKey": int64(v1alpha1.DefaultParkMaxMessagesPerKey),
		}))
	})

	It("leave a union free to be switched by what a user applies", func(ctx SpecContext) {
		namespace := newNamespace(ctx)
		apply := func(patch string) error {
			return env.Client.Apply(ctx, client.ApplyConfigurationFromUnstructured(object("ConvoyPool", namespace, patch)),
				client.FieldOwner("user"))
		}
		Expect(apply("spec: {delivery: {type: HTTP}, scaling: {mode: Backlog}}")).To(Succeed())
		Expect(apply("spec: {delivery: {type: Embedded}, scaling: {mode: External, workers: 2}}")).To(Succeed())
		Expect(apply("spec: {scaling: {target: {backlogPerWorker: 5}}, delivery: {onFailure: {type: Block}}}")).To(Succeed())
	})

	It("fill in the smallest action, table and worker", func(ctx SpecContext) {
		Expect(defaulted(ctx, "ConvoyAction", "")["spec"]).To(HaveKeyWithValue("ratePerSecond", int64(10)))
		table := defaulted(ctx, "LaneTable", "lanes: [{epoch: 1}]")
		Expect(table["lanes"]).To(Equal([]any{map[string]any{"epoch": int64(1)}}))
		Expect(defaulted(ctx, "ConvoyWorker", "")["spec"]).To(BeEmpty())
	})
})

// at returns what an object has at a path.
func at(object map[string]any, path ...string) any {
	GinkgoHelper()
	value, found, err := unstructured.NestedFieldNoCopy(object, path...)
	Expect(err).NotTo(HaveOccurred())
	Expect(found).To(BeTrue())
	return value
}
