// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package order

import (
	"cmp"
	"slices"
)

// Instant is a reading of the caller's monotonic clock in nanoseconds, from an origin of the caller's choice. It never
// goes back within one process.
type Instant int64

// Position is a message's place in its lane as the broker counts it. Positions of one lane ascend but need not be
// contiguous: lanes may share one numbering. They start at 1 and stay below 2^62; 0 means "not in the lane", as for a
// message that is run from the park.
type Position uint64

// Sequence is a message's place in its source shard. It never changes, neither by routing nor by parking. Within one
// key it ascends.
type Sequence uint64

// Payload is the caller's handle on a message body; 0 means "no body in memory". A handle given in by Message, Reread
// or ParkedMessage is the sequencer's until exactly one of the effects Complete, Drop and GiveBack hands it back.
// Start, Park and DeadLetter lend it.
type Payload uint64

// CallID names one call of the handler. It is never used again within one process, so a late answer to a concluded call
// is recognised.
type CallID uint64

// Message is one message of a lane, in lane order.
type Message struct {
	Position Position
	Sequence Sequence
	// Hash is the key's 64-bit hash. Two keys with one hash stay two convoys, because Key is compared too.
	Hash uint64
	// Key is kept while its convoy is not empty. It must not be a slice of a large buffer.
	Key     string
	Payload Payload
	// Size is how many bytes the message counts for in a batch.
	Size uint32
}

// Item is one message of a call, in the order of its key.
type Item struct {
	// Position is 0 when the message is run from the park.
	Position Position
	Sequence Sequence
	Payload  Payload
}

// Range is a span of lane positions, both ends included, in which every message of the lane is completed.
type Range struct{ From, To Position }

// Attempt is a message that was started and not concluded, with the starts made so far. It is part of the progress
// record, so that attempts survive restarts and moves.
type Attempt struct {
	// Position is 0 for a message that was run from the park.
	Position Position
	Sequence Sequence
	Hash     uint64
	Key      string
	// Attempts counts the starts that were not forgiven as part of an outage; 0 for a suspect whose release granted it
	// new ones.
	Attempts uint32
	// Suspect: the message was in flight when a process died, and has not run since.
	Suspect bool
}

// Progress is how far a lane is completed: what is flushed to the broker while the lane is held, and what the next
// owner opens it with.
type Progress struct {
	// LowWater is the highest position up to which every message of the lane is completed.
	LowWater Position
	// Ranges are completed above LowWater; ascending, neither overlapping nor adjacent. There are at most as many as
	// messages outstanding, which the look-ahead bounds.
	Ranges []Range
	// Taken is the highest position the sequencer was given.
	Taken Position
	// Outstanding counts the messages up to Taken that are not completed.
	Outstanding int
	// Attempts are the messages started and not concluded, in no particular order.
	Attempts []Attempt
	// Returned are keys whose park was emptied, or is being, while the lane is still delivering what a dead owner had taken.
	// Messages of theirs up to Last were run from the park, and are not run again from the lane.
	Returned []ReturnedKey
	// Careful is Opening.CarefulThrough as long as it matters: a clean hand-over does not end it.
	Careful Position
	// Version grows with each snapshot of the lane; Flushed takes it back once the record is durable.
	Version uint64
}

// Covers reports whether the progress says that the message at the position is completed.
func (p *Progress) Covers(at Position) bool {
	if at <= p.LowWater {
		return true
	}
	i, _ := slices.BinarySearchFunc(p.Ranges, at, func(r Range, at Position) int { return cmp.Compare(r.To, at) })
	return i < len(p.Ranges) && p.Ranges[i].From <= at
}

// Limit cuts the ranges to the lowest n, for a broker whose records are small. What is cut is repeated after a crash;
// it is never lost.
func (p *Progress) Limit(n int) {
	if len(p.Ranges) > n {
		p.Ranges = p.Ranges[:n]
	}
}

// ParkedKey is one key that has messages in the parking store when its lane opens.
type ParkedKey struct {
	Hash uint64
	Key  string
	// First and Last are the sequences of the oldest and newest message in the store, Count how many there are.
	First, Last Sequence
	Count       int
	// Released is set for a key that was diverted (CauseLookAhead) or whose release is still wished: it is run from the
	// park at once.
	Released bool
}

// ReturnedKey is a key that had a park.
type ReturnedKey struct {
	Hash uint64
	Key  string
	Last Sequence
}

// Opening is what a lane is opened with.
type Opening struct {
	Lane  int32
	Epoch uint64
	// Progress is the record of the newest earlier epoch.
	Progress Progress
	// Crashed says that the record was not the last word of an owner that drained: its Attempts are suspects and run
	// alone.
	Crashed bool
	// CarefulThrough is the highest position that a process which died may have taken. Up to it every start is recorded
	// first, and messages in the park are not run a second time from the lane. The lane's end at the time of opening is
	// always safe; 0 after a clean hand-over.
	CarefulThrough Position
	Parked         []ParkedKey
}

// Failure is the handler's refusal of a call.
type Failure struct {
	// Completed is how many of the call's messages succeeded before the failure, counted from the first.
	Completed int
	// Permanent says that trying again is useless.
	Permanent bool
	// RetryAfter is the shortest wait the handler asked for, in nanoseconds; 0 when it did not.
	RetryAfter int64
}
