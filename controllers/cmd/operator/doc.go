// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

// The operator of Convoy: it makes ConvoyPools run. See controllers/pool for what it does, and controllers/DESIGN.md for
// why.
//
// # Contract
//
// It runs until SIGTERM or SIGINT, and then ends without giving anything up: workers go on without it. One operator leads
// at a time (--leader-elect); safety does not rest on that. It reads no Secret.
//
// Its probes say that it lives (/healthz) and that its caches are filled (/readyz). Its metrics are served over TLS, with
// a certificate of its own making unless --metrics-cert-dir has one, to those whom the API server lets read /metrics.
//
// # Failure handling
//
// It refuses to start when its flags contradict each other, and when the cluster's CRDs lack a field that it reads or
// writes: an API server that drops what the operator writes would lose the ledger's. The message names the command that
// mends it. When it loses the leadership, or a watch cannot be set up, it exits, and is started again by its kubelet.
package main
