// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package v1alpha1

import corev1 "k8s.io/api/core/v1"

// ContainerSettings configures the container convoy-worker that is added to each pod.
type ContainerSettings struct {
	// image is the image of the container, up to 512 characters. Default: the image that the operator names; after an
	// upgrade of the operator pools move to its new image a few at a time. An image of your own must speak the operator's
	// protocol, or its workers keep what they have and get no more. Only with delivery.type HTTP.
	// Example: registry.shop.example/convoy-worker:v0.3.0.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=512
	// +kubebuilder:validation:XValidation:rule=`self.matches(r'^\S+$')`,message="an image has no white space: write it as registry/name:tag, for example registry.shop.example/convoy-worker:v0.3.0"
	Image *string `json:"image,omitempty"`

	// imagePullPolicy is Always, IfNotPresent or Never. Default: as for every container, Always for the tag latest and
	// IfNotPresent for others. Only with delivery.type HTTP. Example: IfNotPresent.
	// +optional
	ImagePullPolicy *ImagePullPolicy `json:"imagePullPolicy,omitempty"`

	// resources are the requests and limits of the container. Default: none. Its memory grows with the number of lanes
	// and of keys in flight. Only with delivery.type HTTP. Example: {requests: {cpu: 100m, memory: 128Mi}}.
	// +optional
	// +kubebuilder:validation:XValidation:rule="!has(self.requests) || !has(self.limits) || ['cpu', 'memory', 'ephemeral-storage'].all(r, !(r in self.requests) || !(r in self.limits) || quantity(string(self.requests[r])).compareTo(quantity(string(self.limits[r]))) <= 0)",message="a request is above its limit: lower it in worker.resources.requests or raise it in worker.resources.limits"
	// +kubebuilder:validation:XValidation:rule="['cpu', 'memory', 'ephemeral-storage'].all(r, (!has(self.requests) || !(r in self.requests) || quantity(string(self.requests[r])).compareTo(quantity('0')) >= 0) && (!has(self.limits) || !(r in self.limits) || quantity(string(self.limits[r])).compareTo(quantity('0')) >= 0))",message="a request or limit is negative: give 0 or more in worker.resources.requests and worker.resources.limits"
	Resources *corev1.ResourceRequirements `json:"resources,omitempty"`

	// logLevel is Debug, Info, Warn or Error. Default: Info. With delivery.type Embedded the library's own log obeys it.
	// Example: Debug.
	// +optional
	// +default="Info"
	LogLevel *LogLevel `json:"logLevel,omitempty"`
}

// ImagePullPolicy says when a node pulls an image.
// +kubebuilder:validation:Enum=Always;IfNotPresent;Never
type ImagePullPolicy string

// The pull policies of Kubernetes.
const (
	PullAlways       ImagePullPolicy = ImagePullPolicy(corev1.PullAlways)
	PullIfNotPresent ImagePullPolicy = ImagePullPolicy(corev1.PullIfNotPresent)
	PullNever        ImagePullPolicy = ImagePullPolicy(corev1.PullNever)
)

// LogLevel says how much a worker logs.
// +kubebuilder:validation:Enum=Debug;Info;Warn;Error
type LogLevel string

const (
	// LogDebug logs each step of a hand-over.
	LogDebug LogLevel = "Debug"
	// LogInfo logs what changes.
	LogInfo LogLevel = "Info"
	// LogWarn logs what may need somebody's attention.
	LogWarn LogLevel = "Warn"
	// LogError logs what needs somebody's attention.
	LogError LogLevel = "Error"
)
