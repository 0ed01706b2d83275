// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package command_test

import (
	"context"
	"encoding/json"
	"io"
	"strings"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	"github.com/onsi/gomega/gbytes"
	"k8s.io/cli-runtime/pkg/genericiooptions"

	"convoy.dev/convoy/api/v1alpha1"
)

const nativePool = `
metadata: {name: orders}
spec:
  source: {nats: {servers: ["nats://nats:4222"], stream: ORDERS}}
  key: {expression: body.order_id}
  lanes: {type: Native, native: {nats: {subjects: ["orders.{lane}.>"], count: 4}}}
  template: {spec: {containers: [{name: handler, image: "shop/orders:1"}]}}
status:
  observedGeneration: 1
  replicas: 2
  workers: {serving: 2, updated: 2}
  lanes: {count: 4, owned: 3, moving: 1}
  scaling: {wanted: 2, reason: External, message: as many workers as spec.scaling.workers says}
  parked: {keys: 1, messages: 7}
  conditions:
  - {type: Ready, status: "True", reason: InForce, message: the pool works as its spec says, lastTransitionTime: "2026-01-01T00:00:00Z"}
  - {type: Rebalancing, status: "True", reason: LanesMoving, message: lanes are on their way, lastTransitionTime: "2026-01-01T00:00:00Z"}
`

// moving is a pool with two workers, of which the first gives a lane to the second.
func moving(ctx context.Context) *world {
	GinkgoHelper()
	w := newWorld(ctx, nativePool)
	w.pod(ctx, "orders-a", `
spec: {revision: 42, slot: 0, lanes: [{lane: 0, epoch: 3}, {lane: 1, epoch: 3}]}
status:
  observedRevision: 41
  incarnation: 1
  protocol: {min: 1, max: 1}
  lanes: [{lane: 0, epoch: 3}, {lane: 1, epoch: 3}, {lane: 2, epoch: 3, state: Draining}]
  waits: [{lane: 2, key: order-1042}]
  backlog: {time: "2026-01-01T00:00:00.000000Z", lanes: [5, 0, 120, 33]}
`)
	w.pod(ctx, "orders-b", `
spec: {revision: 40, slot: 1, lanes: [{lane: 3, epoch: 4}]}
status:
  observedRevision: 40
  incarnation: 2
  protocol: {min: 1, max: 2}
  lanes: [{lane: 3, epoch: 2, state: Opening}]
  conditions:
  - {type: HandlerAccepting, status: "False", reason: OnlyFailures, message: "the last: 500", lastTransitionTime: "2026-01-01T00:00:00Z"}
`)
	w.table(ctx, `
revision: 42
slots: [{index: 0, worker: 0}, {index: 1, worker: 1}]
lanes:
- {slot: 0, epoch: 3}
- {slot: 0, epoch: 3}
- {slot: 1, worker: 0, epoch: 3, state: Releasing, since: 42}
- {slot: 1, epoch: 4, forced: true}
revokes: [{revision: 42, time: "2026-01-01T00:00:00.000000Z"}]
`, "orders-a", "orders-b")
	return w
}

