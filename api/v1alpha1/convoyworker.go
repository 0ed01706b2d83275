// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package v1alpha1

import metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

// ConvoyWorker is the mailbox of one worker pod, with the pod's name and owned by it: the controller writes spec (what
// the worker is to hold), the worker writes status (what it holds). A worker watches its own object alone. If it is
// deleted the controller makes it again, empty, and the worker goes on.
// With everything at its largest, 10,000 lanes included, the object has 1.55 million bytes, which is below the 1,572,864
// that etcd takes in one request.
//
// +kubebuilder:object:root=true
// +kubebuilder:resource:shortName=cvw,categories=convoy
// +kubebuilder:subresource:status
// +kubebuilder:printcolumn:name="Slot",type=integer,JSONPath=`.spec.slot`,description="The slot that the pod is bound to; empty if none."
// +kubebuilder:printcolumn:name="Revision",type=integer,JSONPath=`.spec.revision`,description="The table revision that the spec was made from."
// +kubebuilder:printcolumn:name="Observed",type=integer,JSONPath=`.status.observedRevision`,description="The table revision that the worker has carried out; equal to Revision at rest."
// +kubebuilder:printcolumn:name="Resigned",type=boolean,JSONPath=`.status.resigned`,description="Whether the worker holds nothing and never will again."
// +kubebuilder:printcolumn:name="Age",type=date,JSONPath=`.metadata.creationTimestamp`
// +kubebuilder:validation:XValidation:rule="self.?spec.?revision.orValue(0) >= oldSelf.?spec.?revision.orValue(0)",message="spec.revision only grows: the worker ignores an older one; leave the spec to the controller",fieldPath=".spec"
// +kubebuilder:validation:XValidation:rule="!oldSelf.?status.?resigned.orValue(false) || self.?status.?resigned.orValue(false)",message="a worker that has resigned stays so: leave status.resigned true, a new pod takes its place",fieldPath=".status"
// +kubebuilder:validation:XValidation:rule="self.?status.?incarnation.orValue(0) >= oldSelf.?status.?incarnation.orValue(0)",message="status.incarnation only grows: an earlier process of this worker must not report any more",fieldPath=".status"
// +kubebuilder:validation:XValidation:rule="self.?status.?observedRevision.orValue(0) >= oldSelf.?status.?observedRevision.orValue(0)",message="status.observedRevision only grows: what has been carried out stays so; leave the status to the worker",fieldPath=".status"
// +kubebuilder:validation:XValidation:rule="!oldSelf.?status.?observedRevision.hasValue() || self.?status.?observedRevision.orValue(0) <= oldSelf.status.observedRevision || self.?status.?observedRevision.orValue(0) <= self.?spec.?revision.orValue(0)",message="status.observedRevision is above spec.revision: a worker cannot have carried out what it has not been told; leave the status to the worker",fieldPath=".status"
type ConvoyWorker struct {
	metav1.TypeMeta `json:",inline"`

	// metadata is the standard object's metadata. The name is the pod's.
	// +optional
	metav1.ObjectMeta `json:"metadata,omitzero"`

	// spec is what the worker is to hold. Written by the controller, empty at first.
	// +optional
	// +kubebuilder:validation:XValidation:rule="self.?revision.orValue(0) != oldSelf.?revision.orValue(0) || (has(self.slot) == has(oldSelf.slot) && (!has(self.slot) || self.slot == oldSelf.slot) && has(self.leaving) == has(oldSelf.leaving) && (!has(self.leaving) || self.leaving == oldSelf.leaving) && has(self.quarantineSeconds) == has(oldSelf.quarantineSeconds) && (!has(self.quarantineSeconds) || self.quarantineSeconds == oldSelf.quarantineSeconds) && has(self.lanes) == has(oldSelf.lanes) && (!has(self.lanes) || self.lanes == oldSelf.lanes) && has(self.shards) == has(oldSelf.shards) && (!has(self.shards) || self.shards == oldSelf.shards))",message="a spec of one table revision is not changed, since the worker may have answered it: leave the spec to the controller, which raises revision"
	Spec *ConvoyWorkerSpec `json:"spec,omitempty"`

	// status is what the worker holds. Written by the worker.
	// +optional
	Status *ConvoyWorkerStatus `json:"status,omitempty"`
}

