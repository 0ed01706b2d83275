// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package sim

// Rule is one thing that must never happen, or at the end must have happened.
type Rule string

const (
	// DoubleOwner: two live, unfenced workers may start messages of one lane.
	DoubleOwner Rule = "DoubleOwner"
	// GivenUnreleased: a lane was given away by an ordinary grant while somebody held it: neither acknowledged as
	// released, nor stopped, nor fenced.
	GivenUnreleased Rule = "GivenUnreleased"
	// EpochBack: an epoch did not grow: in the table, or as a handler sees it.
	EpochBack Rule = "EpochBack"
	// RevisionAgain: a table was written whose revision is not above that of every table written before, lost ones
	// included. Workers' answers would count in another history than the one that they were given in.
	RevisionAgain Rule = "RevisionAgain"
	// MailboxBack: a spec older than one before was written to a pod's mailbox, or a report over that of a later
	// process, or one that takes back what was observed or that its worker resigned.
	MailboxBack Rule = "MailboxBack"
	// KeyOverlap: two calls of one key at once, and neither is the stale one of a process that was frozen between
	// the check of its hold and the call.
	KeyOverlap Rule = "KeyOverlap"
	// Skipped: a message was started before its predecessor of the same key was completed.
	Skipped Rule = "Skipped"
	// WentBack: a completed message was started again without a crash that may repeat it.
	WentBack Rule = "WentBack"
	// DeletedWithLanes: a healthy pod that holds lanes was deleted by a rollout or scale-down.
	DeletedWithLanes Rule = "DeletedWithLanes"
	// LaneDelayed: one stuck key delayed other keys.
	LaneDelayed Rule = "LaneDelayed"
	// NoRest: when the adversary rests, the pool does not come to rest: lanes without owner, messages not
	// completed, lanes out of balance, pods or gates not as wanted.
	NoRest Rule = "NoRest"
	// Restless: at rest, somebody goes on writing to the API server.
	Restless Rule = "Restless"
	// Panicked: the code under test panicked.
	Panicked Rule = "Panicked"
)
