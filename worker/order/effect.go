// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package order

// EffectKind says what the caller is to do.
type EffectKind uint8

const (
	// Start calls the handler with Items of Key. Items stays valid until the call is concluded. The caller answers each
	// call exactly once with Done or Failed; or with TimedOut, after which one late Done or Failed is welcome.
	Start EffectKind = iota + 1
	// Complete says that the message is completed: at Position the lane's progress has advanced (0: the message was in
	// the park), and the payload is handed back.
	Complete
	// Drop hands a payload back whose message is not completed by this: it was seen before, or only its position is
	// kept.
	Drop
	// Read asks for the message at Position of the lane again; the answer is Reread. A read is repeated by the caller
	// until it succeeds or the lane is drained.
	Read
	// ReadParked asks for Count messages of the key from the park, in order, the first one after Sequence (0: the
	// oldest); each answer is a ParkedMessage.
	ReadParked
	// ParkMessage appends the message to the key's sub-lane in the parking store, idempotent by Sequence. Appends of
	// one key are made in the order of these effects; the answer to each durable one is Parked.
	ParkMessage
	// Reparked says that a released key failed again: it stays in the park with the failed message, Sequence, at its
	// head. The caller records it with the sub-lane.
	Reparked
	// Unpark removes the key's messages up to and including Sequence from the park; the answer is Unparked.
	Unpark
	// Returned says that the key's park is empty and its sub-lane may be deleted: it is run from the lane again.
	Returned
	// DeadLetterMessage moves the message to the dead letter destination; the answer is DeadLettered.
	DeadLetterMessage
	// Record asks for a flush of the lane's progress now: starts wait for it. The answer is Flushed, as for every
	// flush.
	Record
	// GiveBack hands back a message that was not started. Those of one lane come together, in ascending order, right
	// before Drained; the payload is 0 where only the position was kept.
	GiveBack
	// Drained says that the lane is closed: nothing of it runs or can still run. Progress is final.
	Drained
	// Blocked says that the lane takes nothing because Key holds its look-ahead; Cause is set if that is because a bound of the
	// park is reached. Unblocked takes that back.
	Blocked
	Unblocked
	// Braking says that the lane stopped because too many of its keys fail; Flowing takes that back.
	Braking
	Flowing
	// HandlerRefusing says that nothing but failures comes back and the worker stopped taking; HandlerAccepting takes
	// that back.
	HandlerRefusing
	HandlerAccepting
)

var effectNames = [...]string{
	Start: "Start", Complete: "Complete", Drop: "Drop", Read: "Read", ReadParked: "ReadParked", ParkMessage: "ParkMessage", Reparked: "Reparked",
	Unpark: "Unpark", Returned: "Returned", DeadLetterMessage: "DeadLetterMessage", Record: "Record", GiveBack: "GiveBack", Drained: "Drained",
	Blocked: "Blocked", Unblocked: "Unblocked", Braking: "Braking", Flowing: "Flowing", HandlerRefusing: "HandlerRefusing", HandlerAccepting: "HandlerAccepting",
}

func (k EffectKind) String() string { return effectNames[k] }

// Cause is why a message enters the park, or why it may not.
type Cause uint8

const (
	// CauseFailed: a message of the key failed for good; the key waits for Release or Discard.
	CauseFailed Cause = iota + 1
	// CauseLookAhead: the key outgrew the look-ahead; it is drained from the park without anybody's wish. The caller
	// records this cause with the sub-lane and opens such a key with Released set.
	CauseLookAhead
	// CauseMaxKeys: the lane has ParkMaxKeys parked keys, and this one is none of them. CauseMaxMessages: the key has
	// ParkMaxMessagesPerKey messages in the park.
	CauseMaxKeys
	CauseMaxMessages
)

var causeNames = [...]string{CauseFailed: "Failed", CauseLookAhead: "LookAhead", CauseMaxKeys: "MaxKeys", CauseMaxMessages: "MaxMessages"}

func (c Cause) String() string { return causeNames[c] }

// Effect is one thing for the caller to do. Which fields are set depends on Kind; Lane is set for all but
// HandlerRefusing and HandlerAccepting.
type Effect struct {
	Kind  EffectKind
	Cause Cause
	// Attempt is the number of this start of the call's first message, from 1.
	Attempt uint32
	Lane    int32
	Count   int32
	// Read numbers the reads from parks; ParkedMessages takes it back.
	Read     uint32
	Call     CallID
	Epoch    uint64
	Hash     uint64
	Key      string
	Position Position
	Sequence Sequence
	Payload  Payload
	Items    []Item
	// Progress is set for Drained alone.
	Progress *Progress
}
