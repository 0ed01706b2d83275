// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package plan

import (
	"time"

	"convoy.dev/convoy/worker/drain"
)

// Plan is what is to be done. ObserveLive, MakeTable or Confirm come alone. Otherwise the table is written first, and only
// once it has been written, or needed no write, the rest: in the order of the fields, each write by itself, so
// that one that is refused keeps no other from being made.
type Plan struct {
	// ObserveLive asks for a live observation before anything is decided: the table is missing, foreign, or looks old.
	ObserveLive bool
	// MakeTable asks for an empty table, where there is none, and then for another look: nobody believes it
	// (State.Foreign), and it is rebuilt over the version that it then has.
	MakeTable bool
	// Confirm are pods that the table names and the observation lacks: to be looked for by a live read.
	Confirm []PodRef
	// Table is the next table, or nil when the present one stands.
	Table *Table
	// Moves are the changes of lanes between the two tables, each with its reason.
	Moves []Move
	// Specs are the worker specs to write, each by compare-and-swap on the object that was read.
	Specs []SpecWrite
	// Gates are the serving gates to set, each by compare-and-swap on the pod that was observed: a late write of a
	// leader that was deposed would open one too many, and the Deployment would delete another pod for it.
	Gates []Gate
	// Cheapen are pods to get the lowest deletion cost, each by compare-and-swap as well; Restore are pods to lose it.
	// A pod's gate turns False only after it has been seen cheap: who has seen it not ready has then seen its cost too.
	Cheapen, Restore []PodRef
	// Unfinalize are pods whose finalizer convoy.dev/drained comes off: they go, and hold nothing.
	Unfinalize []PodRef
	// Delete are pods to delete, so that others take their place: their worker has lanes and cannot be kept
	// running, or it has resigned though nobody deleted the pod. Each is deleted by its UID.
	Delete []PodRef
	// Replicas is what the Deployment's spec.replicas is to be, also when that is what it is. It is written by
	// compare-and-swap on the Deployment that was observed: an observation that lacks a pod made since is refused,
	// because its making has changed the Deployment's status.
	Replicas int
	// Stuck are drains that take longer than allowed, Lost are workers that do not answer.
	Stuck []Stuck
	Lost  []Lost
	// Incompatible are workers that speak no protocol of this operator's: left running, and unmoved.
	Incompatible []PodRef
	// Requeue is the next instant at which time alone changes the plan; zero if none.
	Requeue time.Time
}

// Move is one change of a lane's ownership.
type Move struct {
	drain.Unit
	From, To PodRef
	Epoch    int64
	State    LaneState // the state entered
	Reason   Reason
	Forced   bool
}

// SpecWrite is one ConvoyWorker to write.
type SpecWrite struct {
	Pod PodRef
	// Create says that the object does not exist; it is created empty, then written at the next plan.
	Create bool
	// Recheck asks for a live read of the table, made after the object was read: the write is good only if the
	// table still has the spec's revision. The object's spec was never written, so that its own revision 0
	// cannot refuse one made from an older table. A plan that writes the table needs no such read.
	Recheck bool
	Spec    drain.Spec
}

// Gate is a pod's serving gate to set.
type Gate struct {
	Pod     PodRef
	Serving bool
}

// Stuck is a drain that takes longer than drainTimeoutSeconds. Its lanes stay with their owner.
type Stuck struct {
	Worker PodRef
	Units  []drain.Unit
	// Keys has for each of the units the key that its worker says it waits for, "" when it does not say.
	Keys  []string
	Since time.Time
}

// Lost is a worker that is not known to have stopped and does not answer.
type Lost struct {
	Worker PodRef
	Node   string
	Units  []drain.Unit
	Since  time.Time
	// Takeover is when its lanes are given away by force; zero when they are not (nobody healthy, or
	// unreachableAfterSeconds is 0).
	Takeover time.Time
}
