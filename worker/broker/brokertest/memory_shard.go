// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package brokertest

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"convoy.dev/convoy/worker/broker"
	"convoy.dev/convoy/worker/drain"
	"convoy.dev/convoy/worker/key"
	"convoy.dev/convoy/worker/order"
)

// memoryBytes is what a message in a lane counts in Measure.
const memoryBytes = 100

// openShard is the source as one router has it.
type openShard struct {
	memory *Memory
	grant  broker.Grant
}

// Send appends a message to the source of Routed lanes and returns its sequence. A message without timestamp gets that of
// now.
func (m *Memory) Send(message key.Message) order.Sequence {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.routed = true
	if message.Timestamp.IsZero() {
		message.Timestamp = time.Now().UTC()
	}
	m.shard.end++
	at := m.shard.end
	m.shard.messages = append(m.shard.messages, broker.Message{Message: message, Position: at, Sequence: order.Sequence(at)})
	m.wake()
	return order.Sequence(at)
}

// Routed are the messages that the lane has, completed ones included.
func (m *Memory) Routed(lane int32) []broker.Message {
	m.mu.Lock()
	defer m.mu.Unlock()
	return slices.Clone(m.lanes[lane].messages)
}

// unrouted are the messages of the source that are not routed. The lock is held.
func (m *Memory) unrouted() []broker.Message {
	messages := m.shard.messages
	first, _ := slices.BinarySearchFunc(messages, m.cursor+1, func(x broker.Message, at order.Sequence) int { return cmp.Compare(x.Sequence, at) })
	return messages[first:]
}

// Route implements broker.Shard.
func (s *openShard) Route(ctx context.Context, routing broker.Routing) error {
	session, resumes := 0, false
	err := s.memory.call(ctx, Route, func() error {
		if err := s.owned(); err != nil {
			return err
		}
		s.memory.session++
		session, resumes = s.memory.session, s.memory.cursor > 0
		return nil
	})
	if err == nil && resumes && routing.Resumes != nil {
		routing.Resumes()
	}
	for err == nil {
		err = s.step(ctx, session, routing)
	}
	return err
}

// owned says whether nobody has taken the shard over. The lock is held.
func (s *openShard) owned() error {
	if at := s.memory.shard.record; at != (broker.Record{Token: s.grant.Token, Worker: s.grant.Worker}) {
		return fmt.Errorf("shard 0 at %v: %w: %v", s.grant.Token, broker.ErrFenced, at.Token)
	}
	return nil
}

// step routes one batch, or waits for messages or for room.
func (s *openShard) step(ctx context.Context, session int, routing broker.Routing) error {
	s.memory.mu.Lock()
	waiting, changed, stopped := s.memory.unrouted(), s.memory.changed, s.memory.stopped
	batch := slices.Clone(waiting[:min(readBatch, len(waiting))])
	s.memory.mu.Unlock()
	switch {
	case stopped:
		return errStopped
	case len(batch) == 0:
		select {
		case <-changed:
			return nil
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	places, err := routing.Place(ctx, batch, nil)
	if err != nil {
		return err
	}
	if err := s.memory.call(ctx, Route, func() error { return s.append(session, batch, places) }); err != nil {
		return err
	}
	if routing.Settled != nil {
		routing.Settled(len(places))
	}
	if len(places) < len(batch) && !pause(ctx, 10*time.Millisecond) {
		return ctx.Err()
	}
	return nil
}

// append appends messages to their lanes. The lock is held.
func (s *openShard) append(session int, batch []broker.Message, places []int32) error {
	if err := s.owned(); err != nil {
		return err
	}
	if session != s.memory.session || batch[0].Sequence <= s.memory.cursor {
		return fmt.Errorf("shard 0 at %v: another session has begun", s.grant.Token)
	}
	for i, place := range places {
		if place != broker.Pass {
			at, err := s.memory.at(place)
			if err != nil {
				return err
			}
			s.memory.last++
			at.end = s.memory.last
			message := batch[i]
			message.Position = s.memory.last
			at.messages = append(at.messages, message)
		}
		s.memory.cursor = batch[i].Sequence
	}
	s.memory.wake()
	return nil
}

// Measure implements broker.Shard.
func (s *openShard) Measure(ctx context.Context) (broker.Fill, error) {
	var fill broker.Fill
	err := s.memory.call(ctx, Measure, func() error {
		fill.Lanes = s.memory.counts()
		for i := range s.memory.lanes {
			fill.Bytes += uint64(memoryBytes * len(s.memory.lanes[i].messages))
		}
		fill.Limit = s.memory.limit
		return nil
	})
	return fill, err
}

// SetLimit says how large the store of the lanes may become, by what Measure tells; 0 is no limit.
func (m *Memory) SetLimit(bytes uint64) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.limit = bytes
}

// TakeShard writes the shard's epoch record without asking, as a worker that this test does not have would.
func (m *Memory) TakeShard(worker string, epoch int64) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.shard.record = broker.Record{Token: drain.Token{Epoch: epoch, Incarnation: 1}, Worker: worker}
}

// Lose takes a message out of the source, as retention does.
func (m *Memory) Lose(at order.Sequence) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.shard.messages = slices.DeleteFunc(m.shard.messages, func(x broker.Message) bool { return x.Sequence == at })
}
