// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

// Package broker is what a worker asks of a message broker: the claim of a pool, the epoch records that fence its
// lanes, reading lanes, and keeping their progress. Adapters are thin: they translate and classify errors, and decide
// nothing. What differs between brokers is data (Capabilities), never a switch on a type.
//
// # Contract
//
// A Broker is one worker's connection for one pool. Claim comes first. Then, for each grant, Open writes the lane's
// epoch record by compare-and-swap, before anything else is read or written for the lane. Everything written later for
// the lane (progress, dead letter) counts only while that record is the newest, so that a worker that was superseded can
// write nothing that counts, also when it connects or reads again. Confirm says which records are still the newest, by
// the word of the broker as a whole: an answer from a replica that lags behind, or from a leader that was deposed, is
// no confirmation. The runner holds a lane only while its last confirmation is younger than fenceSeconds, counted from
// when it was asked.
//
// A lane's operations (Load, Flush, DeadLetter) are made one after another; Read and Fetch may run beside them, and so may
// what concerns its parking store (Park), which is made one after another for itself. All return when their context ends. A Broker is safe for concurrent use over different lanes.
//
// # Failures
//
// An error is one of three kinds, by KindOf: Retryable (the network, a restart, a leader election: the same request may
// succeed later), Permanent (nobody but a person can mend it: permission, a stream that does not exist; it is tried
// again slowly, and shown), Fenced (another owner has a newer record: the lane is over for this worker). The two
// refusals that carry facts are *RefusedError (Open) and *ClaimError (Claim).
package broker
