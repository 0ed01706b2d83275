// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package v1alpha1

// Condition types of a ConvoyPool, written by the controller. "By the worker" means that workers find it, report it in
// ConvoyWorker.status.conditions, and the controller sums it up. A type that says that something is wrong (such as
// LaneBlocked) is absent or False when it is not.
const (
	// ConditionReady says that the spec is in force and nobody needs to act. It is True at zero workers, when suspended,
	// and through scaling and rebalancing.
	ConditionReady = "Ready"
	// ConditionProgressing says that the Deployment gets on with a rollout; False when it does not, for example because
	// no surge pod can be made, in the words of the ReplicaSet.
	ConditionProgressing = "Progressing"
	// ConditionSourceClaimed says that the pool holds the claim on its source and lanes.
	ConditionSourceClaimed = "SourceClaimed"
	// ConditionKeyExpressionValid says that the key expression compiles (by the controller) and gives keys on the
	// messages there are (by the worker).
	ConditionKeyExpressionValid = "KeyExpressionValid"
	// ConditionTemplateAccepted says that the API server accepted the Deployment made from the template.
	ConditionTemplateAccepted = "TemplateAccepted"
	// ConditionPodsAdmitted says that the pods of the Deployment pass admission (Pod Security, quota).
	ConditionPodsAdmitted = "PodsAdmitted"
	// ConditionHandlerAccepting says that the handler answers; False, by the worker, when nothing but failures comes
	// back. The worker then takes no messages: it does not park the world.
	ConditionHandlerAccepting = "HandlerAccepting"
	// ConditionWorkerUnreachable says that a worker with lanes does not answer and is not known to have stopped; the
	// message names pod, node, lanes, since when, and the mend.
	ConditionWorkerUnreachable = "WorkerUnreachable"
	// ConditionRebalancing says that lanes are moving. It is information: Ready stays True.
	ConditionRebalancing = "Rebalancing"
	// ConditionHandOverStuck says that a drain takes longer than handoff.drainTimeoutSeconds; the message names lane, key
	// and worker. The lane stays with its owner.
	ConditionHandOverStuck = "HandOverStuck"
	// ConditionLaneBlocked says, by the worker, that a lane has stopped at a key that cannot go on; the message names both.
	ConditionLaneBlocked = "LaneBlocked"
	// ConditionLaneStoreFull says, by the worker, that routing waits because a lane holds maxBacklogPerLane messages or
	// the store is nearly full.
	ConditionLaneStoreFull = "LaneStoreFull"
	// ConditionHotLane says that one lane has so large a share of the load that more workers would not help; the message
	// names lane, share, and key if known.
	ConditionHotLane = "HotLane"
	// ConditionBraking says, by the worker, that a lane has stopped because over 20% of the keys concluded in a minute
	// were parked: an outage becomes back-pressure.
	ConditionBraking = "Braking"
	// ConditionKeySpansLanes says, by the worker, that a key was met in more than one Native lane, so that its order is
	// not kept.
	ConditionKeySpansLanes = "KeySpansLanes"
)

// ConditionComplete is a ConvoyAction's, written by the controller: every selected key is done or has failed again.
const ConditionComplete = "Complete"

// Reasons of Ready, written by the controller. While it is False the reason is the type of the condition that is to be
// mended, such as SourceClaimed, or Starting.
const (
	// ReasonInForce means that the pool works as its spec says.
	ReasonInForce = "InForce"
	// ReasonSuspended means that it stands because spec.suspend says so.
	ReasonSuspended = "Suspended"
	// ReasonStarting means that it has not worked yet and nothing is known to hinder it.
	ReasonStarting = "Starting"
)

// Reasons of SourceClaimed, written by the controller.
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
	// ReasonSourceUnreachable means that the broker does not answer.
	ReasonSourceUnreachable = "SourceUnreachable"
	// ReasonAccessDenied means that the broker refuses the pool's credentials, or a Secret is missing.
	ReasonAccessDenied = "AccessDenied"
	// ReasonStoreUnfit means that the store cannot hold the lanes as safely as the source holds its messages.
	ReasonStoreUnfit = "StoreUnfit"
)

// Reasons of KeyExpressionValid.
const (
	// ReasonGivesKeys means that messages have keys. Set by the controller.
	ReasonGivesKeys = "GivesKeys"
	// ReasonDoesNotCompile means that the expression is not CEL or has a type that is no key. Set by the controller.
	ReasonDoesNotCompile = "DoesNotCompile"
	// ReasonGivesNoKey means that none of the first messages had a key. Found by the worker.
	ReasonGivesNoKey = "GivesNoKey"
)

// Reasons of TemplateAccepted, PodsAdmitted and Progressing, written by the controller.
const (
	// ReasonAccepted means that the API server took the Deployment, or its pods.
	ReasonAccepted = "Accepted"
	// ReasonRefused means that the API server did not; the message has its words.
	ReasonRefused = "Refused"
	// ReasonRolledOut means that every pod is of the present template.
	ReasonRolledOut = "RolledOut"
	// ReasonRollingOut means that pods are being replaced.
	ReasonRollingOut = "RollingOut"
	// ReasonNoSurgePod means that a rollout waits for a pod that cannot be made.
	ReasonNoSurgePod = "NoSurgePod"
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

// Reasons of WorkerUnreachable, Rebalancing and HandOverStuck, written by the controller.
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
)
