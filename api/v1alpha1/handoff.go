// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package v1alpha1

// Handoff says how long a hand-over of lanes may take, and when a worker that does not answer is given up.
type Handoff struct {
	// drainTimeoutSeconds is after how many seconds a drain that has not ended is reported (HandOverStuck names lane, key
	// and worker), 1 to 7,200; the lane stays with its owner all the same. It is also how much is added to the grace
	// period of worker pods. Default: 60. At least delivery.timeoutSeconds. Example: 300.
	// +optional
	// +default=60
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=7200
	DrainTimeoutSeconds *int32 `json:"drainTimeoutSeconds,omitempty"`

	// unreachableAfterSeconds is after how many seconds a worker on a node that does not answer is given up and its lanes
	// are taken over by force, 0 to 86,400. Default: 60. 0 means never: the lanes wait for the node or for a person.
	// Example: 300.
	// +optional
	// +default=60
	// +kubebuilder:validation:Minimum=0
	// +kubebuilder:validation:Maximum=86400
	UnreachableAfterSeconds *int32 `json:"unreachableAfterSeconds,omitempty"`

	// fenceSeconds is for how many seconds a worker may go on without the broker's word that it still owns its lanes, 2
	// to 300. Default: 10. Then it starts nothing more and cancels its calls. Whoever takes its lanes over by force waits
	// this long and delivery.timeoutSeconds more. Lower it for a faster take-over, raise it for a broker that is often
	// away for a moment. Example: 30.
	// +optional
	// +default=10
	// +kubebuilder:validation:Minimum=2
	// +kubebuilder:validation:Maximum=300
	FenceSeconds *int32 `json:"fenceSeconds,omitempty"`

	// slotGraceSeconds is for how many seconds the lanes of a worker that stopped wait for its replacement before the
	// others take them, 0 to 300. Default: 3. Lanes that the others took come back once when the replacement is there.
	// Example: 15.
	// +optional
	// +default=3
	// +kubebuilder:validation:Minimum=0
	// +kubebuilder:validation:Maximum=300
	SlotGraceSeconds *int32 `json:"slotGraceSeconds,omitempty"`

	// allowPreStop accepts a template whose containers have preStop hooks of their own. Default: false, because such a
	// hook runs before the worker has drained, and one that closes the handler's server fails the calls that still run.
	// Convoy's own hook is not added to a container that has one. Example: true.
	// +optional
	// +default=false
	AllowPreStop *bool `json:"allowPreStop,omitempty"`
}

// Rollout says how pods are replaced when the template changes.
//
// +kubebuilder:validation:XValidation:rule="!has(self.maxSurge) || !has(self.maxUnavailable) || self.maxSurge > 0 || self.maxUnavailable > 0",message="with maxSurge and maxUnavailable both 0 no pod could be replaced: set one of them to 1 or more"
type Rollout struct {
	// maxSurge is how many pods more than wanted may run during a rollout, 0 to 1,000. Default: 1. With 1 or more each
	// lane moves once; with 0 it moves twice, because there is no new pod yet when an old one goes. Example: 3.
	// +optional
	// +default=1
	// +kubebuilder:validation:Minimum=0
	// +kubebuilder:validation:Maximum=1000
	MaxSurge *int32 `json:"maxSurge,omitempty"`

	// maxUnavailable is how many of the wanted pods may be missing during a rollout, 0 to 1,000. Default: 0. The lanes of
	// missing pods are with the others. Example: 1.
	// +optional
	// +default=0
	// +kubebuilder:validation:Minimum=0
	// +kubebuilder:validation:Maximum=1000
	MaxUnavailable *int32 `json:"maxUnavailable,omitempty"`

	// minReadySeconds is for how many seconds a new pod must have served before the next is replaced, 0 to 3,600.
	// Default: 0. Example: 30.
	// +optional
	// +default=0
	// +kubebuilder:validation:Minimum=0
	// +kubebuilder:validation:Maximum=3600
	MinReadySeconds *int32 `json:"minReadySeconds,omitempty"`
}
