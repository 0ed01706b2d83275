// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package plan

import "strconv"

// Reason says why a lane or a shard changed hands.
type Reason uint8

const (
	// Placed: it had no owner and was given one.
	Placed Reason = iota
	// Balanced: it moves so that slots hold equally many; a slot was filled, or came back.
	Balanced
	// ScaledDown: its slot is surplus.
	ScaledDown
	// Suspended: the pool is.
	Suspended
	// RolledOut: its slot was given to a pod of the present template.
	RolledOut
	// PodDeleted: its pod is being deleted, by somebody else.
	PodDeleted
	// WorkerDown: its worker has not been running for longer than a slot may lack one.
	WorkerDown
	// Withdrawn: the pool has fewer lanes or shards than before.
	Withdrawn
	// Released: its worker acknowledged the revoke.
	Released
	// WorkerResigned: its worker has said that it holds nothing and never will.
	WorkerResigned
	// PodStopped: its pod is known to have stopped.
	PodStopped
	// WorkerLost: its worker does not answer and is not known to have stopped; the next grant is forced.
	WorkerLost
	// EpochRefused: the broker has a higher epoch than the table had; the next grant is forced.
	EpochRefused
	// Rebuilt: the table was missing or old, and the lane's entry was made from what workers say.
	Rebuilt
)

var reasons = [...]string{
	Placed: "Placed", Balanced: "Balanced", ScaledDown: "ScaledDown", Suspended: "Suspended",
	RolledOut: "RolledOut", PodDeleted: "PodDeleted", WorkerDown: "WorkerDown", Withdrawn: "Withdrawn",
	Released: "Released", WorkerResigned: "WorkerResigned", PodStopped: "PodStopped",
	WorkerLost: "WorkerLost", EpochRefused: "EpochRefused", Rebuilt: "Rebuilt",
}

func (r Reason) String() string {
	if int(r) < len(reasons) {
		return reasons[r]
	}
	return "Reason(" + strconv.Itoa(int(r)) + ")"
}
