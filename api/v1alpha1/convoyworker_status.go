// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package v1alpha1

import metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

// MaxWorkerMessage is the largest length, in characters, of a message in ConvoyWorker.status.conditions. A worker cuts
// longer ones: a status that is refused would hold up every hand-over of its lanes.
const MaxWorkerMessage = 1024

// ConvoyWorkerStatus is what one worker holds and which spec it has carried out.
//
// +kubebuilder:validation:XValidation:rule="!self.?resigned.orValue(false) || ((!has(self.lanes) || self.lanes.all(l, has(l.state) && l.state == 'Refused')) && (!has(self.shards) || self.shards.all(s, has(s.state) && s.state == 'Refused')))",message="a worker that has resigned holds no lane and no shard: leave the status to the worker"
type ConvoyWorkerStatus struct {
	// conditions are what the worker alone can know; the controller sums them up in the pool's. Types: SourceClaimed,
	// SourceReachable, KeyExpressionValid, HandlerAccepting, LaneBlocked, LaneStoreFull, Braking and KeySpansLanes. Up to 8,
	// with messages of up to 1,024 characters. Example: [{type: HandlerAccepting, status: "True", reason: CallsSucceed}].
	// +optional
	// +listType=map
	// +listMapKey=type
	// +kubebuilder:validation:MaxItems=8
	// +kubebuilder:validation:XValidation:rule="self.all(c, size(c.message) <= 1024)",message="a message of a worker's condition has at most 1024 characters: cut it"
	Conditions []metav1.Condition `json:"conditions,omitempty"`

	// observedRevision is the highest spec.revision that the lists below reflect: it answers revokes up to there. Absent
	// before the first. Example: 118.
	// +optional
	// +kubebuilder:validation:Minimum=0
	// +kubebuilder:validation:Maximum=140737488355327
	ObservedRevision *int64 `json:"observedRevision,omitempty"`

	// incarnation counts the processes of this worker, 1 to 65,535; each raises it, by compare-and-swap, before it opens
	// anything. A worker that has used them up resigns. Example: 2.
	// +optional
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=65535
	Incarnation *int64 `json:"incarnation,omitempty"`

	// resigned is terminal: the worker holds nothing and opens nothing again, also after a restart. Default: false.
	// Example: true.
	// +optional
	Resigned *bool `json:"resigned,omitempty"`

	// atRest is said by a worker that resigns, of the moment at which it does: nothing of the pool is in progress in the
	// broker, and every message of its lanes is completed; or the worker never had the claim, because the pool's fields are
	// others than those that the claim in the broker was made with. Then these fields may be changed. Default: false.
	// Example: true.
	// +optional
	AtRest *bool `json:"atRest,omitempty"`

	// protocol is the range of protocol numbers that the worker speaks. A worker that speaks none of the operator's keeps
	// what it has and gets no more. Example: {min: 1, max: 1}.
	// +optional
	Protocol *ProtocolRange `json:"protocol,omitempty"`

	// lanes are the lanes that the worker holds or was refused, by ascending number, up to 10,000. What is not listed is
	// not held. Example: [{lane: 5, epoch: 7}, {lane: 6, epoch: 2, state: Draining}].
	// +optional
	// +listType=atomic
	// +kubebuilder:validation:MaxItems=10000
	// +kubebuilder:validation:XValidation:rule="self.transformList(i, l, l.lane - i).isSorted()",message="lanes ascend by number, each once: leave the status to the worker"
	Lanes []LaneHolding `json:"lanes,omitempty"`

	// shards are the shards that the worker routes or was refused, by ascending number, up to 256.
	// Example: [{shard: 0, epoch: 3}].
	// +optional
	// +listType=atomic
	// +kubebuilder:validation:MaxItems=256
	// +kubebuilder:validation:XValidation:rule="self.transformList(i, s, s.shard - i).isSorted()",message="shards ascend by number, each once: leave the status to the worker"
	Shards []ShardHolding `json:"shards,omitempty"`

	// waits names the keys that draining lanes wait for, by ascending lane: of the first 32 of them, when a drain takes long
	// enough for somebody to ask. Example: [{lane: 6, key: order-1042}].
	// +optional
	// +listType=atomic
	// +kubebuilder:validation:MaxItems=32
	Waits []DrainWait `json:"waits,omitempty"`

	// backlog is what the broker counts for the whole pool. Reported by the worker whose spec.sample is true, alone: at once
	// when it comes, goes, doubles or halves (it is counted every 5 s), otherwise at most every 30 s, when it is another.
	// Example: {time: "2026-01-01T00:00:00.000000Z", lanes: [0, 12], shards: [200]}.
	// +optional
	Backlog *BacklogSample `json:"backlog,omitempty"`

	// parked is what is parked in the worker's lanes. Written when keys come or go, otherwise every 30 seconds at most.
	// Example: {keys: 2, messages: 31}.
	// +optional
	Parked *WorkerParked `json:"parked,omitempty"`

	// action is how far the worker has come with spec.action. Example: {uid: 5d2b, keys: 12, done: 11, failed: 1, messages: 340}.
	// +optional
	Action *ActionReport `json:"action,omitempty"`
}

