// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

// Package explain says in sentences how a pool is: why it is not Ready or not balanced, what it waits for, and what a
// person would do. Pure: a snapshot and the time in, a Report out.
//
// # Contract
//
// Of judges a snapshot. A Report begins with whether the pool is Ready. Then come findings: first conditions that say that
// something is wrong, in the order in which they are to be mended, since one is often another's cause; then what only the
// objects show: a change that nobody has taken up, lanes on their way or without an owner, slots without a pod, a rollout,
// parked keys. Every reason that a condition can have is explained in advice.go, with the mend where a person has to act. A
// condition's own message comes first: it has the names.
//
// # Failure handling
//
// What a snapshot does not hold is not guessed: where the API server refuses pods, the report says so. A reason of a newer
// operator, which this program does not know, is shown without an explanation.
package explain
