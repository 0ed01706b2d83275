// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package v1alpha1

// Key says how the group key of a message is found.
type Key struct {
	// expression is a CEL expression whose value on a message is its key, up to 1,024 characters. Messages with the same
	// key are processed one at a time, in order. The value is a string, an integer, a bool, or
	// bytes (written in base64), of 1 to 1,024 characters; an empty one counts as none. Integers are exact, a number with a
	// fraction is refused (KeyExpressionValid says so). Fixed while lanes hold messages.
	// Example: body.order_id.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=1024
	Expression string `json:"expression,omitempty"`

	// onMissing says what becomes of a message on which the expression has no value. DeadLetter moves it to
	// delivery.onFailure.deadLetter and goes on; Block stops the shard there until the message is gone from the source
	// or the expression fits, which stops the intake of every lane. Default: DeadLetter. If the first messages of a new
	// pool have no key at all nothing is dead-lettered and routing stops. Example: Block.
	// +optional
	// +default="DeadLetter"
	OnMissing *MissingKeyPolicy `json:"onMissing,omitempty"`
}

// MissingKeyPolicy says what becomes of a message without a key.
// +kubebuilder:validation:Enum=DeadLetter;Block
type MissingKeyPolicy string

const (
	// MissingDeadLetter moves the message to the dead-letter destination and goes on.
	MissingDeadLetter MissingKeyPolicy = "DeadLetter"
	// MissingBlock stops the shard at the message.
	MissingBlock MissingKeyPolicy = "Block"
)
