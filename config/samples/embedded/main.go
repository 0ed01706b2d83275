// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

// Command embedded is a handler that is its own worker, for a pool with delivery.type Embedded such as ../nats_native.yaml:
// a module of its own, to copy and start from. Its test plays it without a cluster:
//
//	go test .
//	CGO_ENABLED=0 go build -o orders-worker .   # what the pool's image runs
package main

import (
	"convoy.dev/convoy/worker"
	_ "convoy.dev/convoy/worker/broker/nats" // the pool's broker
)

func main() {
	worker.Main(&ledger{orders: map[string]order{}})
}
