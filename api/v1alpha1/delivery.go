// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package v1alpha1

// Delivery says how messages reach the handler.
//
// +kubebuilder:validation:XValidation:rule="self.?type.orValue('HTTP') != 'Embedded' || !has(self.http)",message="http goes with type HTTP: remove it, or set type to HTTP"
type Delivery struct {
	// type is HTTP (a call to the handler's container in the same pod) or Embedded (the handler is built on Convoy's Go
	// library and is the worker itself: the first container of the template, to which the worker's settings and mounts are
	// given; no container is added). Default: HTTP. Example: Embedded.
	// +optional
	// +default="HTTP"
	Type *DeliveryType `json:"type,omitempty"`

	// http says where the handler listens. Only with type HTTP. Default: port 8080, path /. Example: {port: 9000}.
	// +optional
	HTTP *HTTPDelivery `json:"http,omitempty"`

	// maxInFlightKeys is how many keys one worker runs at the same time, 1 to 10,000. Default: 32. A key has one call at
	// a time, so this is also the largest number of calls that a handler sees at once. Example: 100.
	// +optional
	// +default=32
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=10000
	MaxInFlightKeys *int32 `json:"maxInFlightKeys,omitempty"`

	// timeoutSeconds is how long a call may take, in seconds, 1 to 3,600. Default: 30. The handler must stop working on
	// a call within this time: the key's next message may start elsewhere after it, so a handler that goes on breaks the
	// order. At most handoff.drainTimeoutSeconds. Example: 5.
	// +optional
	// +default=30
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=3600
	TimeoutSeconds *int32 `json:"timeoutSeconds,omitempty"`

	// retry says how a message that failed is tried again, its key waiting and every other going on. Default: 5 attempts
	// with 200 ms to 30 s between them. Example: {maxAttempts: 10}.
	// +optional
	// +default={}
	Retry *Retry `json:"retry,omitempty"`

	// onFailure says what becomes of a message that failed for good. Default: its key is parked. Example: {type: Block}.
	// +optional
	// +default={}
	OnFailure *OnFailure `json:"onFailure,omitempty"`

	// batch says how many messages of one key are handed over together. Default: one. Example: {maxMessages: 50}.
	// +optional
	// +default={}
	Batch *Batch `json:"batch,omitempty"`
}

// DeliveryType says how messages reach the handler.
// +kubebuilder:validation:Enum=HTTP;Embedded
type DeliveryType string

const (
	// DeliveryHTTP calls the handler's container over HTTP.
	DeliveryHTTP DeliveryType = "HTTP"
	// DeliveryEmbedded runs the handler in the worker's own process, the template's first container.
	DeliveryEmbedded DeliveryType = "Embedded"
)

// HTTPDelivery says where the handler listens, on the pod's loopback address.
type HTTPDelivery struct {
	// port is the TCP port, 1 to 65,535, but for 9440, at which the worker listens in the same pod. Default: 8080.
	// Example: 9000.
	// +optional
	// +default=8080
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=65535
	// +kubebuilder:validation:XValidation:rule="self != 9440",message="port 9440 is the worker's in every pod: let the handler listen on another"
	Port *int32 `json:"port,omitempty"`

	// path is the path of the request, up to 1,024 characters, beginning with a slash. Default: /. Example: /events.
	// +optional
	// +default="/"
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=1024
	// +kubebuilder:validation:XValidation:rule=`self.matches(r'^/([^\s[:cntrl:]?#%]|%[0-9a-fA-F]{2})*$')`,message="a path begins with / and has no spaces, control characters, query or fragment, and two hexadecimal digits after each %, for example /events"
	Path *string `json:"path,omitempty"`
}

// Retry says how a message that failed is tried again. The wait before each attempt doubles, with jitter; a handler's
// Retry-After is honoured.
//
// +kubebuilder:validation:XValidation:rule="!has(self.initialBackoffMilliseconds) || !has(self.maxBackoffMilliseconds) || self.initialBackoffMilliseconds <= self.maxBackoffMilliseconds",message="initialBackoffMilliseconds must be at most maxBackoffMilliseconds: lower the former or raise the latter"
type Retry struct {
	// maxAttempts is after how many attempts a message has failed for good, 1 to 1,000. Default: 5. It counts across
	// restarts and moves. With onFailure.type Block there is no such end. Example: 10.
	// +optional
	// +default=5
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=1000
	MaxAttempts *int32 `json:"maxAttempts,omitempty"`

	// initialBackoffMilliseconds is the wait before the second attempt, in milliseconds, 1 to 3,600,000. Default: 200.
	// Example: 1000.
	// +optional
	// +default=200
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=3600000
	InitialBackoffMilliseconds *int32 `json:"initialBackoffMilliseconds,omitempty"`

	// maxBackoffMilliseconds is the longest wait between two attempts, in milliseconds, 1 to 3,600,000. Default: 30000.
	// Example: 60000.
	// +optional
	// +default=30000
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=3600000
	MaxBackoffMilliseconds *int32 `json:"maxBackoffMilliseconds,omitempty"`
}

// Batch says how many consecutive messages of one key are handed over together. Above 1 every call over HTTP carries a list
// (application/cloudevents-batch+json), and the reply may say how many messages, from the first on, are completed
// (convoy-completed: 3): the rest is tried again. Without that header 2xx completes all, anything else none.
type Batch struct {
	// maxMessages is the largest number of messages in one call, 1 to 1,000. Default: 1, where a call carries a single
	// message and not a list of one. A call carries what is there and waits for no more, and at most 1 MiB of payloads; a
	// larger message goes by itself. The call's time is timeoutSeconds however many there are. Example: 50.
	// +optional
	// +default=1
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=1000
	MaxMessages *int32 `json:"maxMessages,omitempty"`
}
