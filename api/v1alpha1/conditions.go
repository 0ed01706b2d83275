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
	// ConditionSourceReachable says, by the worker, that the broker does what it is asked for since the claim. False when
	// a lane's hold is lost, when something is refused that a person has to mend, and when a request fails for longer than
	// handoff.fenceSeconds; the message has the broker's words.
	ConditionSourceReachable = "SourceReachable"
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
	// ConditionWorkerIncompatible says that there are workers of a version that the operator does not speak to: they keep
	// what they have and get nothing new.
	ConditionWorkerIncompatible = "WorkerIncompatible"
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
	// ConditionHotLane says, by the controller's scaling, that one lane has so large a share of the load that more workers would not help; the message
	// names lane, share, and key if known.
	ConditionHotLane = "HotLane"
	// ConditionBraking says, by the worker, that a lane has stopped because over 20% of the keys concluded in a minute
	// were parked: an outage becomes back-pressure.
	ConditionBraking = "Braking"
	// ConditionKeySpansLanes says, by the worker, that a key was met in more than one Native lane, so that its order is
	// not kept.
	ConditionKeySpansLanes = "KeySpansLanes"
)

// Condition types of a ConvoyAction, written by the controller.
const (
	// ConditionComplete says that every selected key is done or has failed again. Once True it stays so.
	ConditionComplete = "Complete"
	// ConditionReconciling is True until the action is complete, for tools that wait for objects (kstatus).
	ConditionReconciling = "Reconciling"
)
