// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

// Package workertest runs a handler of package worker as a worker would, without a cluster, a broker or waiting: the code that
// orders messages and calls handlers is the real one (worker/order, worker/deliver), the clock is a fake one.
//
//	func TestAnOrderIsBookedOnce(t *testing.T) {
//		w := workertest.New(t, handler, workertest.Config{})
//		w.Publish("order-1", []byte(`{"state": "Paid"}`))
//		w.Advance(time.Minute)
//		if got := w.Completed(); len(got) != 1 { ... }
//	}
//
// # Contract
//
// Publish takes messages and calls what may be called at once; Advance moves the clock and calls what becomes due, one
// call after another in the test's goroutine's time, so that a story goes the same way each time. Everything a pool says
// under spec.delivery has its meaning: retries and their backoff (whose jitter comes from Config.Seed), batches, what becomes
// of a message that failed for good. There is one lane.
//
// A handler's own waiting is real: the context of a call ends after delivery.timeoutSeconds of the real clock. A test that
// needs a fake one there runs in a bubble of testing/synctest.
//
// Not played are what only a cluster has: hand-overs, crashes, lanes whose hold is lost.
package workertest
