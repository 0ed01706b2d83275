// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package v1alpha1

// Scaling says how many workers there are.
//
// +kubebuilder:validation:XValidation:rule="!has(self.minWorkers) || !has(self.maxWorkers) || self.minWorkers <= self.maxWorkers",message="minWorkers must be at most maxWorkers: lower the former or raise the latter"
// +kubebuilder:validation:XValidation:rule="self.?mode.orValue('Backlog') == 'External' || !has(self.workers)",message="with scaling.mode Backlog the operator sets the number of workers from the backlog: to bound it set scaling.minWorkers and scaling.maxWorkers, to scale by hand or by another autoscaler set scaling.mode to External; if scaling.workers is left over from mode External take it out in the same step, for example kubectl patch convoypool NAME --type merge -p '{\"spec\":{\"scaling\":{\"mode\":\"Backlog\",\"workers\":null}}}'",fieldPath=".workers"
// +kubebuilder:validation:XValidation:rule="self.?mode.orValue('Backlog') != 'External' || !has(self.workers) || self.workers >= self.minWorkers",message="scaling.workers is below scaling.minWorkers: ask for more workers or lower minWorkers (0 lets an autoscaler scale to zero)",fieldPath=".workers"
// +kubebuilder:validation:XValidation:rule="self.?mode.orValue('Backlog') != 'External' || !has(self.workers) || self.workers <= self.maxWorkers",message="scaling.workers is above scaling.maxWorkers: ask for fewer workers (before you lower maxWorkers: kubectl scale convoypool NAME --replicas=N) or raise maxWorkers",fieldPath=".workers"
// +kubebuilder:validation:XValidation:rule="self.?mode.orValue('Backlog') != 'External' || !has(self.target)",message="target goes with mode Backlog: remove it, the external scaler has a target of its own"
// +kubebuilder:validation:XValidation:rule="self.?mode.orValue('Backlog') != 'External' || !has(self.behavior)",message="behavior goes with mode Backlog: remove it, the external scaler has a behavior of its own"
type Scaling struct {
	// mode is Backlog (the operator sets the number of workers from the lanes' backlog) or External (a person, an HPA or
	// KEDA sets it by the scale subresource). Default: Backlog. Example: External.
	// +optional
	// +default="Backlog"
	Mode *ScalingMode `json:"mode,omitempty"`

	// minWorkers is the smallest number of workers, 0 to 1,000, at most the number of lanes. Default: 1. With 0 a pool
	// without backlog sleeps; the operator must then be allowed to read the source by itself, and until it is one worker
	// stays. Example: 0.
	// +optional
	// +default=1
	// +kubebuilder:validation:Minimum=0
	// +kubebuilder:validation:Maximum=1000
	MinWorkers *int32 `json:"minWorkers,omitempty"`

	// maxWorkers is the largest number of workers, 1 to 1,000. Default: 10. Workers beyond the number of lanes would
	// have none, so there are never more. A rollout adds rollout.maxSurge pods for a while. Example: 50.
	// +optional
	// +default=10
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=1000
	MaxWorkers *int32 `json:"maxWorkers,omitempty"`

	// target is what the number of workers is chosen for. Only with mode Backlog. Default: {drainSeconds: 30}.
	// Example: {backlogPerWorker: 1000}.
	// +optional
	Target *ScalingTarget `json:"target,omitempty"`

	// behavior says how fast the number of workers may change, as in a HorizontalPodAutoscaler. Only with mode Backlog.
	// Default: up without delay, doubling or by 4 pods in 15 seconds; down after 300 seconds.
	// Example: {scaleDown: {stabilizationWindowSeconds: 60}}.
	// +optional
	Behavior *ScalingBehavior `json:"behavior,omitempty"`

	// workers is the number of workers, minWorkers to maxWorkers (at most 1,000). Only with mode External, where it is the
	// field of the scale subresource: leave it out of manifests that are applied again and again, or they undo what the
	// scaler did. To go back to mode Backlog set it to null in the same step. Default: when there is none the operator
	// writes the number of workers that there are. Example: 4.
	// +optional
	// +kubebuilder:validation:Minimum=0
	// +kubebuilder:validation:Maximum=1000
	Workers *int32 `json:"workers,omitempty"`
}

// ScalingMode says who sets the number of workers.
// +kubebuilder:validation:Enum=Backlog;External
type ScalingMode string

