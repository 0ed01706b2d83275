// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

// Package plan decides who owns a lane: from one observation of the world and the time it makes the next lane
// table, the worker specs that project it, and the writes to pods and Deployment that go with them.
//
// # Contract
//
// [Make] is a pure function. It does no I/O, keeps nothing between calls and reads no clock; equal arguments
// give equal plans, field by field. The caller writes the table by compare-and-swap on what it read, and does
// the rest of the plan only once that has succeeded, or was not needed. It may be killed between any two
// writes: the next plan goes on from whatever the world then is. A plan made from stale reads is at worst
// refused: the table by its resource version, a worker spec by its own and by its revision.
//
// Applied to the world it was made from, a plan leaves nothing to decide: as long as pods and workers say the
// same, the next one has neither a table nor a spec. In a steady state every plan is empty.
//
// # States of a lane
//
//	           grant (epoch+1)                revoke (since = revision)
//	Unowned ------------------> Owned ------------------------------> Releasing
//	   ^                        |  ^ |                                 |  |
//	   |     evidence, nobody   |  +-+ evidence: granted again         |  |
//	   +------- to take it -----+      at epoch+1, in one write        |  |
//	   +------------------ evidence, nobody to take it ----------------+  |
//	                            Owned <---- evidence: granted at epoch+1 -+
//
// A lane leaves a worker on evidence alone, the same for Owned and Releasing but for the first:
//
//	acknowledged  the worker has observed the revoke's revision and does not hold the lane (Releasing only)
//	resigned      the worker has said that it holds nothing and opens nothing again
//	stopped       the kubelet says that every container of the pod has terminated, and the phase is final
//	refused       the broker told the worker that a higher epoch exists: it never had the lane  (forced)
//	lost          the pod is gone, or its node is silent for too long, and another can take over (forced)
//
// A forced grant makes its worker wait until whoever ran the lane before cannot run any more. Until that wait is
// known to be over every further grant of the lane is forced too. In a rebuilt table every lane is, whoever claims it.
//
// # Failure handling
//
// There are no errors. What cannot be decided from the observation is asked for (ObserveLive, MakeTable, Confirm);
// what only a person can mend is reported (Stuck, Lost, Incompatible); everything else waits for the next event, or
// for the instant Requeue.
//
// controllers/DESIGN.md has the protocol as a whole, its invariants and the decisions behind it.
package plan
