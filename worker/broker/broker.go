// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package broker

import (
	"context"

	"convoy.dev/convoy/worker/drain"
	"convoy.dev/convoy/worker/key"
	"convoy.dev/convoy/worker/order"
)

// Broker is one worker's connection to the broker of one pool.
type Broker interface {
	// Claim writes the pool's claim, or finds that it stands. A *ClaimError says who holds it or what does not fit.
	Claim(ctx context.Context, claim Claim) error
	// Open writes the token to the lane's epoch record by compare-and-swap and returns the lane. A *RefusedError says
	// that the record stands in the way: it is higher, or equal, or of the same epoch and another worker's. A record that this
	// connection wrote for the same grant does not, if that call returned no lane: its answer was lost. A *ClaimError says
	// that the claim was lost since it was made: another pool has it, or one with another fingerprint took its place.
	Open(ctx context.Context, grant Grant) (Lane, error)
	// Confirm asks which of the grants are still the newest, in as few requests as the broker allows. It returns those that
	// are not confirmed. A record that cannot be read concerns its lane alone.
	Confirm(ctx context.Context, grants []Grant) ([]Unconfirmed, error)
	// Capabilities says what differs between brokers.
	Capabilities() Capabilities
	// Close ends the connection. No other method is called after it.
	Close() error
}

// Connection is everything that a worker process has of its broker.
type Connection interface {
	Broker
	Sampler
	Settler
	Router
}

// Lane is one lane that was opened. It is over when its owner drops it; nothing has to be closed.
type Lane interface {
	Park
	// Load reads what earlier owners left: progress of the newest earlier token, and whether its owner drained. It is
	// called once the quarantine of a forced grant is over, so that it is the last word. Fenced says that another owner has
	// the lane, or that another history of the pool has begun.
	Load(ctx context.Context) (order.Opening, error)
	// Read delivers the lane's messages in lane order, the first one after the position given, until ctx ends, deliver
	// returns an error (which Read then returns), or the broker fails. It neither repeats nor skips within one call.
	// deliver gets one or more messages at once and may block: that is how the reader is slowed down. The slice belongs
	// to the reader again when deliver returns; the messages in it do not.
	Read(ctx context.Context, after order.Position, deliver func([]Message) error) error
	// Fetch reads one message again by its position. ErrGone says that the broker no longer has it.
	Fetch(ctx context.Context, at order.Position) (Message, error)
	// Flush makes the progress durable under the lane's token. final is an owner's last word: it has drained.
	Flush(ctx context.Context, progress *order.Progress, final bool) error
	// DeadLetter makes a copy of the message durable at the dead letter destination, at least once. The caller flushes
	// the message as completed only afterwards.
	DeadLetter(ctx context.Context, letter DeadLetter) error
}

// Sampler counts backlog. A worker and, for a pool without workers, the operator call it.
type Sampler interface {
	// Sample counts the messages of every lane that are not completed.
	Sample(ctx context.Context) (Backlog, error)
}

// Settler finds out whether anything of a pool is in progress. A worker that ends asks it.
type Settler interface {
	// Settle says whether the pool is at rest, and notes it with the claim if it is: no lane has an owner that loaded it
	// and has not drained, every message of every lane is completed, and no key is parked, by the word of the broker as a whole. The note
	// holds until anything is written for a lane. As long as it does, a claim of the same pool with another fingerprint
	// begins a new history: progress of the old one counts for nothing any more, whoever has a lane of it loads it in vain
	// (Fenced), and no lane is opened at an epoch that the old one had.
	Settle(ctx context.Context) (bool, error)
}

// Claim is a pool's mark in the broker: who owns its lanes, and what they are made of.
type Claim struct {
	// Cluster is the UID of the namespace kube-system; Namespace, Name and UID are the pool's.
	Cluster, Namespace, Name, UID string
	// Fingerprint is a hash of everything that gives a message its lane, key and place: source, key expression, hash
	// version, lane type and count. A claim with another one is refused, unless the pool is at rest (see Settler).
	Fingerprint string
}

// Grant is one lane, or one shard to route, held by one worker process.
type Grant struct {
	// Kind says whether Lane is the number of a lane or of a shard.
	Kind  drain.Kind
	Lane  int32
	Token drain.Token
	// Worker is the UID of the worker's pod: two workers may come to hold one epoch after a table was lost.
	Worker string
}

// Unit is what the grant is of.
func (g Grant) Unit() drain.Unit { return drain.Unit{Kind: g.Kind, Index: g.Lane} }

// Unconfirmed is a grant that the broker does not confirm: it was superseded, or nobody knows who has its lane.
type Unconfirmed struct {
	Kind  drain.Kind // of the grant, as its number and its token
	Lane  int32
	Token drain.Token
	// Record is the record of a grant that was superseded.
	Record drain.Token
	// Err says why nobody knows: the lane's record cannot be read, or is gone. It is nil for a grant that was superseded.
	Err error
}

// Unit is what the grant was of.
func (u Unconfirmed) Unit() drain.Unit { return drain.Unit{Kind: u.Kind, Index: u.Lane} }

// Message is one message of a lane.
type Message struct {
	key.Message
	// Position is the message's place in its lane, Sequence its place in its source shard.
	Position order.Position
	Sequence order.Sequence
	// Trace is what the router's tracer has to say to that of the lane's owner. It comes with the message from its lane and its
	// park; "" when nothing was said, as in Native lanes.
	Trace string
}

// DeadLetter is a message that is given up, and why.
type DeadLetter struct {
	Message
	// Key is the group key, "" when the message has none.
	Key string
	// Reason is a word for people and programs, Attempts how often the message was started.
	Reason   string
	Attempts uint32
}

// Backlog counts messages that are not completed.
type Backlog struct {
	// Lanes has one entry per lane.
	Lanes []int64
	// Shards has one entry per shard, of messages not yet routed; empty when lanes are Native.
	Shards []int64
}

// Capabilities says what differs between brokers.
type Capabilities struct {
	// Shards is how many ordered inputs the source has.
	Shards int32
	// MaxRanges is how many completed ranges a progress record can carry; more are cut by order.Progress.Limit, which
	// costs repeats after a crash.
	MaxRanges int
	// Rests says that Settle can find the pool at rest. A pool that never rests keeps its fingerprint.
	Rests bool
}
