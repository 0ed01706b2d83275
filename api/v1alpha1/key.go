// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package v1alpha1

// Key says how the group key of a message is found.
type Key struct {
	// expression is a CEL expression whose value on a message is its key, up to 1,024 characters. Messages with the same
	// key are processed one at a time, in order. It can use these variables: body (the payload as JSON; null if empty),
	// data (the payload, bytes), subject (the NATS subject, a string), headers (a map from names to their first values,
	// strings), key (the broker's own key of the message, a string; empty with NATS), timestamp (when the source took the
	// message) and shard (the number of the source's ordered input, an int); and CEL's extensions for strings, base64,
	// regular expressions and optional values. The value is a string, an int or uint (written in decimal), a bool (true or
	// false), or bytes (written in base64), of 1 to 1,024 bytes of text; an empty one counts as none. JSON integers are
	// exact up to 64 bits; a double (a number with a fraction, an exponent, or more than 64 bits) is never a key.
	// KeyExpressionValid says what is wrong with an expression. Fixed while lanes hold messages.
	// Example: body.order_id.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=1024
	// +kubebuilder:validation:XValidation:rule=`self.matches(r'\S')`,message="a key expression is not blank: write CEL over the message, for example body.order_id"
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
