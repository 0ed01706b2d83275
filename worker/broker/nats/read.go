// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package nats

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	client "github.com/nats-io/nats.go"

	"convoy.dev/convoy/worker/broker"
	"convoy.dev/convoy/worker/key"
	"convoy.dev/convoy/worker/order"
)

// errBroken ends a session that another one can go on from: its consumer is gone, or messages are missing.
var errBroken = errors.New("the consumer has ended")

// deliverError is an error of the caller's own.
type deliverError struct{ error }

// Unwrap is the caller's error.
func (e deliverError) Unwrap() error { return e.error }

// Read implements broker.Lane. It reads through one consumer after another: a consumer lives in one server, which may go,
// and the next one begins behind the last message that was delivered.
func (l *openLane) Read(ctx context.Context, after order.Position, deliver func([]broker.Message) error) error {
	after, err := l.begin(ctx, after)
	for err == nil {
		before := after
		after, err = l.session(ctx, after, deliver)
		if !errors.Is(err, errBroken) {
			break
		}
		err = nil
		if after == before {
			err = sleep(ctx, sessionWait)
		}
	}
	if ended := callersEnd(ctx, err); ended != nil {
		return ended
	}
	return l.failed("reading", err)
}

// callersEnd is the error with which the caller of a Read or a Route ended it, by its function or its context; nil when the
// broker did.
func callersEnd(ctx context.Context, err error) error {
	var own deliverError
	if errors.As(err, &own) {
		return own.error
	}
	return ctx.Err()
}

// sessionWait is how long to wait before the next session when one delivered nothing.
const sessionWait = 200 * time.Millisecond

// begin is the position to read after: not before the pool's start, which is waited for if it is still to come. Routed
// lanes have only what was routed.
func (l *openLane) begin(ctx context.Context, after order.Position) (order.Position, error) {
	held := l.claimed.Load()
	if l.store == nil {
		var err error
		if held, err = l.begun(ctx, l.claimed); err != nil {
			return after, err
		}
	}
	return max(after, held.floor()), nil
}

// begun is the claim once it is known where the pool begins.
func (s *state) begun(ctx context.Context, claim *atomic.Pointer[claimed]) (*claimed, error) {
	for {
		held, wait, err := s.started(ctx, claim.Load())
		if err != nil {
			return nil, err
		}
		claim.Store(held)
		if held.Start.Known {
			return held, nil
		}
		if err := sleep(ctx, max(wait, lagWait)); err != nil {
			return nil, err
		}
	}
}

// session reads through one consumer until it ends. It returns the position of the last message delivered.
func (l *openLane) session(ctx context.Context, after order.Position, deliver func([]broker.Message) error) (order.Position, error) {
	pull, err := l.subscribe(ctx, l.lane(l.grant.Lane), l.grant, after)
	if broker.KindOf(err) == broker.Permanent {
		return after, cmp.Or(l.still(ctx, after), err) // What is wrong with the source says more than what that leads to.
	}
	if err != nil {
		return after, err
	}
	defer pull.end()
	// Only now, and before anything is asked for: a source that was made again a moment before the consumer has another time
	// of creation, and one that is made again later ends the consumer.
	if err := l.still(ctx, after); err != nil {
		return after, err
	}
	ctx, end := l.requests.begin(ctx, pull.next())
	defer end()
	for {
		batch, err := pull.wait(ctx)
		if len(batch) > 0 {
			last := batch[len(batch)-1].Position
			l.read.Store(uint64(last))
			if err := deliver(batch); err != nil {
				return after, deliverError{err}
			}
			after = last
			l.newest.Store(pull.newest.UnixNano())
			pull.delivered()
		}
		if err != nil && !errors.Is(err, errBroken) {
			return after, l.failure(ctx, "waiting for messages", err)
		}
		if err != nil {
			return after, err
		}
	}
}

// still says whether the stream of the lanes is what the lane was read from, up to a position.
func (l *openLane) still(ctx context.Context, after order.Position) error {
	_, err := l.lanesAt(ctx, l.claimed.Load(), after)
	return err
}

// message translates a message of a consumer. The error is errBroken when messages are missing before it.
func (p *pull) message(m *client.Msg) (broker.Message, error) {
	meta, err := m.Metadata()
	if err != nil {
		return broker.Message{}, fmt.Errorf("reading a message: %w", err)
	}
	if meta.Sequence.Consumer != p.seen+1 || order.Position(meta.Sequence.Stream) <= p.last {
		return broker.Message{}, errBroken
	}
	p.seen, p.last, p.newest = meta.Sequence.Consumer, order.Position(meta.Sequence.Stream), meta.Timestamp
	return p.from.unpack(broker.Message{
		Message:  key.Message{Headers: m.Header, Subject: m.Subject, Data: m.Data, Timestamp: meta.Timestamp.UTC()},
		Position: p.last, Sequence: order.Sequence(p.last),
	})
}
