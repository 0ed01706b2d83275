// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package broker

import (
	"context"
	"time"

	"convoy.dev/convoy/worker/order"
)

// Park is the parking store of one lane: for each key that is parked a sub-lane of its own, in order, outside the lane.
// Calls are made one at a time, LoadParked first; ReadParked may run beside the others.
//
// It is fenced: once LoadParked of a later owner has returned, no write of an earlier one counts any more, and neither
// does a late copy of the owner's own writes. Each write may be repeated when its outcome is not known.
type Park interface {
	// LoadParked reads what earlier owners parked, once the quarantine of a forced grant is over.
	LoadParked(ctx context.Context) ([]ParkedKey, error)
	// MarkParked records what is known of a key, over what was recorded before. It comes before the first message of a
	// key, and makes none parked by itself.
	MarkParked(ctx context.Context, key ParkedKey) error
	// Park appends a message to the sub-lane of a key that was marked. A message whose sequence is not above that of the
	// last one appended is there already, and nothing is done.
	Park(ctx context.Context, key string, message Message) error
	// ReadParked reads messages of a key, in order, the first one after the sequence given (0: the oldest): at least one,
	// at most as many as asked for. Their Position is 0. A broker that finds none returns an error: the caller knows that
	// there is one.
	ReadParked(ctx context.Context, key string, after order.Sequence, most int) ([]Message, error)
	// Unpark removes the messages of a key up to and including a sequence; last says that these are all of them, and that
	// the key is to be forgotten.
	Unpark(ctx context.Context, key string, through order.Sequence, last bool) error
}

// ParkedKey is one key in the parking store.
type ParkedKey struct {
	Key string
	// Reason is why it was parked, as ConvoyActions name it. Attempts is how often its first message was started, Since
	// when it was parked; both are renewed when it fails again.
	Reason   string
	Attempts uint32
	Since    time.Time
	// Released says that it is run from the park: by somebody's wish, or because it was diverted.
	Released bool
	// Action is the UID of the ConvoyAction that released it last, "" if none did.
	Action string
	// Last is the sequence of its newest message, Messages how many there are. LoadParked alone sets them.
	Last     order.Sequence
	Messages int
}
