// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

// Package checker judges whether a handler saw every convoy in order. It is told of each message that is published
// and of each call of the handler, its start and its end, and keeps for each key what was last completed, as the
// database of a shop would.
//
// # Contract
//
// A [Book] is told one thing after another, in the order in which they happened. That order is sound without
// comparing clocks: a handler reports a start before it begins to work, an end before it answers, and waits both times
// until the book has taken it. So when a worker has an answer and starts the next call, the book already has the end.
// The caller serialises calls and brings the time.
//
// # Rules
//
//	Overlap      two calls of one key ran at once
//	Skipped      a message started before the one before it of its key was completed
//	WentBack     a message came again though its key had gone on, or it had an answer, without a new epoch
//	Stale        a call with a lower epoch than its lane has already seen
//	TwoOwners    two pods ran one lane at one epoch
//	Moved        a key came from two lanes, or a message with two sequences
//	Discarded    a message started though its key had gone on behind it
//	Impossible   the handler met a transition that the order's life does not have
//	Lost         at the end a message that was published is neither completed nor discarded
//
// A message that the handler rejected keeps its key's later ones back, as any that is not completed: a key that is parked
// breaks no rule, and one that goes on without what is parked has Skipped it. Where messages are discarded, the book is told
// so before ([Book.Discard]); then the next one that starts says which they were, and their number is in the report.
//
// A message that comes again at a higher epoch is no violation: delivery is at least once. It is counted as a replay,
// and must be followed by its successors again. A message that comes again with a higher attempt, or after the time of a call,
// is a retry.
//
// A book forgets what was completed long ago, so that its memory is bounded by the keys and by what is not completed. Of a key
// it remembers the last 32 messages completed; what comes again from before them may have another sequence unnoticed.
//
// # States of a call
//
// A call runs from its start until its end is told, its process is gone ([Book.Leave]), or the time is over within which
// a handler has promised to stop. A process that is gone says nothing: its connection ends. The next call of its key may
// be told before that is noticed, so an apparent overlap of two processes is only suspected: the caller asks the former
// process, and [Book.Answer] makes the suspicion a violation, Leave drops it.
package checker
