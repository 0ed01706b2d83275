// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package v1alpha1

import metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

// LaneTable is the ledger of one pool, with the pool's name: which slot owns each lane, which worker holds the grant, at
// which epoch. The controller alone writes it, by compare-and-swap on the resource version, so that a controller that no
// longer leads cannot grant anything. Lists are written whole. A lane takes at most 40 bytes at rest and 100 while it
// moves, as long as epochs and revisions are below 100,000,000; with everything at its largest the object has 1.5 million
// bytes, which is below the 1,572,864 that etcd takes in one request. A table that is lost, or that was put back from a
// copy, is rebuilt from pods and workers' objects.
//
// +kubebuilder:object:root=true
// +kubebuilder:resource:shortName=cvt,categories=convoy
// +kubebuilder:printcolumn:name="Revision",type=integer,JSONPath=`.revision`,description="How often the table was written."
// +kubebuilder:printcolumn:name="Age",type=date,JSONPath=`.metadata.creationTimestamp`
// +kubebuilder:validation:XValidation:rule="self.revision >= oldSelf.revision",message="revision only grows: workers ignore an older one; to start from an older table delete this one, the controller rebuilds it",fieldPath=".revision"
// +kubebuilder:validation:XValidation:rule="!has(self.slots) || self.slots.all(s, (!has(s.worker) || s.worker < self.?workers.orValue([]).size()) && (!has(s.before) || s.before < self.?workers.orValue([]).size()))",message="a slot refers to a pod that is not in workers: leave the table to the controller, or delete it, and the controller rebuilds it",fieldPath=".slots"
// +kubebuilder:validation:XValidation:rule="!has(self.lanes) || self.lanes.size() == 0 || self.lanes.map(l, has(l.worker) ? l.worker : -1).max() < self.?workers.orValue([]).size()",message="a lane refers to a pod that is not in workers: leave the table to the controller, or delete it, and the controller rebuilds it",fieldPath=".lanes"
// +kubebuilder:validation:XValidation:rule="!has(self.shards) || self.shards.size() == 0 || self.shards.map(l, has(l.worker) ? l.worker : -1).max() < self.?workers.orValue([]).size()",message="a shard refers to a pod that is not in workers: leave the table to the controller, or delete it, and the controller rebuilds it",fieldPath=".shards"
type LaneTable struct {
	metav1.TypeMeta `json:",inline"`

	// metadata is the standard object's metadata. The name is the pool's, which owns the table.
	// +optional
	metav1.ObjectMeta `json:"metadata,omitzero"`

	// revision counts the writes of the table, from 1 to 140,737,488,355,327. Workers' specs carry the revision that they
	// were made from. A rebuilt table's is above every revision that any table of the pool has had before. Example: 118.
	// +required
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=140737488355327
	Revision int64 `json:"revision,omitempty"`

	// ownUID is the UID of the LaneTable that the table was written to, up to 36 characters. In a table that somebody has
	// put back from a copy it is another one's: the controller takes such a table's epochs to have been used, believes
	// nothing else of it, and rebuilds it. Absent in a table that was made a moment ago and is empty.
	// Example: 0d1f7a52-6f0e-4f57-9a55-3c1c0c5c8a7e.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=36
	OwnUID *string `json:"ownUID,omitempty"`

	// rebuilt is the revision at which the table was last made from workers' objects, because it was missing or a copy of
	// it had been put back, up to 140,737,488,355,327. Grants made since have epochs above it, and lanes whose epoch is not
	// above it stay forced until they move. Absent if that never happened. Example: 1048694.
	// +optional
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=140737488355327
	Rebuilt *int64 `json:"rebuilt,omitempty"`

	// quarantineSeconds is how long a forced grant waits before it starts a message, in seconds, up to 3,900: the longest
	// handoff.fenceSeconds + delivery.timeoutSeconds that the pool has had since it last had no worker. Example: 40.
	// +optional
	// +kubebuilder:validation:Minimum=0
	// +kubebuilder:validation:Maximum=3900
	QuarantineSeconds *int32 `json:"quarantineSeconds,omitempty"`

	// workers are the pods that slots and lanes refer to by their position in this list, from 0, up to 2,100: those bound
	// to a slot, then those that are bound to none and still hold lanes, or serve.
	// Example: [{name: orders-6d4cf56db6-x7k2p, uid: 6d6f2c1e-0b57-4c6e-9c0a-0f3a3b1f2d11}].
	// +optional
	// +listType=atomic
	// +kubebuilder:validation:MaxItems=2100
	Workers []PodRef `json:"workers,omitempty"`

	// slots are the pool's slots by ascending index, up to 1,100. Example: [{index: 0, worker: 0}, {index: 2}].
	// +optional
	// +listType=atomic
	// +kubebuilder:validation:MaxItems=1100
	// +kubebuilder:validation:XValidation:rule="self.transformList(i, s, s.index - i).isSorted()",message="slots ascend by index, each once: leave the table to the controller, or delete it, and the controller rebuilds it"
	Slots []SlotBinding `json:"slots,omitempty"`

	// lanes are the lanes of the pool, up to 10,000; the position in the list, from 0, is the lane's number.
	// Example: [{slot: 0, epoch: 7}, {slot: 1, worker: 0, epoch: 9, state: Releasing, since: 117}].
	// +optional
	// +listType=atomic
	// +kubebuilder:validation:MaxItems=10000
	Lanes []LaneOwnership `json:"lanes,omitempty"`

	// shards are the shards to route, up to 256, in the same way; none with Native lanes. A source with more shards has
	// Native lanes. Example: [{slot: 0, epoch: 3}].
	// +optional
	// +listType=atomic
	// +kubebuilder:validation:MaxItems=256
	Shards []LaneOwnership `json:"shards,omitempty"`

	// revokes says when the revisions were written that lanes and shards are Releasing since, by ascending revision, up
	// to 1,024. Example: [{revision: 117, time: "2026-01-01T00:00:00.000000Z"}].
	// +optional
	// +listType=atomic
	// +kubebuilder:validation:MaxItems=1024
	Revokes []Revoke `json:"revokes,omitempty"`
}

