// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package worker

import (
	"context"
	"time"

	"convoy.dev/convoy/worker/broker"
	"convoy.dev/convoy/worker/deliver"
)

// Delivery says which message comes, and by whose right.
type Delivery struct {
	// Key is the message's group key.
	Key string
	// Lane is the number of the lane that the key belongs to.
	Lane int32
	// Epoch grows with each grant of the lane and each process of its worker. A message with a lower one than its key has
	// seen comes from a worker that was superseded.
	Epoch int64
	// Sequence is the message's place in its source shard. It never changes, and ascends within a key.
	Sequence uint64
	// Attempt is the number of this start of the message, from 1.
	Attempt uint32
}

// Message is one message of the source. A handler may keep it, and changes nothing in it.
type Message struct {
	Delivery
	// Data is the payload as it is, Headers the message's headers as the source spells them.
	Data    []byte
	Headers map[string][]string
	// Subject is the NATS subject, or the Kafka topic; NativeKey a Kafka record's key; Shard the source's ordered input.
	Subject   string
	NativeKey []byte
	Shard     int32
	// Timestamp is when the source took the message.
	Timestamp time.Time
}

type deliveryKey struct{}

// FromContext is the delivery that a handler's context belongs to, for code that has no Message; of several messages, the
// first one's. It is false for any other context.
func FromContext(ctx context.Context) (Delivery, bool) {
	d, ok := ctx.Value(deliveryKey{}).(*Delivery)
	if !ok {
		return Delivery{}, false
	}
	return *d, true
}

// messages are the messages of a call.
func messages(call *deliver.Call) []*Message {
	list := make([]*Message, 0, call.Len())
	list = append(list, message(call, call.Message, call.Attempt))
	for i := range call.Rest {
		list = append(list, message(call, &call.Rest[i], 1))
	}
	return list
}

func message(call *deliver.Call, m *broker.Message, attempt uint32) *Message {
	return &Message{
		Delivery: Delivery{Key: call.Key, Lane: call.Lane, Epoch: call.Epoch, Sequence: uint64(m.Sequence), Attempt: attempt},
		Data:     m.Data, Headers: m.Headers, Subject: m.Subject, NativeKey: m.Key, Shard: m.Shard, Timestamp: m.Timestamp,
	}
}
