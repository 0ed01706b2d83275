// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package v1alpha1

import metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

// ConvoyPoolStatus is what the controller has observed of a pool. Volatile figures (backlog, parked) are written with a
// scaling decision, when they cross zero or change by a factor of two, at most every 30 seconds; live ones are metrics.
type ConvoyPoolStatus struct {
	// conditions say how the pool is; Ready sums them up. Types: Ready, Progressing, SourceClaimed, SourceReachable,
	// KeyExpressionValid, TemplateAccepted, PodsAdmitted and HandlerAccepting, which are True when all is well; WorkerUnreachable,
	// WorkerIncompatible, HandOverStuck, LaneBlocked, LaneStoreFull, HotLane, Braking and KeySpansLanes, which are False or
	// absent then; and Rebalancing, which is information. Example: [{type: Ready, status: "True", reason: InForce}].
	// +optional
	// +listType=map
	// +listMapKey=type
	// +kubebuilder:validation:MaxItems=32
	Conditions []metav1.Condition `json:"conditions,omitempty"`

	// observedGeneration is the metadata.generation that this status is about. A smaller number than that of the object
	// means that the controller has not yet seen the last change. Example: 3.
	// +optional
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=9007199254740991
	ObservedGeneration *int64 `json:"observedGeneration,omitempty"`

	// replicas is the number of worker pods that there are, those of a rollout included; the scale subresource shows it.
	// Example: 4.
	// +optional
	// +kubebuilder:validation:Minimum=0
	// +kubebuilder:validation:Maximum=2147483647
	Replicas *int32 `json:"replicas,omitempty"`

	// selector selects the worker pods, in the form of a list option; the scale subresource shows it.
	// Example: convoy.dev/pool=orders.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=512
	Selector *string `json:"selector,omitempty"`

	// claim is the pool's mark in the broker. Absent until the pool is about to claim its source for the first time; not to
	// be taken out by hand, since it holds what is fixed while lanes hold messages. Example: {state: InUse, store: convoy_shop_orders_lanes}.
	// +optional
	Claim *ClaimStatus `json:"claim,omitempty"`

	// workers counts workers. Example: {serving: 4, updated: 4}.
	// +optional
	Workers *WorkersStatus `json:"workers,omitempty"`

	// lanes counts lanes. Example: {count: 64, owned: 62, moving: 2}.
	// +optional
	Lanes *OwnershipStatus `json:"lanes,omitempty"`

	// shards counts shards to route. Absent with Native lanes, which are not routed.
	// Example: {count: 1, owned: 1, moving: 0}.
	// +optional
	Shards *OwnershipStatus `json:"shards,omitempty"`

	// backlog counts messages not yet completed, as the broker does. Absent while the source cannot be read.
	// Example: {messages: 1200, unrouted: 200}.
	// +optional
	Backlog *BacklogStatus `json:"backlog,omitempty"`

	// parked counts what is parked, as the workers say; the oldest keys are in their ConvoyWorkers' status.parked. Keys wait
	// there for a ConvoyAction. Example: {keys: 2, messages: 31}.
	// +optional
	Parked *ParkedStatus `json:"parked,omitempty"`

	// scaling is the last decision on the number of workers. Example: {wanted: 4, reason: BacklogAboveTarget}.
	// +optional
	Scaling *ScalingStatus `json:"scaling,omitempty"`
}

// ClaimStatus is the pool's mark in the broker, as the controller knows it.
type ClaimStatus struct {
	// state is InUse (lanes may be owned or hold messages) or Empty (no worker runs, and the last one left nothing to do).
	// In full, Empty says that no worker holds a lane or shard, and that the last one, when it had given back its lanes,
	// found no message in them that is not completed, and no key parked (release or discard them first). What is fixed
	// while lanes hold messages may be changed when it is Empty and the pool is suspended. A suspended pool completes
	// nothing: one that still has a backlog in its lanes does not become Empty. InUse is written before a lane is granted.
	// A worker that was killed, or could not reach the broker at its end, leaves InUse behind: resume the pool for a
	// moment, and suspend it again. In this version a pool with Routed lanes does not become Empty. Example: InUse.
	// +required
	State ClaimState `json:"state,omitempty"`

	// since is the revision of the lane table with which state last became InUse, up to 140,737,488,355,327: what workers
	// say of the time before is not news. Example: 118.
	// +optional
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=140737488355327
	Since *int64 `json:"since,omitempty"`

	// fingerprint stands for what is fixed (source, key expression, hash, type and number of lanes), as hexadecimal
	// digits: pools with different fingerprints cannot share lanes. Example: 5f2b8c07d1a94e36.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=128
	Fingerprint *string `json:"fingerprint,omitempty"`

	// store is the name of the store that holds the lanes: what lanes.routed.store names, or what Convoy calls the one that it
	// makes. Absent with Native lanes. Example: convoy_shop_orders_lanes.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=255
	Store *string `json:"store,omitempty"`
}

