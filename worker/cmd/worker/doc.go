// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

// Command worker is the process in the container convoy-worker of a pool's pods: it reads the lanes that the controller
// grants it and calls the handler in the pod's other container over HTTP. It takes no flags; package process says what
// environment it reads, where it listens and how it ends.
package main
