// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package pool_test

import (
	"context"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"convoy.dev/convoy/api/v1alpha1"
)

var _ = Describe("A pool", func() {
	It("makes its children and grants its lanes", func(ctx context.Context) {
		w := newWorld(ctx, nil)
		w.create(ctx, w.newPool(3, 10))
		Eventually(w.condition).WithArguments(ctx, v1alpha1.ConditionReady).Should(Equal("True/InForce"))
	})
})
