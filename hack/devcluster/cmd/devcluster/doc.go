// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

// Command devcluster runs Kubernetes on this machine, compiled from Go modules: a control plane, or a cluster of one node.
// It also supplies the binaries for tests that start their own, and makes images without a container engine.
//
//	export KUBEBUILDER_ASSETS="$(go run -C hack/devcluster ./cmd/devcluster assets)"
//	go build -C hack/devcluster -o ../../bin/devcluster ./cmd/devcluster && bin/devcluster up
//	bin/devcluster image --out dist convoy-operator convoy-worker
//	eval "$(bin/devcluster cluster-up dist/convoy-operator.tar dist/convoy-worker.tar)"
//	bin/devcluster cluster-down
//
// Contract: standard output is for programs. `assets` prints one line, the directory. `up` and `cluster-up` print what to
// export, and only once all is ready. `image` prints the path of each archive. All else is on standard error. The exit
// code is 0 after an interrupt of `up`, 1 after a failure, 2 if the command line is wrong.
//
// States and failures: `up` stays in the foreground. SIGINT and SIGTERM stop the components in order and remove their data; a
// second one ends at once. A component that dies stops the rest, with the end of its log as the error. Start the
// built binary where it may be killed: `go run` does not pass a SIGTERM on. `cluster-up` leaves the cluster in the
// background; it may be repeated, and an interrupt before it is done leaves no process. `cluster-down` removes what any of
// that left.
package main
