// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package brokertest

import (
	"context"
	"fmt"
	"slices"

	"convoy.dev/convoy/worker/broker"
	"convoy.dev/convoy/worker/order"
)

// readBatch is how many messages a reader hands over at once. It is small, so that tests see several batches.
const readBatch = 16

// openLane is one lane as one owner has it.
type openLane struct {
	memory *Memory
	grant  broker.Grant
	// history is that of the claim under which it was opened.
	history int
	// crashed is what Load found; it is kept, because Load marks the lane and may be asked again.
	crashed *bool
}

// owned finds the lane, unless its record has passed to another. The lock is held.
func (l *openLane) owned() (*memoryLane, error) {
	at, err := l.memory.at(l.grant.Lane)
	if err != nil {
		return nil, err
	}
	if l.history != l.memory.history {
		return nil, fmt.Errorf("lane %d at %v: %w: the claim is another one", l.grant.Lane, l.grant.Token, broker.ErrFenced)
	}
	if at.record != (broker.Record{Token: l.grant.Token, Worker: l.grant.Worker}) {
		return nil, fmt.Errorf("lane %d at %v: %w: %v", l.grant.Lane, l.grant.Token, broker.ErrFenced, at.record.Token)
	}
	return at, nil
}

// Load implements broker.Lane.
func (l *openLane) Load(ctx context.Context) (order.Opening, error) {
	opening := order.Opening{Lane: l.grant.Lane, Epoch: uint64(l.grant.Token.Number())}
	err := l.memory.call(ctx, Load, func() error {
		at, err := l.owned()
		if err != nil {
			return err
		}
		if l.crashed == nil {
			crashed := at.loaded && !at.saved.Final
			l.crashed = &crashed
		}
		opening.Progress = clone(&at.saved.Progress)
		if opening.Crashed = *l.crashed; opening.Crashed {
			opening.CarefulThrough = at.end
		}
		at.loaded, at.saved.Final = true, false
		l.memory.rest = false
		return nil
	})
	return opening, err
}

// Read implements broker.Lane. It is no write, so an owner that was superseded reads on.
func (l *openLane) Read(ctx context.Context, after order.Position, deliver func([]broker.Message) error) error {
	for {
		var batch []broker.Message
		var changed chan struct{}
		err := l.memory.call(ctx, Read, func() error {
			batch, changed = l.next(after), l.memory.changed
			return nil
		})
		if err != nil {
			return err
		}
		if len(batch) == 0 {
			select {
			case <-changed:
			case <-ctx.Done():
				return ctx.Err()
			}
			continue
		}
		if err := deliver(batch); err != nil {
			return err
		}
		after = batch[len(batch)-1].Position
	}
}

// next returns the messages after a position, at most readBatch. The lock is held.
func (l *openLane) next(after order.Position) []broker.Message {
	messages := l.memory.lanes[l.grant.Lane].messages
	from := l.find(after + 1)
	return slices.Clone(messages[from:min(from+readBatch, len(messages))])
}

// find is the index of the first message at or after the position. The lock is held.
func (l *openLane) find(at order.Position) int {
	messages := l.memory.lanes[l.grant.Lane].messages
	index, _ := slices.BinarySearchFunc(messages, at, func(m broker.Message, at order.Position) int {
		return int(int64(m.Position) - int64(at))
	})
	return index
}

// Fetch implements broker.Lane.
func (l *openLane) Fetch(ctx context.Context, at order.Position) (broker.Message, error) {
	var message broker.Message
	err := l.memory.call(ctx, Fetch, func() error {
		messages := l.memory.lanes[l.grant.Lane].messages
		index := l.find(at)
		if index == len(messages) || messages[index].Position != at {
			return fmt.Errorf("fetching message %d of lane %d: %w", at, l.grant.Lane, broker.ErrGone)
		}
		message = messages[index]
		return nil
	})
	return message, err
}

// Flush implements broker.Lane.
func (l *openLane) Flush(ctx context.Context, progress *order.Progress, final bool) error {
	return l.memory.call(ctx, Flush, func() error {
		at, err := l.owned()
		if err != nil {
			return err
		}
		l.memory.rest = false
		at.saved = Saved{Progress: clone(progress), Token: l.grant.Token, Final: final}
		return nil
	})
}

// DeadLetter implements broker.Lane.
func (l *openLane) DeadLetter(ctx context.Context, letter broker.DeadLetter) error {
	return l.memory.call(ctx, DeadLetter, func() error {
		if _, err := l.owned(); err != nil {
			return err
		}
		l.memory.letters = append(l.memory.letters, letter)
		return nil
	})
}
