// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

//go:build e2e

package story

import . "github.com/onsi/ginkgo/v2"

var _ = Describe("A pool over a stream that is partitioned by the key", Ordered, func() {
	pool(native)

	It("is worked on by one worker", func(ctx SpecContext) {
		phase(ctx, "Native lanes: start")
		settled(ctx, 1)
	})

	It("scales to three workers", func(ctx SpecContext) {
		phase(ctx, "Native lanes: scale from 1 worker to 3")
		scale(ctx, 3)
		settled(ctx, 3)
	})

	It("has lost nothing, and broken no order", concludes)
})
