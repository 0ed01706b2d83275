// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

// Command devcluster runs a Kubernetes control plane on this machine, compiled from Go modules, and supplies the
// binaries for tests that start their own.
//
//	export KUBEBUILDER_ASSETS="$(go run -C hack/devcluster ./cmd/devcluster assets)"
//	go build -C hack/devcluster -o ../../bin/devcluster ./cmd/devcluster && bin/devcluster up
//
// Contract: standard output is for programs. `assets` prints one line, the directory. `up` prints what to export, and only
// once the control plane is ready. All else is on standard error. The exit code is 0 after an interrupt of `up`, 1 after a failure,
// 2 if the command line is wrong.
//
// States and failures: `up` stays in the foreground. SIGINT and SIGTERM stop the components in order and remove their data; a
// second one ends at once. A component that dies stops the rest, with the end of its log as the error. Start the
// built binary where it may be killed: `go run` does not pass a SIGTERM on.
package main
