// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package v1alpha1_test

import (
	"encoding/json"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	"k8s.io/apimachinery/pkg/runtime"

	"convoy.dev/convoy/api/v1alpha1"
)

// settings returns what the controller takes from a pool, as the API server filled it in.
func settings(ctx SpecContext, patch string) v1alpha1.WorkerSettings {
	GinkgoHelper()
	var pool v1alpha1.ConvoyPool
	filledIn := defaulted(ctx, "ConvoyPool", patch)
	Expect(runtime.DefaultUnstructuredConverter.FromUnstructured(filledIn, &pool)).To(Succeed())
	return v1alpha1.WorkerSettings{
		Source: pool.Spec.Source, Key: pool.Spec.Key, Lanes: *pool.Spec.Lanes, Delivery: *pool.Spec.Delivery,
		Handoff: v1alpha1.HandoffSettings{
			DrainTimeoutSeconds: pool.Spec.Handoff.DrainTimeoutSeconds, FenceSeconds: pool.Spec.Handoff.FenceSeconds,
		},
		LogLevel: pool.Spec.Worker.LogLevel,
	}
}

// written returns settings made from YAML, with nothing filled in.
func written(text string) v1alpha1.WorkerSettings {
	GinkgoHelper()
	var s v1alpha1.WorkerSettings
	Expect(runtime.DefaultUnstructuredConverter.FromUnstructuredWithValidation(parse(text), &s, true)).To(Succeed())
	return s
}

var _ = Describe("a worker's settings", func() {
	const login = "source: {nats: {servers: [\"nats://nats:4222\"], stream: ORDERS, auth: {userPassword: {secretName: login}}}}\n" +
		"key: {expression: body.order_id}\n"

	It("have the defaults that the API server fills in", func(ctx SpecContext) {
		members := "lanes: {routed: {store: {}}}, delivery: {http: {}, onFailure: {park: {}}}"
		want := settings(ctx, "spec: {source: {nats: {auth: {userPassword: {secretName: login}}}}, "+members+"}")
		got := written(login)
		got.SetDefaults()
		Expect(got).To(Equal(want))
		want.SetDefaults()
		Expect(got).To(Equal(want), "settings that are complete stay as they are")
	})

	It("keep to the members that the pool has", func(ctx SpecContext) {
		other := "lanes: {" + native + "}, delivery: {type: Embedded, onFailure: {type: Block}}"
		want := settings(ctx, "spec: {source: {nats: {auth: {userPassword: {secretName: login}}}}, "+other+"}")
		got := written(login + "lanes: {" + native + "}\ndelivery: {type: Embedded, onFailure: {type: Block}}")
		got.SetDefaults()
		Expect(got).To(Equal(want))
	})

	It("survive the environment variable", func(ctx SpecContext) {
		want := settings(ctx, `spec: {source: {nats: {startFrom: {type: Time, time: "2026-01-01T00:00:00Z"}}}}`)
		want.Secrets = []v1alpha1.SecretMount{{Name: "login", Directory: "/s/login"}}
		text, err := json.Marshal(want)
		Expect(err).NotTo(HaveOccurred())
		var got v1alpha1.WorkerSettings
		Expect(json.Unmarshal(text, &got)).To(Succeed())
		Expect(json.Marshal(got)).To(MatchJSON(text))
	})

	It("name each Secret of the source once, and where it is mounted", func() {
		s := written(`
source:
  nats:
    auth: {creds: {secretName: orders, key: a.creds}}
    tls: {ca: {secretName: ca, key: ca.crt}, clientCertSecretName: orders}`)
		Expect(s.Source.SecretNames()).To(Equal([]string{"ca", "orders"}))
		s.Secrets = []v1alpha1.SecretMount{{Name: "ca", Directory: "/s/ca"}, {Name: "orders", Directory: "/s/orders"}}
		Expect(s.File("orders", "a.creds")).To(Equal("/s/orders/a.creds"))
		_, err := s.File("other", "a")
		Expect(err).To(MatchError(`finding key "a" of the Secret "other": CONVOY_SETTINGS does not say where the Secret is mounted`))
	})

	It("name Secrets of every kind of auth", func() {
		for text, want := range map[string]string{
			"{token: {secretName: s1, key: k}}": "s1", "{nkey: {secretName: s2, key: k}}": "s2",
			"{creds: {secretName: s3, key: k}}": "s3", "{userPassword: {secretName: s4}}": "s4",
		} {
			s := written("source: {nats: {auth: " + text + "}}")
			Expect(s.Source.SecretNames()).To(Equal([]string{want}), text)
		}
		Expect((&v1alpha1.Source{}).SecretNames()).To(BeEmpty())
	})
})
