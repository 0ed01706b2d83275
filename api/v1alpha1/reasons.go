// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package v1alpha1

// Reasons of Ready, written by the controller. While it is False the reason is the type of the condition that is to be
// mended, such as SourceClaimed, or Starting.
const (
	// ReasonInForce means that the pool works as its spec says.
	ReasonInForce = "InForce"
	// ReasonSuspended means that it stands because spec.suspend says so.
	ReasonSuspended = "Suspended"
	// ReasonStarting means that it has not worked yet and nothing is known to hinder it.
	ReasonStarting = "Starting"
	// ReasonNotPermitted means that the operator lacks a permission that its installation gives; the message has the API
	// server's words.
	ReasonNotPermitted = "NotPermitted"
)

// Reasons of SourceClaimed, found by the worker, or by the controller where it reads the source itself.
const (
	// ReasonClaimed means that the claim is this pool's.
	ReasonClaimed = "Claimed"
	// ReasonHeldByAnother means that another live pool holds the claim; the message names it.
	ReasonHeldByAnother = "HeldByAnother"
	// ReasonFingerprintDiffers means that the lanes in the broker were made for another source, key expression, or type
	// or number of lanes.
	ReasonFingerprintDiffers = "FingerprintDiffers"
	// ReasonSourceNotFound means that the broker has no such source.
	ReasonSourceNotFound = "SourceNotFound"
	// ReasonSourceUnreachable means that the broker does not answer. SourceReachable has it, too.
	ReasonSourceUnreachable = "SourceUnreachable"
	// ReasonAccessDenied means that the broker refuses the pool's credentials, or a Secret is missing.
	ReasonAccessDenied = "AccessDenied"
	// ReasonStoreUnfit means that the store cannot hold the lanes as safely as the source holds its messages.
	ReasonStoreUnfit = "StoreUnfit"
)

// Reasons of SourceReachable, found by the worker. SourceUnreachable is the one of requests that fail for long.
const (
	// ReasonRequestsSucceed means that the broker does what it is asked for.
	ReasonRequestsSucceed = "RequestsSucceed"
	// ReasonRequestRefused means that the broker refuses something for good: a person has to mend what the message says.
	// SourceClaimed has it, too, for what is neither of its own reasons.
	ReasonRequestRefused = "RequestRefused"
	// ReasonHoldLost means that the broker did not confirm lanes in time, so that nothing of them starts.
	ReasonHoldLost = "HoldLost"
)

// Reasons of KeyExpressionValid.
const (
	// ReasonGivesKeys means that the expression compiles and nobody has met messages without a key alone. Set by the
	// controller.
	ReasonGivesKeys = "GivesKeys"
	// ReasonDoesNotCompile means that the expression is not CEL or has a type that is no key. Set by the controller.
	ReasonDoesNotCompile = "DoesNotCompile"
	// ReasonGivesNoKey means that none of the first messages had a key. Found by the worker.
	ReasonGivesNoKey = "GivesNoKey"
)

// Reasons of TemplateAccepted, PodsAdmitted and Progressing, written by the controller.
const (
	// ReasonAccepted means that the API server took the Deployment and what belongs to it, or its pods.
	ReasonAccepted = "Accepted"
	// ReasonRefused means that the API server did not; the message has its words.
	ReasonRefused = "Refused"
	// ReasonRolledOut means that every pod is of the present template.
	ReasonRolledOut = "RolledOut"
	// ReasonRollingOut means that pods are being replaced.
	ReasonRollingOut = "RollingOut"
	// ReasonNoSurgePod means that a rollout waits for a pod that cannot be made.
	ReasonNoSurgePod = "NoSurgePod"
	// ReasonPodsNotStarting means that no pod of the present template comes to run: no node fits, an image cannot be pulled,
	// a container ends again and again. The message has the kubelet's or the scheduler's words.
	ReasonPodsNotStarting = "PodsNotStarting"
)

// Reasons of HandlerAccepting, found by the worker.
const (
	// ReasonCallsSucceed means that calls come back with other than failures.
	ReasonCallsSucceed = "CallsSucceed"
	// ReasonOnlyFailures means that nothing but failures comes back; the message has the last.
	ReasonOnlyFailures = "OnlyFailures"
	// ReasonNoConnection means that the handler does not listen.
	ReasonNoConnection = "NoConnection"
)

