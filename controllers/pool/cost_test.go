// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package pool_test

import (
	"context"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	"k8s.io/apimachinery/pkg/types"
	clocktesting "k8s.io/utils/clock/testing"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"convoy.dev/convoy/api/v1alpha1"
)

var _ = Describe("What a pool costs the API server", func() {
	It("is at most 3 table writes and 2 writes per worker when one joins 10 with 1,024 lanes and all drain at once", func(ctx context.Context) {
		const workers, lanes = 10, 1024
		w := newWorld(ctx, nil)
		pool := w.newPool(workers, lanes)
		pool.Spec.Scaling.MaxWorkers = ptr.To[int32](workers + 1)
		w.create(ctx, pool)
		w.quiet(ctx)
		before := w.history.last()
		r := w.operator.requests
		tables, mailboxes := r.tables.Load(), r.workers.Load()
		w.kubelet.measure()
		w.scale(ctx, workers+1)
		w.settled(ctx, workers+1)
		w.quiet(ctx)
		Expect(total(w.history.grants(before.Revision)...)).To(BeEquivalentTo(93), "1,024 lanes on 11 workers")
		// Lanes that are all reported within one batch are granted by one write; for each batch more that the reports
		// were spread over there may be one write more.
		spread := w.kubelet.spread()
		AddReportEntry("spread of the reports", spread.String())
		batches := int64(spread / (50 * time.Millisecond))
		tables, mailboxes = r.tables.Load()-tables, r.workers.Load()-mailboxes
		AddReportEntry("writes", map[string]int64{"tables": tables, "mailboxes": mailboxes})
		Expect(tables).To(BeNumerically("<=", 3+batches))
		Expect(mailboxes).To(BeNumerically("<=", 2*(workers+1)+workers*batches+1), "the object of the new worker is made, too")
	})

	It("is nothing in ten minutes in which nothing happens", func(ctx context.Context) {
		w := newWorld(ctx, nil)
		w.create(ctx, w.newPool(3, 64))
		w.quiet(ctx)
		w.operator.stop()
		fake := clocktesting.NewFakePassiveClock(wall.Now())
		w.operator = startOperator(w.namespace, fake)
		w.settled(ctx, 3)
		r := w.operator.requests
		request := reconcile.Request{NamespacedName: types.NamespacedName{Namespace: w.namespace, Name: poolName}}
		Eventually(func(g Gomega) {
			_, err := w.operator.reconciler.Reconcile(ctx, request)
			g.Expect(err).NotTo(HaveOccurred())
			g.Expect(w.operator.requests.reads.Load()).To(BeNumerically(">", 0), "caches are filled")
		}).Should(Succeed())
		w.quiet(ctx)
		reads, writes := r.reads.Load(), r.writes.Load()
		for range 60 {
			fake.SetTime(fake.Now().Add(10 * time.Second))
			result, err := w.operator.reconciler.Reconcile(ctx, request)
			Expect(err).NotTo(HaveOccurred())
			Expect(result).To(Equal(reconcile.Result{}))
		}
		Expect(r.writes.Load()-writes).To(BeZero(), "writes")
		Expect(r.reads.Load()-reads).To(BeZero(), "reads of the API server itself")
	})

	It("is at most 20 table writes a second while lanes drain one after another", func(ctx context.Context) {
		w := newWorld(ctx, nil)
		w.create(ctx, w.newPool(1, 64))
		w.quiet(ctx)
		before := w.history.last()
		tables := w.operator.requests.tables.Load()
		w.kubelet.change(func() { w.kubelet.holds, w.kubelet.fidgets = someAtATime(), true })
		w.scale(ctx, 4)
		start := wall.Now()
		w.settled(ctx, 4)
		took := wall.Since(start)
		Expect(total(w.history.grants(before.Revision)...)).To(BeEquivalentTo(48))
		Expect(float64(w.operator.requests.tables.Load() - tables)).To(BeNumerically("<=", 2+20*took.Seconds()))
	})

	It("is one table in each 50 ms of the operator's clock, whatever happens", func(ctx context.Context) {
		w := newWorld(ctx, nil)
		w.operator.stop()
		fake := clocktesting.NewFakePassiveClock(wall.Now())
		startOperator(w.namespace, fake)
		Expect(env.Client.Create(ctx, w.newPool(2, 4))).To(Succeed())
		revision := func() int64 {
			if t := w.history.last(); t != nil {
				return t.Revision
			}
			return 0
		}
		for want := int64(2); want <= 4; want++ { // the first is the empty table that is made
			Eventually(revision).Should(Equal(want))
			Consistently(revision).Should(Equal(want))
			fake.SetTime(fake.Now().Add(50 * time.Millisecond))
		}
	})

	It("notes that lanes are in use before it grants the first", func(ctx context.Context) {
		w := newWorld(ctx, nil)
		claims := watchClaims(w.namespace)
		w.create(ctx, w.newPool(2, 4))
		Expect(claims.firstInUse()).To(BeNumerically("<", w.history.firstGrant()))
		Expect(w.pool(ctx).Status.Claim.State).To(Equal(v1alpha1.ClaimInUse))
		By("deleting the status, which is written again")
		Eventually(func() error {
			pool := w.pool(ctx) // The operator may write it at the same time.
			pool.Status = nil
			return env.Client.Status().Update(ctx, pool)
		}).Should(Succeed())
		Eventually(func(g Gomega) {
			status := w.pool(ctx).Status
			g.Expect(status).NotTo(BeNil())
			g.Expect(status.Claim).To(HaveValue(HaveField("State", v1alpha1.ClaimInUse)))
			g.Expect(status.Lanes.Owned).To(HaveValue(BeEquivalentTo(4)))
		}).Should(Succeed())
	})
})
