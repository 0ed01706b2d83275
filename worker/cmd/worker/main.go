// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"os"

	"convoy.dev/convoy/api/v1alpha1"
	_ "convoy.dev/convoy/worker/broker/nats" // one for each broker that a pool can have
	"convoy.dev/convoy/worker/process"
)

// version is stamped by the linker.
var version = "unreleased"

func main() {
	os.Exit(process.Main(process.Config{Delivery: v1alpha1.DeliveryHTTP, Handler: process.OverHTTP, Version: version}))
}
