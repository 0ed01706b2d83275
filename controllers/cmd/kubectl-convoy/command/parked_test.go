// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package command_test

import (
	"context"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
)

var _ = Describe("parked", func() {
	It("prints the keys that workers name, the longest parked first", func(ctx context.Context) {
		w := newWorld(ctx, nativePool)
		w.pod(ctx, "orders-a", `
spec: {revision: 1}
status:
  parked:
    keys: 4
    messages: 40
    longest:
    - {lane: 2, key: order-7, reason: Rejected, attempts: 1, since: "2026-01-02T00:00:00Z", messages: 12}
    - {lane: 0, key: order-9, reason: AttemptsExhausted, attempts: 5, since: "2026-01-04T00:00:00Z", messages: 1, released: true}
`)
		w.pod(ctx, "orders-b", `
spec: {revision: 1}
status:
  parked:
    keys: 1
    messages: 3
    longest: [{lane: 3, key: order-8, reason: WorkerCrashed, attempts: 3, since: "2026-01-03T00:00:00Z", messages: 3}]
`)
		for name, args := range map[string][]string{
			"parked":        {"parked", poolName},
			"parked_wide":   {"parked", poolName, "-o", "wide", "--sort-by=messages"},
			"parked_yaml":   {"parked", poolName, "-o", "yaml", "--key", "order-7", "--key", "order-9"},
			"parked_reason": {"parked", poolName, "--reason=WorkerCrashed", "--no-headers"},
		} {
			out, errOut := w.run(ctx, "ann", "", args...)
			Expect(errOut).To(Equal("2 keys more: a worker names the keys that have been parked for longest.\n"))
			w.golden(name, out)
		}
		out, errOut := w.run(ctx, "carl", "", "parked", poolName, "--reason=LookAhead")
		Expect(out).To(BeEmpty())
		Expect(errOut).To(HavePrefix("No worker of pool orders names a parked key that is asked for.\n"))
		out, _ = w.run(ctx, "ann", "", "support-bundle", poolName, "-f", "-")
		Expect(unpackedText(out)).NotTo(MatchRegexp("order-[789]"))
	})
})
