// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

// Package snapshot reads what a cluster says of one pool: the pool, its lane table, its workers' mailboxes and their pods.
//
// # Contract
//
// Read asks the API server once. Follow keeps a cache that the API server feeds by watches, and says when something in it
// has changed. Nothing is written, and no Secret is read.
//
// # Failure handling
//
// A pool that does not exist, and a refusal to show Convoy's own objects, are errors. Pods are not Convoy's: to whom the
// API server refuses them, a snapshot is shown without them, and says so (PodsRefused).
package snapshot