// LaneHolding is one lane in a worker's report.
type LaneHolding struct {
	// lane is the lane's number, 0 to 9,999. Example: 5.
	// +required
	// +kubebuilder:validation:Minimum=0
	// +kubebuilder:validation:Maximum=9999
	Lane int32 `json:"lane"`

	// epoch is the epoch at which the worker holds it, or was refused. Example: 7.
	// +required
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=140737488355327
	Epoch int64 `json:"epoch,omitempty"`

	// state says what the worker does with the lane: Barred, Opening, Fencing, Running, Draining or Refused. Default:
	// Running, which is never written. Example: Draining.
	// +optional
	State *HoldingState `json:"state,omitempty"`

	// floor is the epoch that the broker has. Only when Refused. Example: 9.
	// +optional
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=140737488355327
	Floor *int64 `json:"floor,omitempty"`
}

// ShardHolding is one shard in a worker's report.
type ShardHolding struct {
	// shard is the shard's number, 0 to 255. Example: 0.
	// +required
	// +kubebuilder:validation:Minimum=0
	// +kubebuilder:validation:Maximum=255
	Shard int32 `json:"shard"`

	// epoch is the epoch at which the worker routes it, or was refused. Example: 3.
	// +required
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=140737488355327
	Epoch int64 `json:"epoch,omitempty"`

	// state says what the worker does with the shard: Barred, Opening, Fencing, Running, Draining or Refused. Default:
	// Running, which is never written. Example: Draining.
	// +optional
	State *HoldingState `json:"state,omitempty"`

	// floor is the epoch that the broker has. Only when Refused. Example: 9.
	// +optional
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=140737488355327
	Floor *int64 `json:"floor,omitempty"`
}

// DrainWait is the key that one draining lane waits for: a call of it runs, or may still run.
type DrainWait struct {
	// lane is the lane's number, 0 to 9,999. Example: 6.
	// +required
	// +kubebuilder:validation:Minimum=0
	// +kubebuilder:validation:Maximum=9999
	Lane int32 `json:"lane"`

	// key is the key, cut to 128 characters. Example: order-1042.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=128
	Key string `json:"key,omitempty"`
}

// HoldingState says what a worker does with a lane or shard. Every state but Refused counts as held.
// +kubebuilder:validation:Enum=Barred;Opening;Fencing;Running;Draining;Refused
type HoldingState string

const (
	// HoldingBarred means that an earlier process of this worker held it, whose calls may still run.
	HoldingBarred HoldingState = "Barred"
	// HoldingOpening means that the epoch is being written to the broker.
	HoldingOpening HoldingState = "Opening"
	// HoldingFencing means that the epoch is written and a forced grant waits until no earlier owner can run.
	HoldingFencing HoldingState = "Fencing"
	// HoldingRunning means that messages may start.
	HoldingRunning HoldingState = "Running"
	// HoldingDraining means that nothing new starts while running calls end.
	HoldingDraining HoldingState = "Draining"
	// HoldingRefused means that the broker has a higher epoch: the worker does not hold it at this epoch and never will.
	HoldingRefused HoldingState = "Refused"
)

// ProtocolRange is an inclusive range of protocol numbers.
//
// +kubebuilder:validation:XValidation:rule="self.min <= self.max",message="min must be at most max: this is the range of protocol numbers that the worker speaks"
type ProtocolRange struct {
	// min is the lowest protocol number that the worker speaks. Example: 1.
	// +required
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=2147483647
	Min int32 `json:"min,omitempty"`

	// max is the highest protocol number that the worker speaks. Example: 2.
	// +required
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=2147483647
	Max int32 `json:"max,omitempty"`
}

// BacklogSample is what the broker counted at one time for a whole pool. Counts above 999,999,999,999 are reported as that.
type BacklogSample struct {
	// time is when the broker was asked. Example: "2026-01-01T00:00:00.000000Z".
	// +required
	Time metav1.MicroTime `json:"time,omitzero"`

	// lanes are the messages not yet completed per lane, up to 10,000; the position in the list, from 0, is the lane's
	// number. Example: [0, 12].
	// +optional
	// +listType=atomic
	// +kubebuilder:validation:MaxItems=10000
	// +kubebuilder:validation:items:Minimum=0
	// +kubebuilder:validation:items:Maximum=999999999999
	Lanes []int64 `json:"lanes,omitempty"`

	// shards are the messages not yet routed per shard, up to 256, in the same way. Example: [200].
	// +optional
	// +listType=atomic
	// +kubebuilder:validation:MaxItems=256
	// +kubebuilder:validation:items:Minimum=0
	// +kubebuilder:validation:items:Maximum=999999999999
	Shards []int64 `json:"shards,omitempty"`
}
