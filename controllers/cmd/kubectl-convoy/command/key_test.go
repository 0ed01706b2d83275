// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package command_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"convoy.dev/convoy/worker/lane"
)

const routedPool = `
metadata: {name: orders}
spec:
  source: {nats: {servers: ["nats://nats:4222"], stream: ORDERS}}
  key: {expression: body.order_id}
  lanes: {routed: {count: 16}}
  template: {spec: {containers: [{name: handler, image: "shop/orders:1"}]}}
`

var _ = Describe("key test", func() {
	It("says the key, lane and worker of a message", func(ctx context.Context) {
		w := newWorld(ctx, routedPool)
		w.pod(ctx, "orders-a", "spec: {revision: 1}")
		lanes := strings.TrimSuffix(strings.Repeat("{slot: 0, epoch: 7},", 16), ",")
		w.table(ctx, "revision: 1\nslots: [{index: 0, worker: 0}]\nlanes: ["+lanes+"]", "orders-a")
		number := lane.Of(lane.Hash("9007199254740993"), 16)

		file := filepath.Join(GinkgoT().TempDir(), "message.json")
		Expect(os.WriteFile(file, []byte(`{"order_id": 9007199254740993}`), 0o600)).To(Succeed())
		out := w.ok(ctx, "key", "test", poolName, "-f", file)
		Expect(strings.Fields(out)).To(Equal([]string{"KEY", "LANE", "WORKER", "EPOCH", "9007199254740993", fmt.Sprint(number), "orders-a", "7"}))

		out, errOut := w.run(ctx, "ann", `{"order_id": 9007199254740993}`, "key", "test", poolName, "-f", "-", "-o", "jsonpath={.lane} {.key}")
		Expect(errOut).To(BeEmpty())
		Expect(out).To(Equal(fmt.Sprint(number, " 9007199254740993")))

		out = w.ok(ctx, "key", "test", poolName, "--header", "order-id=a=b", "--expression", `headers["order-id"]`, "--no-headers")
		Expect(strings.Fields(out)[0]).To(Equal("a=b"))
		out = w.ok(ctx, "key", "test", poolName, "--subject", "orders.5.x", "--expression", `subject.split(".")[1]`, "--no-headers")
		Expect(strings.Fields(out)[0]).To(Equal("5"))
		out = w.ok(ctx, "key", "test", poolName, "--native-key", "k", "--shard=3", "--timestamp=2026-01-01T00:00:00Z",
			"--expression", `key + string(shard) + string(timestamp.getFullYear())`, "--no-headers")
		Expect(strings.Fields(out)[0]).To(Equal("k32026"))
	})

	It("says why there is no key", func(ctx context.Context) {
		w := newWorld(ctx, routedPool)
		for name, args := range map[string][]string{
			"key_missing":  {"{}", "key", "test", poolName, "-f", "-"},
			"key_not_json": {"<xml/>", "key", "test", poolName, "-f", "-"},
			"key_invalid":  {"{}", "key", "test", poolName, "-f", "-", "--expression", "order_id"},
			"key_failed":   {`{"a": "x"}`, "key", "test", poolName, "-f", "-", "--expression", "string(int(body.a))"},
		} {
			out, errOut := w.run(ctx, "ann", args[0], args[1:]...)
			Expect(out).To(BeEmpty())
			w.golden(name, errOut)
		}
	})

	It("finds Native lanes by the subject", func(ctx context.Context) {
		w := moving(ctx)
		message := `{"order_id": "x"}`
		for subject, want := range map[string]string{
			"orders.3.created":   "x 3 orders-b 4",
			"orders.2.a.b":       "x 2 orders-a 3",
			"orders.4.created":   "error: subject \"orders.4.created\" is of lane 4, and the pool has lanes 0 to 3: its messages are not read",
			"orders.03.created":  "error: subject \"orders.03.created\" is of no lane: the pool's lanes have the subjects orders.{lane}.>",
			"orders.3":           "error: subject \"orders.3\" is of no lane: the pool's lanes have the subjects orders.{lane}.>",
			"payments.3.created": "error: subject \"payments.3.created\" is of no lane: the pool's lanes have the subjects orders.{lane}.>",
			"":                   "error: the subject of a message says which Native lane it is in: give --subject, such as orders.0.>",
		} {
			out, errOut := w.run(ctx, "ann", message, "key", "test", poolName, "-f", "-", "--subject", subject, "--no-headers")
			Expect(strings.Join(strings.Fields(out), " ") + errOut).To(Equal(want))
		}
	})
})
