// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package v1alpha1

// OnFailure says what becomes of a message that failed for good: that the handler rejected, or whose attempts are used
// up.
//
// +kubebuilder:validation:XValidation:rule="self.?type.orValue('Park') == 'Park' || !has(self.park)",message="park goes with type Park: remove it, or set type to Park"
type OnFailure struct {
	// type is Park (the message and every later one of its key are set aside, in order, until a ConvoyAction releases or
	// discards them), DeadLetter (the message is moved to deadLetter.destination and its key goes on) or Block (the
	// message is tried again for ever and its key waits; its lane stops when too much waits behind it). Default: Park.
	// Example: DeadLetter.
	// +optional
	// +default="Park"
	Type *FailureType `json:"type,omitempty"`

	// park bounds what may be parked. Only with type Park. Default: what its fields default to.
	// Example: {maxKeys: 10000}.
	// +optional
	Park *Park `json:"park,omitempty"`

	// deadLetter says where dead letters go. Only where something is dead-lettered: with type DeadLetter, or with
	// key.onMissing DeadLetter. Default: to a store that Convoy makes beside the lanes.
	// Example: {destination: orders.dead}.
	// +optional
	DeadLetter *DeadLetter `json:"deadLetter,omitempty"`
}

// FailureType says what becomes of a message that failed for good.
// +kubebuilder:validation:Enum=Park;DeadLetter;Block
type FailureType string

const (
	// FailurePark sets the message and every later one of its key aside, in order.
	FailurePark FailureType = "Park"
	// FailureDeadLetter moves the message away; its key goes on.
	FailureDeadLetter FailureType = "DeadLetter"
	// FailureBlock tries the message again for ever; its key waits.
	FailureBlock FailureType = "Block"
)

// Park bounds what may be parked. What would go beyond a bound is treated as with type Block: nothing is lost.
type Park struct {
	// maxKeys is how many keys of one lane may be parked, 1 to 100,000. Default: 1024. A further key that fails waits
	// and is tried again; its lane waits when too much waits behind it (LaneBlocked says so). Example: 10000.
	// +optional
	// +default=1024
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=100000
	MaxKeys *int32 `json:"maxKeys,omitempty"`

	// maxMessagesPerKey is how many messages of one key may be parked, 1 to 1,000,000. Default: 1024. The rest of
	// such a key stays in its lane, which waits when that is too much (LaneBlocked says so). Example: 10000.
	// +optional
	// +default=1024
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=1000000
	MaxMessagesPerKey *int32 `json:"maxMessagesPerKey,omitempty"`
}

// DeadLetter says where dead letters go.
type DeadLetter struct {
	// destination is where in the source's broker dead letters are written, up to 255 characters; with NATS a subject
	// without wildcards that a stream stores. A message stays where it is until its copy there is stored. The destination
	// must not be a subject that the pool reads: dead letters would come back as messages. What source.nats.subjects or
	// lanes.native.nats.subjects names is refused; of a stream that is read whole the API server does not know the
	// subjects, so see to it yourself that another stream stores the destination. Example: orders.dead.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=255
	// +kubebuilder:validation:XValidation:rule=`self.matches(r'^[^\s.*>]+(\.[^\s.*>]+)*$')`,message="write a destination as tokens with dots between them, without wildcards, for example orders.dead"
	Destination string `json:"destination,omitempty"`
}
