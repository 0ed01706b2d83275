// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

// Package worker is Convoy's Go library: a program built on it is worker and handler in one process, without the container
// convoy-worker and without HTTP between the two. Its pool says delivery.type: Embedded, and the first container of the
// pool's template runs it.
//
//	import (
//		"convoy.dev/convoy/worker"
//		_ "convoy.dev/convoy/worker/broker/nats" // the pool's broker
//	)
//
//	func main() {
//		worker.Main(worker.HandlerFunc(func(ctx context.Context, m *worker.Message) error {
//			return book(ctx, m.Key, m.Data)
//		}))
//	}
//
// # Contract
//
// Messages of one key come one at a time, in the order of the source; different keys at the same time, in goroutines of
// their own. A handler returns nil when the message is completed, and stops working when its context ends, which it does
// after delivery.timeoutSeconds, or when the worker may not go on with the lane. While it goes on beyond that, its key
// waits.
//
// Delivery is at least once. What repeats is told by Delivery: a handler rejects an epoch below its key's last one, and a
// sequence that is not above it.
//
// # Errors
//
//	nil                  completed
//	Reject(err)          never to be tried again: onFailure says what becomes of the message
//	RetryAfter(err, d)   tried again, not before d is over
//	any other, a panic   tried again after the pool's backoff, at most maxAttempts times
//
// The text of an error and of a panic is logged: it should not quote the message.
//
// # Batches
//
// Where delivery.batch.maxMessages is above 1, a BatchHandler gets up to so many messages of one key together, and says how
// many, from the first on, it has completed. Any other handler gets them one by one, within one time-out.
//
// # Life of the process
//
// Run ends when its context does, after the lanes have drained; Main does the same at SIGTERM and ends the process. Package
// process says what environment the operator sets and what the process listens at. The process dies with its handlers, so
// that one that is started again has nothing to wait for.
//
// Package workertest runs a handler without a cluster or a broker.
package worker
