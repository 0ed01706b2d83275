// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package plan

import (
	"slices"
	"strconv"
	"time"
)

// Table is the ledger of one pool: which slot owns each lane, which pod holds the grant, at which epoch.
// It is a value: a plan builds the next table and leaves the one it read alone.
type Table struct {
	// Revision grows by one with every write.
	Revision int64
	// Rebuilt is the revision at which the table was last made from the world instead of from the table before
	// it; 0 if it never was. It is above every revision that was ever written before, and every epoch. Grants
	// made since have epochs above it, and no mailbox keeps a revision below it: so whatever of a lost history
	// still comes to light is refused by the broker, and answers nothing of this one.
	Rebuilt int64
	// Quarantine is the longest fenceSeconds + timeoutSeconds that the pool has had since it last had no
	// worker: how long a forced grant waits. It never shrinks while a pod of older settings may run.
	Quarantine time.Duration
	// Slots are the pool's slots, by ascending Index; numbers need not be contiguous.
	Slots []Slot
	// Retired are pods that are bound to no slot and still hold lanes, by name.
	Retired []PodRef
	// Lanes and Shards hold one entry per lane and per shard; the index is the number.
	Lanes, Shards []Lane
	// Revokes says when each revision that a Releasing lane waits for was written, by ascending revision.
	Revokes []Revoke
}

// Slot is a stable worker identity. A slot is bound to at most one pod at a time.
type Slot struct {
	Index int32
	// Pod is the pod bound to the slot; zero while the slot is vacant.
	Pod PodRef
	// Leaving marks a surplus slot: its lanes drain, then it is removed.
	Leaving bool
	// Before is the pod from which a rollout took the slot. Until it is seen not to serve any more the bound pod's
	// serving gate stays False: one pod that is ready too many, and the Deployment would delete one that is not,
	// which may be this one, still draining. It is forgotten with the next write after that.
	Before PodRef
}

// PodRef is one pod, past or present: names can come again, UIDs cannot.
type PodRef struct{ Name, UID string }

// Lane is the ownership of one lane or shard.
type Lane struct {
	// Slot is where the lane belongs: the slot that has it, or that is to have it next; lane.None when no
	// slot is to have it.
	Slot int32
	// Worker is the pod that holds the grant: one of the table's slots' pods or of Retired; zero when Unowned.
	Worker PodRef
	// Epoch is the epoch of the last grant, 0 before the first. It only grows.
	Epoch int64
	State LaneState
	// Since is the revision of the revoke while Releasing, otherwise 0. Only a report that has observed at
	// least this revision answers the revoke.
	Since int64
	// Forced says that a worker before the last grant's may still run: it is set by a forced grant and
	// cleared once the lane's worker reports it Running at Epoch, unless that is of a lost history (not above
	// Rebuilt). While it is set the next grant is forced too, whatever it rests on.
	Forced bool
}

// first is the first epoch that there is.
const first = 1

// waits says that the lane's worker has to wait until nobody before it can run. That of the first epoch need not: if
// anybody had the lane before, the broker has a record that refuses it. (A worker that never came to open the lane proves
// nothing, so that Forced stays for the next one.)
func (l *Lane) waits() bool { return l.Forced && l.Epoch > first }

// LaneState is the state of a lane's ownership.
type LaneState uint8

const (
	// Unowned: nobody holds the lane. It can be granted.
	Unowned LaneState = iota
	// Owned: Worker holds the grant at Epoch.
	Owned
	// Releasing: Worker has been asked, at revision Since, to give the lane back.
	Releasing
)

func (s LaneState) String() string {
	switch s {
	case Unowned:
		return "Unowned"
	case Owned:
		return "Owned"
	case Releasing:
		return "Releasing"
	}
	return "LaneState(" + strconv.Itoa(int(s)) + ")"
}

// Revoke is the instant at which a revision that revoked lanes was planned.
type Revoke struct {
	Revision int64
	Time     time.Time
}

// equal says that the tables differ in their revision at most.
func (t *Table) equal(to *Table) bool {
	return t.Quarantine == to.Quarantine && t.Rebuilt == to.Rebuilt &&
		slices.Equal(t.Slots, to.Slots) && slices.Equal(t.Retired, to.Retired) &&
		slices.Equal(t.Lanes, to.Lanes) && slices.Equal(t.Shards, to.Shards) &&
		slices.EqualFunc(t.Revokes, to.Revokes, func(a, b Revoke) bool {
			return a.Revision == b.Revision && a.Time.Equal(b.Time)
		})
}
