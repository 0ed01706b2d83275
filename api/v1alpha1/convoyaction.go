// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package v1alpha1

import metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

// ConvoyAction asks for something to be done with a pool's parked convoys: to release them (their messages are
// processed, in order, and their keys go on) or to discard them (their messages are deleted). Who may do so is a matter
// of RBAC; it shows in the audit log and can be kept in Git. It runs once; to ask again create another.
//
// +kubebuilder:object:root=true
// +kubebuilder:resource:shortName=cva,categories=convoy
// +kubebuilder:subresource:status
// +kubebuilder:printcolumn:name="Pool",type=string,JSONPath=`.spec.pool`,description="The pool whose convoys are meant."
// +kubebuilder:printcolumn:name="Type",type=string,JSONPath=`.spec.type`,description="What is done with them."
// +kubebuilder:printcolumn:name="Complete",type=string,JSONPath=`.status.conditions[?(@.type=="Complete")].status`,description="Whether it is done."
// +kubebuilder:printcolumn:name="Keys",type=integer,JSONPath=`.status.progress.keys`,description="Keys that were selected."
// +kubebuilder:printcolumn:name="Done",type=integer,JSONPath=`.status.progress.done`,description="Keys that are done."
// +kubebuilder:printcolumn:name="Failed",type=integer,JSONPath=`.status.progress.failed`,description="Keys that failed again and stay parked."
// +kubebuilder:printcolumn:name="Age",type=date,JSONPath=`.metadata.creationTimestamp`
type ConvoyAction struct {
	metav1.TypeMeta `json:",inline"`

	// metadata is the standard object's metadata. The name is free.
	// +optional
	metav1.ObjectMeta `json:"metadata,omitzero"`

	// spec is what is to be done. It cannot be changed: create another action instead.
	// +required
	// +kubebuilder:validation:XValidation:rule="self == oldSelf",message="an action cannot be changed once it is there: create another one, and delete this one to stop it"
	Spec ConvoyActionSpec `json:"spec,omitzero"`

	// status is how far it has come. Written by the controller.
	// +optional
	Status *ConvoyActionStatus `json:"status,omitempty"`
}

// ConvoyActionSpec is what is to be done with which parked convoys.
type ConvoyActionSpec struct {
	// pool is the name of the ConvoyPool in the same namespace, up to 63 characters. A pool that does not exist is waited
	// for. Example: orders.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=63
	// +kubebuilder:validation:XValidation:rule="self.matches('^[a-z]([-a-z0-9]{0,61}[a-z0-9])?$')",message="give the name of a ConvoyPool in the same namespace: lower-case letters, digits and '-'"
	Pool string `json:"pool,omitempty"`

	// type is Release (messages are processed, in order, and the keys go on) or Discard (messages are deleted and the
	// keys go on with what comes next). Example: Release.
	// +required
	Type ActionType `json:"type,omitempty"`

	// selector says which parked keys are meant: exactly one member. Keys that are parked later are not selected.
	// Example: {keys: [order-1042]}.
	// +required
	Selector ParkedSelector `json:"selector,omitzero"`

	// ratePerSecond is how many keys are begun each second, 1 to 10,000. Default: 10. A low rate shows a handler that
	// still fails before it has failed on every key. Example: 100.
	// +optional
	// +default=10
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=10000
	RatePerSecond *int32 `json:"ratePerSecond,omitempty"`
}

// ActionType says what is done with parked convoys.
// +kubebuilder:validation:Enum=Release;Discard
type ActionType string

const (
	// ActionRelease processes the parked messages, in order.
	ActionRelease ActionType = "Release"
	// ActionDiscard deletes the parked messages.
	ActionDiscard ActionType = "Discard"
)

// ParkedSelector says which parked keys are meant. Exactly one member is set.
//
// +kubebuilder:validation:XValidation:rule="[has(self.keys), has(self.reason), has(self.parkedBefore), has(self.all)].exists_one(set, set)",message="set exactly one of keys, reason, parkedBefore and all"
type ParkedSelector struct {
	// keys are the keys meant, 1 to 256, each of 1 to 1,024 characters. A key that is not parked is passed over.
	// Example: [order-1042, order-1077].
	// +optional
	// +listType=set
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=256
	// +kubebuilder:validation:items:MinLength=1
	// +kubebuilder:validation:items:MaxLength=1024
	Keys []string `json:"keys,omitempty"`

	// reason selects keys by why they were parked: Rejected (the handler refused the message), AttemptsExhausted (every
	// attempt failed), WorkerCrashed (the message ended its worker each time) or LookAhead (nothing failed; too many
	// messages of the key waited, and they are processed from the park by themselves: Release changes nothing for them,
	// Discard deletes them). Example: AttemptsExhausted.
	// +optional
	Reason *ParkReason `json:"reason,omitempty"`

	// parkedBefore selects keys that were parked before this time, in RFC 3339. Example: "2026-01-01T00:00:00Z".
	// +optional
	ParkedBefore *metav1.Time `json:"parkedBefore,omitempty"`

	// all selects every key that is parked; it must be true where it is set. Example: true.
	// +optional
	// +kubebuilder:validation:XValidation:rule="self",message="all must be true: to select no key remove the action, to select some set keys, reason or parkedBefore"
	All *bool `json:"all,omitempty"`
}