// PodRef is one pod, past or present: names can come again, UIDs cannot.
type PodRef struct {
	// name is the pod's name, up to 63 characters: pods of a ReplicaSet have no longer ones.
	// Example: orders-6d4cf56db6-x7k2p.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=63
	Name string `json:"name,omitempty"`

	// uid is the pod's UID, up to 36 characters. Example: 6d6f2c1e-0b57-4c6e-9c0a-0f3a3b1f2d11.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=36
	UID string `json:"uid,omitempty"`
}

// SlotBinding is a stable worker identity and the pod that is bound to it.
type SlotBinding struct {
	// index is the slot's number, 0 to 9,999; numbers need not be contiguous. Example: 3.
	// +required
	// +kubebuilder:validation:Minimum=0
	// +kubebuilder:validation:Maximum=9999
	Index int32 `json:"index"`

	// worker is the pod bound to the slot, by its position in workers, 0 to 2,099. Absent while the slot is vacant. Example: 3.
	// +optional
	// +kubebuilder:validation:Minimum=0
	// +kubebuilder:validation:Maximum=2099
	Worker *int32 `json:"worker,omitempty"`

	// before is the pod from which a rollout took the slot and that may still serve, by its position in workers, 0 to
	// 2,099. While it does, the bound pod's serving gate stays False. Absent otherwise. Example: 4.
	// +optional
	// +kubebuilder:validation:Minimum=0
	// +kubebuilder:validation:Maximum=2099
	Before *int32 `json:"before,omitempty"`

	// leaving marks a slot that is surplus: its lanes drain, then it is removed. Default: false. Example: true.
	// +optional
	Leaving *bool `json:"leaving,omitempty"`
}

// LaneOwnership says who owns one lane or shard. Its fields are few and mostly absent, because there are many of it.
//
// +kubebuilder:validation:XValidation:rule="has(self.since) == (has(self.state) && self.state == 'Releasing')",message="since is there if and only if state is Releasing: leave the table to the controller, or delete it, and the controller rebuilds it",fieldPath=".since"
type LaneOwnership struct {
	// slot is the slot to which the lane belongs, 0 to 9,999. Absent while it belongs to none. Example: 3.
	// +optional
	// +kubebuilder:validation:Minimum=0
	// +kubebuilder:validation:Maximum=9999
	Slot *int32 `json:"slot,omitempty"`

	// worker is the pod that holds the grant, by its position in the table's workers, 0 to 2,099. Absent when it is the pod
	// that is bound to slot, and when nobody holds it (state Unowned). Example: 3.
	// +optional
	// +kubebuilder:validation:Minimum=0
	// +kubebuilder:validation:Maximum=2099
	Worker *int32 `json:"worker,omitempty"`

	// epoch is the epoch of the last grant, 0 before the first; it only grows, up to 140,737,488,355,327: with 16 bits of
	// incarnation it is the 63-bit number that each delivery carries. Example: 7.
	// +required
	// +kubebuilder:validation:Minimum=0
	// +kubebuilder:validation:Maximum=140737488355327
	Epoch int64 `json:"epoch"`

	// state is Unowned (nobody holds the lane), Owned, or Releasing (its worker has been asked to give it back). Default:
	// Owned, which is never written. Example: Releasing.
	// +optional
	State *LaneState `json:"state,omitempty"`

	// since is the revision of the revoke, up to 140,737,488,355,327. Set while Releasing and at no other time: only a
	// report that has observed at least this revision answers it. Example: 117.
	// +optional
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=140737488355327
	Since *int64 `json:"since,omitempty"`

	// forced says that another worker than the last grant's may still run: the grant was forced and its worker has not
	// reported the lane Running yet, or the grant is of a table that was lost (epoch is not above rebuilt). While it is set
	// the next grant is forced too. Default: false. Example: true.
	// +optional
	Forced *bool `json:"forced,omitempty"`
}

// LaneState is the state of a lane's ownership.
// +kubebuilder:validation:Enum=Unowned;Owned;Releasing
type LaneState string

const (
	// LaneUnowned means that nobody holds the lane.
	LaneUnowned LaneState = "Unowned"
	// LaneOwned means that a worker holds the grant at the lane's epoch.
	LaneOwned LaneState = "Owned"
	// LaneReleasing means that its worker has been asked, at revision since, to give the lane back.
	LaneReleasing LaneState = "Releasing"
)

// Revoke is the instant at which a revision that revoked lanes was written.
type Revoke struct {
	// revision is the table's revision, up to 140,737,488,355,327. Example: 117.
	// +required
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=140737488355327
	Revision int64 `json:"revision,omitempty"`

	// time is when it was written. Example: "2026-01-01T00:00:00.000000Z".
	// +required
	Time metav1.MicroTime `json:"time,omitzero"`
}

// LaneTableList is a list of lane tables.
//
// +kubebuilder:object:root=true
type LaneTableList struct {
	metav1.TypeMeta `json:",inline"`

	// metadata is the standard list's metadata.
	// +optional
	metav1.ListMeta `json:"metadata,omitzero"`

	// items are the tables.
	Items []LaneTable `json:"items"`
}
