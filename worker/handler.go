// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package worker

import (
	"context"
	"errors"
	"time"

	"convoy.dev/convoy/worker/deliver"
)

// Handler is the user's code. It is called by many goroutines at once, and for one key by one at a time.
type Handler interface {
	// Handle completes the message, or says why it has not.
	Handle(ctx context.Context, m *Message) error
}

// HandlerFunc is a function that is a Handler.
type HandlerFunc func(ctx context.Context, m *Message) error

// Handle implements Handler.
func (f HandlerFunc) Handle(ctx context.Context, m *Message) error { return f(ctx, m) }

// BatchHandler is a Handler that takes several messages of one key together.
type BatchHandler interface {
	Handler
	// HandleBatch completes the messages in order. completed is how many, from the first on, it has completed, and err why it
	// has not completed the next one. The rest is tried again; the one that failed then comes by itself.
	HandleBatch(ctx context.Context, messages []*Message) (completed int, err error)
}

// BatchFunc is a function that is a BatchHandler.
type BatchFunc func(ctx context.Context, messages []*Message) (completed int, err error)

// Handle implements Handler.
func (f BatchFunc) Handle(ctx context.Context, m *Message) error {
	completed, err := f(ctx, []*Message{m})
	if completed == 1 {
		return nil
	}
	if err == nil {
		err = errors.New("the handler has not completed the message")
	}
	return err
}

// HandleBatch implements BatchHandler.
func (f BatchFunc) HandleBatch(ctx context.Context, messages []*Message) (completed int, err error) {
	return f(ctx, messages)
}

// Reject says of a handler's error that trying again is useless: onFailure concludes the message. nil stays nil.
func Reject(err error) error { return deliver.Reject(err) }

// RetryAfter says of a handler's error that the message is to be tried again after so long at the earliest, up to an hour.
// nil stays nil.
func RetryAfter(err error, after time.Duration) error { return deliver.RetryAfter(err, after) }

// Func is the handler as package deliver calls it, for workertest and programs that assemble a worker themselves.
func Func(handler Handler) deliver.Func {
	batches, many := handler.(BatchHandler)
	return func(ctx context.Context, call *deliver.Call) (completed int, err error) {
		list := messages(call)
		ctx = context.WithValue(ctx, deliveryKey{}, &list[0].Delivery)
		if many {
			return batches.HandleBatch(ctx, list)
		}
		for i, m := range list {
			if i > 0 {
				ctx = context.WithValue(ctx, deliveryKey{}, &m.Delivery)
			}
			if err := handler.Handle(ctx, m); err != nil {
				return i, err
			}
		}
		return len(list), nil
	}
}