// ParkReason says why a key was parked. The sequencer knows two causes: that a message failed for good, which is one of
// the first three here by how its last call ended, and LookAhead.
// +kubebuilder:validation:Enum=Rejected;AttemptsExhausted;WorkerCrashed;LookAhead
type ParkReason string

const (
	// ParkRejected means that the handler refused the message.
	ParkRejected ParkReason = "Rejected"
	// ParkAttemptsExhausted means that every attempt failed.
	ParkAttemptsExhausted ParkReason = "AttemptsExhausted"
	// ParkWorkerCrashed means that the message ended its worker each time.
	ParkWorkerCrashed ParkReason = "WorkerCrashed"
	// ParkLookAhead means that nothing failed: the key outgrew the look-ahead and is processed from the park by itself.
	ParkLookAhead ParkReason = "LookAhead"
)

// ConvoyActionStatus is how far an action has come.
type ConvoyActionStatus struct {
	// conditions say how the action is. Complete is True at its end, once and for all; until then its reason and message say
	// what the action waits for. Reconciling is True until then, as tools that wait for objects expect.
	// Example: [{type: Complete, status: "True", reason: Released}].
	// +optional
	// +listType=map
	// +listMapKey=type
	// +kubebuilder:validation:MaxItems=8
	Conditions []metav1.Condition `json:"conditions,omitempty"`

	// observedGeneration is the metadata.generation that this status is about. Example: 1.
	// +optional
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=9007199254740991
	ObservedGeneration *int64 `json:"observedGeneration,omitempty"`

	// startTime is when the keys were selected. Example: "2026-01-01T00:00:00Z".
	// +optional
	StartTime *metav1.Time `json:"startTime,omitempty"`

	// completionTime is when the last key was done. Absent before. Example: "2026-01-01T00:01:00Z".
	// +optional
	CompletionTime *metav1.Time `json:"completionTime,omitempty"`

	// progress counts keys and messages. Example: {keys: 12, done: 11, failed: 1, messages: 340}.
	// +optional
	Progress *ActionProgress `json:"progress,omitempty"`

	// workers are the workers that had keys to do and what each has said last, up to 1,000. Those that are gone stay, so that
	// what they have done counts. Example: [{name: orders-7d9f-x2x4j, keys: 12, done: 11, failed: 1, messages: 340}].
	// +optional
	// +listType=map
	// +listMapKey=name
	// +kubebuilder:validation:MaxItems=1000
	Workers []ActionWorker `json:"workers,omitempty"`
}

// ActionWorker is what one worker has done of an action.
type ActionWorker struct {
	// name is the worker's, which is its pod's, up to 253 characters. Example: orders-7d9f-x2x4j.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	Name string `json:"name,omitempty"`

	// keys is how many keys it had to do. Example: 12.
	// +required
	// +kubebuilder:validation:Minimum=0
	// +kubebuilder:validation:Maximum=9007199254740991
	Keys int64 `json:"keys"`

	// done is how many of them are no longer parked. Example: 11.
	// +required
	// +kubebuilder:validation:Minimum=0
	// +kubebuilder:validation:Maximum=9007199254740991
	Done int64 `json:"done"`

	// failed is how many of them failed again. Example: 1.
	// +required
	// +kubebuilder:validation:Minimum=0
	// +kubebuilder:validation:Maximum=9007199254740991
	Failed int64 `json:"failed"`

	// messages is how many messages left the park. Example: 340.
	// +required
	// +kubebuilder:validation:Minimum=0
	// +kubebuilder:validation:Maximum=9007199254740991
	Messages int64 `json:"messages"`
}

// ActionProgress counts what an action has done.
type ActionProgress struct {
	// keys is how many keys were selected. Example: 12.
	// +optional
	// +kubebuilder:validation:Minimum=0
	// +kubebuilder:validation:Maximum=9007199254740991
	Keys *int64 `json:"keys,omitempty"`

	// done is how many of them are done: no longer parked. Example: 11.
	// +optional
	// +kubebuilder:validation:Minimum=0
	// +kubebuilder:validation:Maximum=9007199254740991
	Done *int64 `json:"done,omitempty"`

	// failed is how many of them failed again and stay parked. Example: 1.
	// +optional
	// +kubebuilder:validation:Minimum=0
	// +kubebuilder:validation:Maximum=9007199254740991
	Failed *int64 `json:"failed,omitempty"`

	// messages is how many messages were released or discarded. Example: 340.
	// +optional
	// +kubebuilder:validation:Minimum=0
	// +kubebuilder:validation:Maximum=9007199254740991
	Messages *int64 `json:"messages,omitempty"`
}

// ConvoyActionList is a list of actions.
//
// +kubebuilder:object:root=true
type ConvoyActionList struct {
	metav1.TypeMeta `json:",inline"`

	// metadata is the standard list's metadata.
	// +optional
	metav1.ListMeta `json:"metadata,omitzero"`

	// items are the actions.
	Items []ConvoyAction `json:"items"`
}