// ClaimState says whether lanes may hold messages.
// +kubebuilder:validation:Enum=InUse;Empty
type ClaimState string

const (
	// ClaimInUse means that lanes may be owned or hold messages.
	ClaimInUse ClaimState = "InUse"
	// ClaimEmpty means that nobody holds a lane or shard, and that the last worker found every message of its lanes
	// completed and no key parked when it ended.
	ClaimEmpty ClaimState = "Empty"
)

// WorkersStatus counts workers.
type WorkersStatus struct {
	// serving is how many workers are bound to a slot. Example: 4.
	// +optional
	// +kubebuilder:validation:Minimum=0
	// +kubebuilder:validation:Maximum=2147483647
	Serving *int32 `json:"serving,omitempty"`

	// updated is how many of them were made from the present template. Example: 4.
	// +optional
	// +kubebuilder:validation:Minimum=0
	// +kubebuilder:validation:Maximum=2147483647
	Updated *int32 `json:"updated,omitempty"`

	// image is the image of the container convoy-worker that the pool has. It differs from the operator's own while an
	// upgrade has not reached this pool. Absent with delivery.type Embedded. Example: convoy-worker:v0.3.0.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=512
	Image *string `json:"image,omitempty"`
}

// OwnershipStatus counts lanes, or shards.
type OwnershipStatus struct {
	// count is how many there are. Example: 64.
	// +optional
	// +kubebuilder:validation:Minimum=0
	// +kubebuilder:validation:Maximum=2147483647
	Count *int32 `json:"count,omitempty"`

	// owned is how many a worker owns. Less than count, with moving 0, means that nobody can own the others now.
	// Example: 62.
	// +optional
	// +kubebuilder:validation:Minimum=0
	// +kubebuilder:validation:Maximum=2147483647
	Owned *int32 `json:"owned,omitempty"`

	// moving is how many are on their way from one worker to another. Example: 2.
	// +optional
	// +kubebuilder:validation:Minimum=0
	// +kubebuilder:validation:Maximum=2147483647
	Moving *int32 `json:"moving,omitempty"`
}

// BacklogStatus counts messages not yet completed.
type BacklogStatus struct {
	// messages is how many there are in all, in lanes and not yet routed; parked ones are counted apart. Example: 1200.
	// +optional
	// +kubebuilder:validation:Minimum=0
	// +kubebuilder:validation:Maximum=9007199254740991
	Messages *int64 `json:"messages,omitempty"`

	// unrouted is how many of them are not yet in a lane. Absent with Native lanes. Example: 200.
	// +optional
	// +kubebuilder:validation:Minimum=0
	// +kubebuilder:validation:Maximum=9007199254740991
	Unrouted *int64 `json:"unrouted,omitempty"`

	// sampledTime is when the broker was asked. Example: "2026-01-01T00:00:00Z".
	// +optional
	SampledTime *metav1.Time `json:"sampledTime,omitempty"`
}

// ParkedStatus counts what is parked.
type ParkedStatus struct {
	// keys is how many keys are parked. Example: 2.
	// +optional
	// +kubebuilder:validation:Minimum=0
	// +kubebuilder:validation:Maximum=9007199254740991
	Keys *int64 `json:"keys,omitempty"`

	// messages is how many messages of those keys are parked. Example: 31.
	// +optional
	// +kubebuilder:validation:Minimum=0
	// +kubebuilder:validation:Maximum=9007199254740991
	Messages *int64 `json:"messages,omitempty"`

	// oldest is since when the key is parked that has been so for longest. Absent when none is.
	// Example: "2026-01-01T00:00:00Z".
	// +optional
	Oldest *metav1.Time `json:"oldest,omitempty"`

	// countedTime is when the workers' figures were summed up. Example: "2026-01-01T00:00:00Z".
	// +optional
	CountedTime *metav1.Time `json:"countedTime,omitempty"`
}

// ScalingStatus is the last decision on the number of workers.
type ScalingStatus struct {
	// wanted is how many workers are wanted. Example: 4.
	// +optional
	// +kubebuilder:validation:Minimum=0
	// +kubebuilder:validation:Maximum=2147483647
	Wanted *int32 `json:"wanted,omitempty"`

	// reason is what decided the number, in one word for programs: External, MinWorkers, MaxWorkers, Lanes,
	// BacklogAboveTarget, BacklogBelowTarget, BacklogAtTarget, Behavior, NoSample, Suspended, or the reason of the condition
	// that keeps workers away. Example: BacklogAboveTarget.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=128
	Reason *string `json:"reason,omitempty"`

	// message is why, for people. Example: "12,000 messages at 100 a second and worker: 4 workers drain them in 30 s".
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=1024
	Message *string `json:"message,omitempty"`

	// lastChangeTime is when wanted last changed. Example: "2026-01-01T00:00:00Z".
	// +optional
	LastChangeTime *metav1.Time `json:"lastChangeTime,omitempty"`
}