// ConvoyWorkerSpec is what one worker is to hold, as of one revision of the lane table.
type ConvoyWorkerSpec struct {
	// revision is the revision of the lane table that this spec was made from; it only grows. Absent, that is 0, before
	// the first; at most 140,737,488,355,327. What is said at one revision is not changed. Example: 118.
	// +optional
	// +kubebuilder:validation:Minimum=0
	// +kubebuilder:validation:Maximum=140737488355327
	Revision *int64 `json:"revision,omitempty"`

	// slot is the slot that the pod is bound to, 0 to 9,999. Absent while it is bound to none. Example: 3.
	// +optional
	// +kubebuilder:validation:Minimum=0
	// +kubebuilder:validation:Maximum=9999
	Slot *int32 `json:"slot,omitempty"`

	// leaving says that the worker will get no more lanes, because its pod is on its way out. Default: false.
	// Example: true.
	// +optional
	Leaving *bool `json:"leaving,omitempty"`

	// sample says that the worker is to count the pool's backlog and report it in status.backlog. One worker of a pool is
	// asked: that of the lowest slot that has a pod. Default: false. Example: true.
	// +optional
	Sample *bool `json:"sample,omitempty"`

	// quarantineSeconds is how long after the write of its epoch a forced grant waits, in seconds, up to 3,900. Default: 0.
	// Example: 40.
	// +optional
	// +kubebuilder:validation:Minimum=0
	// +kubebuilder:validation:Maximum=3900
	QuarantineSeconds *int32 `json:"quarantineSeconds,omitempty"`

	// lanes are the lanes to hold, by ascending number, up to 10,000. Example: [{lane: 5, epoch: 7}].
	// +optional
	// +listType=atomic
	// +kubebuilder:validation:MaxItems=10000
	// +kubebuilder:validation:XValidation:rule="self.transformList(i, l, l.lane - i).isSorted()",message="lanes ascend by number, each once: leave the spec to the controller"
	Lanes []LaneGrant `json:"lanes,omitempty"`

	// shards are the shards to route, by ascending number, up to 256. Example: [{shard: 0, epoch: 3}].
	// +optional
	// +listType=atomic
	// +kubebuilder:validation:MaxItems=256
	// +kubebuilder:validation:XValidation:rule="self.transformList(i, s, s.shard - i).isSorted()",message="shards ascend by number, each once: leave the spec to the controller"
	Shards []ShardGrant `json:"shards,omitempty"`

	// action is the ConvoyAction to be carried out on the parked keys of the worker's lanes; one at a time. It is not part of
	// what a revision says. Absent while there is none. Example: {uid: 5d2b, type: Release, keysPerMinute: 600}.
	// +optional
	Action *ActionOrder `json:"action,omitempty"`
}

// LaneGrant is the right to run one lane at one epoch.
type LaneGrant struct {
	// lane is the lane's number, 0 to 9,999. Example: 5.
	// +required
	// +kubebuilder:validation:Minimum=0
	// +kubebuilder:validation:Maximum=9999
	Lane int32 `json:"lane"`

	// epoch is the grant's fencing token, up to 140,737,488,355,327; the worker writes it to the broker before anything
	// else. Example: 7.
	// +required
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=140737488355327
	Epoch int64 `json:"epoch,omitempty"`

	// forced says that an earlier owner may still run: the worker waits quarantineSeconds before it starts a message.
	// Default: false. Example: true.
	// +optional
	Forced *bool `json:"forced,omitempty"`
}

// ShardGrant is the right to route one shard at one epoch.
type ShardGrant struct {
	// shard is the shard's number, 0 to 255. Example: 0.
	// +required
	// +kubebuilder:validation:Minimum=0
	// +kubebuilder:validation:Maximum=255
	Shard int32 `json:"shard"`

	// epoch is the grant's fencing token, up to 140,737,488,355,327; the worker writes it to the broker before anything
	// else. Example: 3.
	// +required
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=140737488355327
	Epoch int64 `json:"epoch,omitempty"`

	// forced says that an earlier owner may still run: the worker waits quarantineSeconds before it routes a message.
	// Default: false. Example: true.
	// +optional
	Forced *bool `json:"forced,omitempty"`
}

// ConvoyWorkerList is a list of workers.
//
// +kubebuilder:object:root=true
type ConvoyWorkerList struct {
	metav1.TypeMeta `json:",inline"`

	// metadata is the standard list's metadata.
	// +optional
	metav1.ListMeta `json:"metadata,omitzero"`

	// items are the workers.
	Items []ConvoyWorker `json:"items"`
}
