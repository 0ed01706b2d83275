// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package explain

import "convoy.dev/convoy/api/v1alpha1"

// ofLanes are the reasons that have to do with lanes and keys.
var ofLanes = map[string]Advice{
	v1alpha1.ReasonAllFlow: {Means: "No lane stands, and routing waits for nothing."},
	v1alpha1.ReasonLookAheadFull: {
		Means: "So many messages of one key wait that its lane cannot look past them. The other keys of this lane wait with it.",
		Mend: "See why the key does not go on: its handler fails or is slow. spec.delivery.onFailure says what becomes of a message " +
			"that always fails; type Block keeps the lane waiting.",
	},
	v1alpha1.ReasonParkFull: {
		Means: "As much is parked as may be, so that the next key that fails stops its lane.",
		Mend: "Mend the handler, then release what is parked (`kubectl convoy release {pool} -n {namespace} --all`), or discard it; or raise " +
			"spec.delivery.onFailure.park.",
	},
	v1alpha1.ReasonLaneFull: {
		Means: "A lane holds spec.lanes.routed.maxBacklogPerLane messages. Routing waits for every lane, so that the source's own lag " +
			"stays meaningful.",
		Mend: "See why the lane does not go on (another finding may say it), or raise maxBacklogPerLane.",
	},
	v1alpha1.ReasonStoreNearlyFull: {
		Means: "The store of the lanes has hardly room left, so that routing waits. Nothing is lost.",
		Mend:  "Raise spec.lanes.routed.store.maxBytes, or the broker's own limit, or see why the lanes do not go on.",
	},
	v1alpha1.ReasonManyKeysFail: {
		Means: "Over 20% of the keys concluded within a minute failed for good: a lane stopped rather than give up more.",
		Mend:  "Mend the handler, or what it depends on. The lane goes on by itself.",
	},
	v1alpha1.ReasonKeyInTwoLanes: {
		Means: "Messages of one key are in several Native lanes. Their order cannot be kept.",
		Mend: "Make the producer, or the stream's subject mapping, partition by what spec.key.expression says; or change the " +
			"expression to what it partitions by.",
	},
	v1alpha1.ReasonKeysKeepLanes: {Means: "No key of the sample was met in more than one lane."},
	v1alpha1.ReasonLaneDominates: {
		Means: "One lane has so large a share of the load that more workers would not help: a lane has one worker.",
		Mend: "If one key is the cause, make its handler faster or its key finer. If many keys share the lane by chance, a pool with " +
			"more lanes spreads them.",
	},
	v1alpha1.ReasonLoadSpread:   {Means: "No lane has so large a share of the load that workers would not help."},
	v1alpha1.ReasonLanesMoving:  {Means: "Lanes are on their way between workers. The others go on."},
	v1alpha1.ReasonLanesSettled: {Means: "No lane is on its way."},
	v1alpha1.ReasonDrainTimeout: {
		Means: "A worker has been giving back lanes for longer than spec.handoff.drainTimeoutSeconds, because calls of its handler " +
			"have not ended. The lanes stay with it; everything else goes on.",
		Mend: "See what the handler does with the key that the message names: `kubectl logs -n {namespace} POD`. A call is over after " +
			"spec.delivery.timeoutSeconds at the latest. Only if nothing else helps delete the pod: its calls are cut off.",
	},
	v1alpha1.ReasonDrainsInTime: {Means: "No drain takes longer than spec.handoff.drainTimeoutSeconds."},
}

// ofRest are the reasons of Ready, of status.scaling and of actions.
var ofRest = map[string]Advice{
	v1alpha1.ReasonInForce:   {Means: "The pool works as its spec says."},
	v1alpha1.ReasonSuspended: {Means: "It stands because spec.suspend says so."},
	v1alpha1.ReasonStarting:  {Means: "It has not worked yet, and nothing is known to hinder it."},
	v1alpha1.ReasonNotPermitted: {
		Means: "The operator lacks a permission that its installation gives.",
		Mend:  "Ask who installed Convoy to apply its config/rbac anew, as a whole and of the operator's version.",
	},
	v1alpha1.ReasonExternal:           {Means: "spec.scaling.mode is External: the number of workers is spec.scaling.workers."},
	v1alpha1.ReasonMinWorkers:         {Means: "The number of workers is spec.scaling.minWorkers."},
	v1alpha1.ReasonMaxWorkers:         {Means: "The number of workers is spec.scaling.maxWorkers; more would be wanted.", Mend: "If the backlog is to go down sooner raise spec.scaling.maxWorkers."},
	v1alpha1.ReasonLanes:              {Means: "There are no more workers than lanes that have work: a worker without one has nothing to do."},
	v1alpha1.ReasonBacklogAboveTarget: {Means: "The backlog wants more workers than there were."},
	v1alpha1.ReasonBacklogBelowTarget: {Means: "The backlog wants fewer workers than there were."},
	v1alpha1.ReasonBacklogAtTarget:    {Means: "The backlog wants as many workers as there are."},
	v1alpha1.ReasonBehavior:           {Means: "spec.scaling.behavior allows no more change now."},
	v1alpha1.ReasonNoSample: {
		Means: "The source could not be read, so that the number of workers stays as it was.",
		Mend:  "See why it cannot be read: another finding, or the message, says it.",
	},
	v1alpha1.ReasonReleased:  {Means: "Every selected key was released, or failed again and stays parked."},
	v1alpha1.ReasonDiscarded: {Means: "Every selected key was discarded."},
	v1alpha1.ReasonRunning:   {Means: "There are keys left to do."},
	v1alpha1.ReasonNoOwner: {
		Means: "Lanes have no worker now, and only the owner of a key's lane can release or discard it.",
		Mend:  "Let the pool run at least one worker; the action goes on by itself.",
	},
	v1alpha1.ReasonQueued:        {Means: "Another action of the pool comes first."},
	v1alpha1.ReasonNothingParked: {Means: "No parked key fitted the selector."},
	v1alpha1.ReasonPoolNotFound: {
		Means: "There is no pool of that name in the namespace.",
		Mend:  "Make the pool, or delete the action and make one for the right pool: an action cannot be changed.",
	},
}
