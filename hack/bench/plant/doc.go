// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

// Package plant runs the data plane of one pool, for benchmarks: a nats-server with JetStream on files in a process of its
// own, and in this one a worker whose handler is called over HTTP, all on loopback. Only the API server is
// missing: the worker is granted every lane, and the shard if lanes are Routed, from the beginning.
//
// Start returns when everything is there; Stop drains the worker and ends it all. Errors of either are the caller's to
// report. While it runs, nothing but the worker's own metrics and log says how it fares.
package plant
