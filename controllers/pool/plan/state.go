// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package plan

import (
	"time"

	"convoy.dev/convoy/worker/drain"
)

// State is everything a plan is made from: one observation of the world.
type State struct {
	// Live says that every object below was read from the API server itself, none from a cache, the table before
	// workers and pods. Only such a state may rebuild a table, by compare-and-swap on the table as it was read: a
	// healthy history that has moved on between the reads may look old, and is then not touched.
	Live bool
	// Table is nil when the pool has none.
	Table *Table
	// Foreign says that no controller has written the table to the object that has it: it was made a moment ago and is
	// empty, or somebody has put it back from a copy.
	Foreign bool
	// Version is the resource version of the table's object: every table that was lost had been written before.
	Version    int64
	Pool       Pool
	Pods       []Pod
	Workers    []Worker
	Deployment Deployment
	// Absent are pods that a live read, made for this state, did not find.
	Absent []PodRef
}

// Pool is what the user wrote, and what scaling made of it.
type Pool struct {
	// Lanes and Shards are how many there are; Shards is 0 when lanes are Native.
	Lanes, Shards int
	// Wanted is the number of workers that scaling asks for.
	Wanted int
	// Suspended pools are wound down to no worker, whatever Wanted says.
	Suspended bool
	// Protocol is the range of mailbox protocols that this operator speaks.
	Protocol drain.Protocol

	Timeout          time.Duration // delivery.timeoutSeconds: a call is over this long after its start
	Fence            time.Duration // handoff.fenceSeconds: a worker unconfirmed for this long starts nothing
	DrainTimeout     time.Duration // handoff.drainTimeoutSeconds: a drain that takes longer is reported
	UnreachableAfter time.Duration // handoff.unreachableAfterSeconds: 0 = never take over by force
	SlotGrace        time.Duration // handoff.slotGraceSeconds: how long a slot may lack a usable pod

	// WatchLag is how long after a write every controller can be taken to have seen it; 0 means DefaultWatchLag.
	WatchLag time.Duration
}

// DefaultWatchLag is far more than a watch takes that works.
const DefaultWatchLag = 10 * time.Second

// Pod holds the facts about one worker pod as its object tells them. What follows from them is the plan's.
type Pod struct {
	PodRef
	// Node is the node it is bound to, "" before.
	Node    string
	Created time.Time
	// Current says that it was made from the pool's present template.
	Current bool
	// Set is the name of the ReplicaSet that made it.
	Set   string
	Phase Phase
	// Containers has the state of every container that may run: worker, handler, sidecars.
	Containers []ContainerState
	// PodGC says that pod garbage collection has spoken (condition DisruptionTarget, reason DeletionByPodGC):
	// its phase is then hearsay, not the kubelet's word.
	PodGC bool
	// Deleting says that it has a deletion timestamp.
	Deleting bool
	// Finalizer says that it carries convoy.dev/drained.
	Finalizer bool
	// ContainersReady and Ready are its conditions of these names; Ready includes the serving gate. The others say since
	// when they have been true; zero when they are false, or it is not known.
	ContainersReady, Ready           bool
	ContainersReadySince, ReadySince time.Time
	// Serving is the readiness gate convoy.dev/serving; false when not yet set. Gated says that another one, of the
	// template's own, is not True.
	Serving, Gated bool
	// Cheap says that it carries the lowest deletion cost, CostSince when it was given that, or its usual one again
	// (an annotation beside it); zero when its cost was never changed.
	Cheap     bool
	CostSince time.Time
	// WorkerDownSince is since when its convoy-worker container has not been running; zero while it runs.
	WorkerDownSince time.Time
	// BackOff says that the kubelet waits before it starts convoy-worker again (CrashLoopBackOff).
	BackOff bool
	// UnreachableSince is since when its node has not answered; zero while it does.
	UnreachableSince time.Time
}

// Phase is a pod's phase.
type Phase uint8

// The phases of a pod, as Kubernetes names them.
const (
	Pending Phase = iota
	Running
	Succeeded
	Failed
	Unknown
)

// ContainerState is a container's state.
type ContainerState uint8

// The states of a container, as Kubernetes names them.
const (
	Waiting ContainerState = iota
	Started                // state "running"
	Terminated
)

// Worker is one ConvoyWorker: the mailbox of the pod of the same name.
type Worker struct {
	// Pod is the pod that owns the object.
	Pod    PodRef
	Spec   drain.Spec
	Report drain.Report
}
