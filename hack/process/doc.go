// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

// Package process tests the worker as what it is in a pod: a process. The test builds the command, runs it against a real
// API server and a real JetStream with a handler that outlives it and judges every call, kills it with -9 and starts it
// again, restarts the broker under it, and stops it with SIGTERM. The test plays the controller and the kubelet.
package process
