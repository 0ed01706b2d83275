// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package command_test

import (
	"context"
	"fmt"
	"net/http"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// twoLanes has two lanes: order-1 and order-4 are of lane 0, order-2 is of lane 1.
const twoLanes = `
metadata: {name: orders}
spec:
  source: {nats: {servers: ["nats://nats:4222"], stream: ORDERS}}
  key: {expression: body.order_id}
  lanes: {routed: {count: 2}}
  template: {spec: {containers: [{name: handler, image: "shop/orders:1"}]}}
status: {parked: {keys: 3}}
`

// telling is a worker that has this of one key, and nothing of others.
func telling(key, answer string) http.HandlerFunc {
	return func(out http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/peek" && r.URL.Query().Get("key") == key {
			fmt.Fprintln(out, answer)
		} else {
			fmt.Fprintln(out, "[]")
		}
	}
}

var _ = Describe("peek", Serial, func() {
	var w *world
	BeforeEach(func(ctx context.Context) {
		w = newWorld(ctx, twoLanes)
		w.pod(ctx, "orders-a", `
spec: {revision: 1}
status: {parked: {keys: 1, messages: 9, longest: [{lane: 0, key: order-1, reason: Rejected, attempts: 1, since: "2026-01-02T00:00:00Z", messages: 9}]}}
`)
		w.table(ctx, "revision: 1\nslots: [{index: 0, worker: 0}]\nlanes: [{slot: 0, epoch: 3}, {epoch: 4, state: Unowned}]", "orders-a")
	})

	It("asks the worker that has the key's lane", func(ctx context.Context) {
		startKubelet(ctx, kubelet{"orders-a": telling("order-1", fmt.Sprintf(`[{"lane": 0, "epoch": 3, "state": "Waiting", "due": %q,
			"attempts": 2, "messages": 30, "running": 0, "parked": 0, "sequences": [7, 9, 12], "reason": "the handler answered 503"}]`,
			now().UTC().Add(90*time.Minute).Format(metav1.RFC3339Micro)))})
		for name, args := range map[string][]string{
			"peek": {"peek", poolName, "--key", "order-1"}, "peek_yaml": {"peek", poolName, "--key", "order-1", "-o", "yaml"},
			"peek_absent": {"peek", poolName, "--key", "order-4", "--no-headers"},
		} {
			out, errOut := w.run(ctx, "ed", "", args...)
			Expect(errOut).To(BeEmpty())
			w.golden(name, out)
		}
	})

	It("shows what the objects say where nobody can be asked", func(ctx context.Context) {
		startKubelet(ctx, nil)
		for user, words := range map[string]string{
			"ed":  "error: asking worker orders-a: port 9440: connection refused",
			"ann": `error: reaching worker orders-a: unable to upgrade connection: pods "orders-a" is forbidden: User "ann" cannot create resource "pods/portforward"`,
		} {
			out, errOut := w.run(ctx, user, "", "peek", poolName, "--key", "order-1")
			Expect(errOut).To(HavePrefix(words))
			w.golden("peek_parked", out)
		}
		out, errOut := w.run(ctx, "ann", "", "peek", poolName, "--key", "order-2")
		Expect(errOut).To(Equal("No worker of pool orders holds a lane that the key may be in; 3 keys parked.\n"))
		w.golden("peek_unowned", out)
	})

	It("wants a key", func(ctx context.Context) {
		_, errOut := w.run(ctx, "ann", "", "peek", poolName)
		Expect(errOut).To(Equal(`error: required flag(s) "key" not set`))
	})
})

var _ = Describe("peek into Native lanes", Serial, func() {
	It("asks every worker that holds one", func(ctx context.Context) {
		w := moving(ctx)
		startKubelet(ctx, kubelet{
			"orders-a": telling("k", `[{"lane": 1, "epoch": 3, "state": "Running", "since": "2026-01-01T00:00:00.000000Z", "attempts": 1, "messages": 2, "running": 1, "parked": 0, "sequences": [7, 9]}]`),
			"orders-b": telling("k", "[]"),
		})
		out, errOut := w.run(ctx, "ed", "", "peek", poolName, "--key", "k")
		Expect(errOut).To(BeEmpty())
		w.golden("peek_native", out)
		out, errOut = w.run(ctx, "ed", "", "peek", poolName, "--key", "other")
		Expect(out).To(BeEmpty())
		Expect(errOut).To(Equal("No worker of pool orders has anything of the key.\n"))
	})
})
