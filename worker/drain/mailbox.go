// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package drain

import "time"

// Unit names one thing that is owned: a lane, or a shard to route. Both follow the same protocol.
type Unit struct {
	Kind  Kind
	Index int32
}

// Kind tells lanes from shards.
type Kind uint8

const (
	// Lane is a range of the key-hash space (Routed) or a partition of the source (Native).
	Lane Kind = iota
	// Shard is one ordered input of the source, to be routed.
	Shard
)

// Grant is the right to run one unit at one epoch.
type Grant struct {
	Unit
	// Epoch is the fencing token of this grant. It is written to the broker before anything else.
	Epoch int64
	// Forced says that an earlier owner may still be running: after its epoch is written the worker
	// waits Spec.Quarantine before it starts a message.
	Forced bool
}

// Spec is the controller's side of the mailbox: what one worker is to hold.
type Spec struct {
	// Revision is the table revision that this spec projects. It only grows.
	Revision int64
	// Slot is the worker's slot, or -1 while it is bound to none.
	Slot int32
	// Leaving says that the worker will get no more lanes: its pod is on its way out.
	Leaving bool
	// Sample says that this worker is the one that counts the pool's backlog.
	Sample bool
	// Quarantine is how long after the write of its epoch a forced grant waits: the longest time that a
	// fenced worker may go on by any configuration the pool has had (fenceSeconds + timeoutSeconds).
	Quarantine time.Duration
	// Grants are the units to hold, ordered by kind and index.
	Grants []Grant
}

// Report is the worker's side of the mailbox: what it holds and which spec it has carried out.
type Report struct {
	// Observed is the highest spec revision that Held reflects. It answers revokes up to that revision.
	Observed int64
	// Incarnation counts the worker processes of this pod. It is raised by compare-and-swap before a
	// process opens anything.
	Incarnation int64
	// Resigned is terminal: this pod's worker holds nothing and opens nothing again, also after a restart.
	Resigned bool
	// Held are the units that the worker holds or was refused, ordered by kind and index. What is not
	// listed is not held.
	Held []Held
	// Protocol is the range of protocol numbers that the worker speaks.
	Protocol Protocol
}

// Protocol is an inclusive range of mailbox protocol numbers.
type Protocol struct{ Min, Max int32 }

// Held is one unit in a report.
type Held struct {
	Unit
	Epoch int64
	State HeldState
	// Floor is the epoch that the broker has for this unit, when State is Refused; otherwise 0.
	Floor int64
	// Waits is the key that a drain waits for, at most MaxWaits bytes of it; "" when none is known, or State is
	// another.
	Waits string
}

// MaxWaits is how much of a key a report carries, in bytes: enough to find it by.
const MaxWaits = 128

// HeldState says what a worker does with a unit.
type HeldState uint8

const (
	// Closed: not held. It is never reported: what is closed is not listed.
	Closed HeldState = iota
	// Barred: held by an earlier process of this pod, whose calls may still run. Counts as held.
	Barred
	// Opening: the epoch is being written to the broker. Counts as held.
	Opening
	// Fencing: the epoch is written; a forced grant waits until no earlier owner can run. Counts as held.
	Fencing
	// Running: messages may start. Counts as held.
	Running
	// Draining: nothing new starts; running calls end and progress is flushed. Counts as held.
	Draining
	// Refused: the broker has a higher epoch (Floor). The worker does not hold the unit at this epoch, and
	// never will. Does not count as held.
	Refused
)