// Reasons of LaneBlocked, LaneStoreFull, Braking and KeySpansLanes, found by the worker.
const (
	// ReasonAllFlow means that no lane of the worker stands and routing waits for nothing: all of these are False.
	ReasonAllFlow = "AllFlow"
	// ReasonLookAheadFull means that so many messages of one key wait that the lane cannot look past them.
	ReasonLookAheadFull = "LookAheadFull"
	// ReasonParkFull means that so many messages of one key wait because they may not be parked: the lane has
	// onFailure.park.maxKeys parked keys, or the key maxMessagesPerKey parked messages; the message says which. A lane that stands at a message without a key has the reason GivesNoKey.
	ReasonParkFull = "ParkFull"
	// ReasonLaneFull means that a lane holds lanes.routed.maxBacklogPerLane messages, and routing waits.
	ReasonLaneFull = "LaneFull"
	// ReasonStoreNearlyFull means that the store has hardly room left, and routing waits.
	ReasonStoreNearlyFull = "StoreNearlyFull"
	// ReasonManyKeysFail means that over 20% of the keys concluded in a minute failed for good, and the lane brakes.
	ReasonManyKeysFail = "ManyKeysFail"
	// ReasonKeyInTwoLanes means that a key was met in more than one Native lane; the message names both.
	ReasonKeyInTwoLanes = "KeyInTwoLanes"
	// ReasonKeysKeepLanes means that no key of the sample was met in more than one lane.
	ReasonKeysKeepLanes = "KeysKeepLanes"
)

// Reasons of HotLane, written by the controller.
const (
	// ReasonLaneDominates means that one lane has so large a share of the load that more workers would not help.
	ReasonLaneDominates = "LaneDominates"
	// ReasonLoadSpread means that no lane has.
	ReasonLoadSpread = "LoadSpread"
)

// Reasons of WorkerUnreachable, WorkerIncompatible, Rebalancing and HandOverStuck, written by the controller.
const (
	// ReasonNodeUnreachable means that the node of the worker does not answer.
	ReasonNodeUnreachable = "NodeUnreachable"
	// ReasonPodVanished means that the pod's object is gone and nobody saw its containers end.
	ReasonPodVanished = "PodVanished"
	// ReasonAllReachable means that every worker with lanes answers or is known to have stopped.
	ReasonAllReachable = "AllReachable"
	// ReasonLanesMoving means that lanes are on their way between workers.
	ReasonLanesMoving = "LanesMoving"
	// ReasonLanesSettled means that every lane is where it belongs.
	ReasonLanesSettled = "LanesSettled"
	// ReasonDrainTimeout means that a drain takes longer than handoff.drainTimeoutSeconds.
	ReasonDrainTimeout = "DrainTimeout"
	// ReasonDrainsInTime means that no drain does: HandOverStuck is False.
	ReasonDrainsInTime = "DrainsInTime"
	// ReasonProtocol means that a worker speaks no protocol number of the operator's.
	ReasonProtocol = "Protocol"
)

// Reasons of status.scaling, written by the controller: what decided the number of workers. Beside them there are Suspended
// and the reason of a condition that keeps workers away.
const (
	// ReasonExternal means that scaling.mode is External: the number is scaling.workers.
	ReasonExternal = "External"
	// ReasonMinWorkers means that scaling.minWorkers did.
	ReasonMinWorkers = "MinWorkers"
	// ReasonMaxWorkers means that scaling.maxWorkers did: more would be wanted.
	ReasonMaxWorkers = "MaxWorkers"
	// ReasonLanes means that the number of lanes did, or of those that have work: a worker without one has nothing to do.
	ReasonLanes = "Lanes"
	// ReasonBacklogAboveTarget means that the backlog wants more workers than there were.
	ReasonBacklogAboveTarget = "BacklogAboveTarget"
	// ReasonBacklogBelowTarget means that the backlog wants fewer.
	ReasonBacklogBelowTarget = "BacklogBelowTarget"
	// ReasonBacklogAtTarget means that the backlog wants as many.
	ReasonBacklogAtTarget = "BacklogAtTarget"
	// ReasonBehavior means that scaling.behavior allows no more change now.
	ReasonBehavior = "Behavior"
	// ReasonNoSample means that the source could not be read: the number stays as it was.
	ReasonNoSample = "NoSample"
)

// Reasons of Complete, written by the controller.
const (
	// ReasonReleased means that every selected key was released or failed again.
	ReasonReleased = "Released"
	// ReasonDiscarded means that every selected key was discarded.
	ReasonDiscarded = "Discarded"
	// ReasonRunning means that there are keys left.
	ReasonRunning = "Running"
	// ReasonPoolNotFound means that there is no such pool yet.
	ReasonPoolNotFound = "PoolNotFound"
	// ReasonNoOwner means that lanes have no worker that could do anything: no worker runs, or lanes are moving.
	ReasonNoOwner = "NoOwner"
	// ReasonQueued means that another action of the pool comes first.
	ReasonQueued = "Queued"
	// ReasonNothingParked means that no parked key was selected.
	ReasonNothingParked = "NothingParked"
)
