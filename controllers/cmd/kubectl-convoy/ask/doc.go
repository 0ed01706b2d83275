// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

// Package ask asks a worker what no object says: what it has of a key at this moment.
//
// # Contract
//
// The worker answers on its pod's loopback address. The way there is the API server's forwarding of ports, as for kubectl
// port-forward, with the rights of the person who asks: create on pods/portforward in the namespace. Nothing listens on this
// machine, and nothing is changed.
//
// # Failure handling
//
// The error is the API server's, or says in the kubelet's words that the worker cannot be reached: an older one, one that
// does not run, or a pod without a kubelet. The context bounds everything.
package ask
