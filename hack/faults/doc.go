// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

// Package faults tests what a pool of workers does when its surroundings break: real worker and handler processes, a real
// JetStream server as a process, a real API server, and a network between worker and broker that can be held up and cut.
//
// # Contract
//
// A fault is done while messages flow, and taken back. Then every message that was published by then has to be completed,
// and the checker of hack/e2e, which sees each call of each handler, must not have seen a rule of order broken. The test
// plays the controller (package ledger's few rules: revoke, drained, grant; or forced) and the kubelet.
//
// # Faults
//
//	a worker       killed, killed again while it starts, frozen until its lanes have another owner, stopped in order
//	a handler      killed, frozen for longer than a call may take, slow to start
//	the broker     killed, frozen for longer than the fence
//	the network    slow, cut, dead one way or both, dead until the lanes have another owner
//	the controller gives a lane to two workers, gives an epoch that the broker is above
//
// A worker that is frozen between its look at the hold and the sending of a call sends it when it thaws, though its lane has
// another owner. No sender can prevent that; the call's epoch gives it away and a handler refuses it. The checker calls
// it Stale, and the story of the frozen worker alone may have some.
package faults
