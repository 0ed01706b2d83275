// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

// Package view turns a snapshot into what a person looks at: a row for each lane, shard and worker of a pool, the owner of
// a message, and what a key does. Pure: no client, no clock.
//
// # Contract
//
// A row says what an object says, and leaves out what none says. Two parties speak of a lane: the lane table, which says
// whose it is (State), and the worker, which says what it does with it (Holding). Both are shown, since a hand-over is the
// time in which they differ. When a lane came to its worker is in no object; since when it is being given back is.
package view
