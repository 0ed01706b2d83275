// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

// Package pool makes ConvoyPools run: it keeps a pool's children as the pool asks for them, and hands lanes from worker
// to worker.
//
// # Contract
//
// [Reconciler] is four steps. Observe reads everything about one pool from the caches. Plan (package plan, pure) decides.
// Apply carries the plan out: the lane table by compare-and-swap, and only then everything that rests on it, each write
// by itself. Status is one pure function of the three, written once; events follow what changed in it. Every step can be
// the last of its process, and two processes may run it at once: the compare-and-swaps decide whose word counts, leader
// election only saves work.
//
// # What a lane table costs
//
// Reports of workers are gathered for 50 ms, and a table is written at most 20 times a second. A pool in which nothing
// happens is not written to at all, nor read from the API server.
//
// # Failure handling
//
// A conflict is another look, 25 ms later. What the API server refuses (a template, a pod, a name that is taken) is a
// condition with its words and is tried again once a minute, or when it changes. What the operator is not permitted is
// Ready=False. Everything else is an error, tried again with back-off.
//
// When the pool is gone, or its namespace goes, the finalizers of its pods come off as the pods end, and nothing else is
// done: Kubernetes' garbage collection takes the children, each worker drains on SIGTERM.
package pool
