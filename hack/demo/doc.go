// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

// Command demo shows Convoy at work on one machine, with Go and nothing else: `make demo`.
//
// It starts a Kubernetes control plane and a node agent that runs pods as processes (hack/devcluster), a JetStream server
// in its own process, and the operator; it applies Convoy's CRDs and roles and a pool of workers with a handler that takes
// orders through their lives (hack/e2e); it publishes events of orders, some far more popular than others, to one stream,
// from which the pool routes them to its lanes; and while they flow it scales the pool, has three orders rejected, so that they
// are parked, rolls the pool out, releases what is parked and kills a worker. A line a second says how things stand. A
// checker sees each call of the handler (hack/e2e/checker).
//
// # Contract
//
// It ends by itself: DEMO_SECONDS after the first worker serves (60 by default), and the time that what is left in the stream
// takes. It exits with 0 only when no rule of order was broken and no message lost. It leaves nothing behind, however it
// is ended: processes, files, ports. DEMO_SEED is the seed of the events; it is printed. DEMO_LOGS is a new directory that
// keeps what the processes said.
//
// # Failures
//
// When a process ends that should run, the demo ends, with the last lines of what it said. Killed with -9, its processes
// die with it; its files stay in the temporary directory.
package main
