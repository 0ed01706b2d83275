// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package broker

import (
	"context"
	"errors"
)

// ErrStoreFull says that the store of the lanes takes no more: its own limit, the account's or the disk's is reached.
// Routing goes on by itself when there is room. Its kind is Retryable.
var ErrStoreFull = errors.New("the store of the lanes is full")

// Router is the routing side of a Broker whose pool has Routed lanes.
type Router interface {
	// OpenShard writes the token to the shard's epoch record, as Open does for a lane; the grant's Kind is drain.Shard.
	OpenShard(ctx context.Context, grant Grant) (Shard, error)
}

// Shard is one ordered input of the source that was opened for routing. It is over when its owner drops it.
type Shard interface {
	// Route reads the shard behind everything that is in its lanes already, as the broker proves it, and appends each
	// message to its lane, exactly once and in the shard's order, until ctx ends, the broker fails or another owner has
	// taken over (Fenced). From its first write on nothing that an earlier owner, or an earlier call, has sent can come
	// into a lane any more. Whatever ends it, it may be called again and goes on from what the broker then proves.
	Route(ctx context.Context, routing Routing) error
	// Measure says how full the lanes and their store are.
	Measure(ctx context.Context) (Fill, error)
}

// Pass is the place of a message that belongs to no lane: it is dealt with, and routing goes on behind it.
const Pass int32 = -1

// Routing is what a caller of Route decides and learns. Its functions are called one at a time.
type Routing struct {
	// Place says to which lanes messages go, in their order: it appends to into one number for each of the first so many
	// messages, a lane or Pass. If it stops before the last one there is no room, or something has to be done first; it is
	// asked again for the rest, in a moment. An error ends Route, which returns it. It may block for a few seconds. It may set the
	// Trace of what it places.
	Place func(ctx context.Context, messages []Message, into []int32) ([]int32, error)
	// Resumes is called before the first Place if anything of the shard was routed under this claim before. It may be nil.
	Resumes func()
	// Settled is told that so many more messages are durable in their lanes.
	Settled func(messages int)
}

// Fill is how full lanes and their store are.
type Fill struct {
	// Lanes counts the messages of each lane that are not completed.
	Lanes []int64
	// Bytes is the size of the store and Limit what it may reach; a Limit of 0 is none.
	Bytes, Limit uint64
}
