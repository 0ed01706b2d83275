// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

// Package faults tests what a pool of workers does when its surroundings break: real worker and handler processes, a real
// JetStream server as a process, a real API server, and a network between worker and broker that can be held up and cut.
//
// # Contract
//
// A fault is done while messages flow, and taken back. Then every message that was published by then has to be completed,
// and the checker of hack/e2e, which sees each call of each handler, must not have seen a rule of order broken. The test
// plays the controller (package ledger's few rules: revoke, drained, grant; or forced) and the kubelet. A world has a broker
// and a pool of its own, so that several run beside each other, at addresses of their own on loopback, and share the API server.
//
// # Faults
//
//	a worker       killed, killed again while it starts, frozen until its lanes have another owner, replaced by another pod
//	a handler      killed, frozen for longer than a call may take, slow to start
//	the broker     killed, frozen for longer than the fence
//	the network    slow, cut, dead one way or both, dead until the lanes have another owner
//	the controller gives lanes to two workers, puts a table from a backup in place of the newest
//
// Each is done to Native and to Routed lanes, but for those of handlers, which do not know what lanes are made of. The worker
// that has the harm of it routes if lanes are Routed: so the router, too, is killed, frozen and cut, and what it sent before
// it lost the shard comes late.
//
// Besides there are stories of single messages: one that kills its worker; and what a zombie, a worker that goes on after
// another took its lanes, dead-letters and parks. And there are stories of pools: several on one stream, and one that is
// deleted and made again, with and without another key expression.
//
// The soak (make soak; a short one is among the tests) sends 1,000,000 messages of 100,000 keys, a few of them popular, through
// Routed lanes while one fault follows the other, by chance from a seed that it prints. Every few seconds it says how far it
// has come: how many messages a second, kills, calls, calls of messages that were completed or had failed before, the longest
// pause of a lane when its owner changed, and the memory that the checker's process takes, which does not grow with the
// messages.
//
// A worker that is frozen between its look at the hold and the sending of a call sends it when it thaws, though its lane has
// another owner. No sender can prevent that; the call's epoch gives it away and a handler refuses it. The checker calls
// it Stale, and the story of the frozen worker alone may have some.
package faults