const (
	// ScalingBacklog lets the operator set it from the lanes' backlog.
	ScalingBacklog ScalingMode = "Backlog"
	// ScalingExternal leaves it to the scale subresource.
	ScalingExternal ScalingMode = "External"
)

// ScalingTarget is what the number of workers is chosen for. Exactly one member is set.
//
// +kubebuilder:validation:XValidation:rule="[has(self.drainSeconds), has(self.backlogPerWorker)].exists_one(set, set)",message="set exactly one of drainSeconds and backlogPerWorker"
type ScalingTarget struct {
	// drainSeconds is the number of seconds within which the backlog is to be worked off at the speed measured, 1 to
	// 86,400. While no speed has been measured one worker starts and is measured. Example: 60.
	// +optional
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=86400
	DrainSeconds *int32 `json:"drainSeconds,omitempty"`

	// backlogPerWorker is how many messages of backlog each worker stands for, 1 to 1,000,000,000. Example: 1000.
	// +optional
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=1000000000
	BacklogPerWorker *int64 `json:"backlogPerWorker,omitempty"`
}

// ScalingBehavior says how fast the number of workers may change. It means what it means in a HorizontalPodAutoscaler.
type ScalingBehavior struct {
	// scaleUp bounds growth. Default: no window; the larger of 100% and 4 workers in 15 seconds.
	// Example: {policies: [{type: Pods, value: 2, periodSeconds: 60}]}.
	// +optional
	ScaleUp *ScalingRules `json:"scaleUp,omitempty"`

	// scaleDown bounds shrinking. Default: a window of 300 seconds; 100% in 15 seconds.
	// Example: {stabilizationWindowSeconds: 60}.
	// +optional
	ScaleDown *ScalingRules `json:"scaleDown,omitempty"`
}

// ScalingRules bound changes in one direction.
type ScalingRules struct {
	// stabilizationWindowSeconds is the window, in seconds, 0 to 3,600: of all numbers wanted within it the one that changes
	// least counts. Default: 0 up, 300 down. Example: 60.
	// +optional
	// +kubebuilder:validation:Minimum=0
	// +kubebuilder:validation:Maximum=3600
	StabilizationWindowSeconds *int32 `json:"stabilizationWindowSeconds,omitempty"`

	// selectPolicy says which policy holds when there are several: Max (the one that allows most), Min (the least) or
	// Disabled (no change in this direction). Default: Max. Example: Disabled.
	// +optional
	// +default="Max"
	SelectPolicy *ScalingPolicySelect `json:"selectPolicy,omitempty"`

	// policies are the bounds, 1 to 8. Default: as said at scaleUp and scaleDown. An empty list is refused, because it
	// would forbid every change: that is what selectPolicy Disabled is for. Example: [{type: Percent, value: 50, periodSeconds: 60}].
	// +optional
	// +listType=atomic
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=8
	Policies []ScalingPolicy `json:"policies,omitempty"`
}

// ScalingPolicySelect says which of several policies holds.
// +kubebuilder:validation:Enum=Max;Min;Disabled
type ScalingPolicySelect string

const (
	// SelectMax takes the policy that allows the largest change.
	SelectMax ScalingPolicySelect = "Max"
	// SelectMin takes the policy that allows the smallest change.
	SelectMin ScalingPolicySelect = "Min"
	// SelectDisabled allows no change.
	SelectDisabled ScalingPolicySelect = "Disabled"
)

// ScalingPolicy is one bound: a change of at most value in any periodSeconds.
type ScalingPolicy struct {
	// type is the unit of value: Pods, or Percent of the workers that there are. Example: Percent.
	// +required
	Type ScalingPolicyType `json:"type,omitempty"`

	// value is the largest change, in workers or percent, 1 to 1,000,000. A percentage is rounded up, so that it always
	// allows one worker. Example: 50.
	// +required
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=1000000
	Value int32 `json:"value,omitempty"`

	// periodSeconds is the time in which the change may happen, in seconds, 1 to 1,800. Example: 60.
	// +required
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=1800
	PeriodSeconds int32 `json:"periodSeconds,omitempty"`
}

// ScalingPolicyType is the unit of a policy's value.
// +kubebuilder:validation:Enum=Pods;Percent
type ScalingPolicyType string

const (
	// PolicyPods counts workers.
	PolicyPods ScalingPolicyType = "Pods"
	// PolicyPercent is a share of the workers that there are.
	PolicyPercent ScalingPolicyType = "Percent"
)
