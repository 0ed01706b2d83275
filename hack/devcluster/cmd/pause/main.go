// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

// Command pause holds a pod's network namespace on the development cluster: it waits until it is told to end.
//
// Kubernetes' own pause image comes from a registry, which such a machine may not reach.
//
// States and failures: it runs until SIGTERM or SIGINT and exits with 0. As the first process of a pod that shares its
// process namespace it also reaps what others leave: ignoring SIGCHLD has the kernel do that.
package main

import (
	"os"
	"os/signal"
	"syscall"
)

func main() {
	signal.Ignore(syscall.SIGCHLD)
	end := make(chan os.Signal, 1) // one is enough
	signal.Notify(end, syscall.SIGTERM, syscall.SIGINT)
	<-end
}