var _ = Describe("lanes and workers", func() {
	It("are printed as tables, lists and templates", func(ctx context.Context) {
		w := moving(ctx)
		for name, args := range map[string][]string{
			"lanes":             {"lanes", poolName},
			"lanes_wide":        {"lanes", "convoypool.convoy.dev/orders", "-o", "wide"},
			"lanes_sorted":      {"lanes", "cvp/orders", "--sort-by=backlog", "--no-headers"},
			"lanes_yaml":        {"lanes", poolName, "-o", "yaml"},
			"lanes_jsonpath":    {"lanes", poolName, "-o", "jsonpath={range .items[*]}{.number} {.worker}{\"\\n\"}{end}"},
			"workers":           {"workers", poolName},
			"workers_wide":      {"workers", poolName, "-o", "wide", "--sort-by=lanes"},
			"workers_template":  {"workers", poolName, "-o", "go-template={{range .items}}{{.name}} {{.trouble}}{{\"\\n\"}}{{end}}"},
			"workers_yaml":      {"workers", poolName, "-o", "yaml"},
			"explain":           {"explain", poolName},
			"top":               {"top", poolName},
			"top_one_lane":      {"top", poolName, "--lanes=1"},
			"explain_yaml":      {"explain", poolName, "-o", "yaml"},
			"explain_jsonpath":  {"explain", poolName, "-o", "jsonpath={.ready} {.act}"},
			"completion_output": {"__complete", "lanes", poolName, "-o", ""},
		} {
			By(name)
			out, _ := w.run(ctx, "ann", "", args...)
			w.golden(name, out)
		}
		var list struct {
			Kind  string
			Items []struct{ Number, Epoch int64 }
		}
		Expect(json.Unmarshal([]byte(w.ok(ctx, "lanes", poolName, "-o", "json")), &list)).To(Succeed())
		Expect(list.Kind).To(Equal("LaneList"))
		Expect(list.Items).To(HaveLen(4))
	})

	It("are told to be missing where they are", func(ctx context.Context) {
		w := newWorld(ctx, nativePool)
		for command, want := range map[string]string{
			"lanes":   "Pool orders has no lane table yet: kubectl convoy explain orders says why.\n",
			"workers": "Pool orders has no workers: kubectl convoy explain orders says why.\n",
		} {
			out, errOut := w.run(ctx, "ann", "", command, poolName)
			Expect(out).To(BeEmpty())
			Expect(errOut).To(Equal(want))
		}
		out, errOut := w.run(ctx, "ann", "", "lanes", poolName, "--shards")
		Expect(out + errOut).To(Equal("Pool orders has no shards to route.\n"))
		Expect(w.ok(ctx, "lanes", poolName, "-o", "json")).To(ContainSubstring(`"items": []`))
	})

	It("are not made up by top", func(ctx context.Context) {
		w := newWorld(ctx, routedPool)
		Expect(w.ok(ctx, "top", poolName)).To(Equal(w.namespace + "/orders\nNo operator has said how it is: kubectl convoy explain orders\n\n"))
	})

	It("are printed again when they change", func(ctx context.Context) {
		w := moving(ctx)
		watching, stop := context.WithCancel(ctx)
		out := gbytes.NewBuffer()
		ended := make(chan error, 1)
		go func() {
			ended <- w.command(watching, "ann", genericiooptions.IOStreams{In: strings.NewReader(""), Out: out, ErrOut: io.Discard},
				"lanes", poolName, "-w", "-o", "jsonpath={.number} {.items[*].number} {.state}{\"\\n\"}")
		}()
		Eventually(out).Should(gbytes.Say("0 1 2 3"))
		table := &v1alpha1.LaneTable{}
		Expect(env.Client.Get(ctx, w.key(poolName), table)).To(Succeed())
		table.Revision, table.Revokes = 43, nil
		table.Lanes[2] = v1alpha1.LaneOwnership{Slot: table.Lanes[2].Slot, Epoch: 4}
		Expect(env.Client.Update(ctx, table)).To(Succeed())
		Eventually(out).Should(gbytes.Say("2  Owned\n"))
		Expect(string(out.Contents())).NotTo(ContainSubstring("0  "), "a lane that has not changed was printed again")
		stop()
		Eventually(ended).Should(Receive(BeNil()))
	})

	It("are told to be gone with their pool", func(ctx context.Context) {
		w := moving(ctx)
		out := gbytes.NewBuffer()
		ended := make(chan error, 1)
		go func() {
			ended <- w.command(ctx, "ann", genericiooptions.IOStreams{In: strings.NewReader(""), Out: out, ErrOut: io.Discard}, "workers", poolName, "-w")
		}()
		Eventually(out).Should(gbytes.Say("orders-b"))
		pool := &v1alpha1.ConvoyPool{}
		pool.Namespace, pool.Name = w.namespace, poolName
		Expect(env.Client.Delete(ctx, pool)).To(Succeed())
		Eventually(ended).Should(Receive(MatchError(ContainSubstring("not found"))))
	})
})
