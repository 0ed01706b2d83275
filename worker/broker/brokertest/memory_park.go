// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package brokertest

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"convoy.dev/convoy/worker/broker"
	"convoy.dev/convoy/worker/order"
)

// memoryPark is the sub-lane of one key.
type memoryPark struct {
	mark     broker.ParkedKey
	messages []broker.Message // ascending by sequence
	// last is the newest sequence ever appended.
	last order.Sequence
}

// key is what there is of the park, as LoadParked says it.
func (p *memoryPark) key() broker.ParkedKey {
	key := p.mark
	key.Last, key.Messages = p.last, len(p.messages)
	return key
}

// Parked is what is parked in a lane, by ascending key.
func (m *Memory) Parked(lane int32) []broker.ParkedKey {
	m.mu.Lock()
	defer m.mu.Unlock()
	return parkedIn(&m.lanes[lane])
}

// parkedIn lists the keys that have messages. The lock is held.
func parkedIn(at *memoryLane) []broker.ParkedKey {
	var keys []broker.ParkedKey
	for _, name := range slices.Sorted(maps.Keys(at.parked)) {
		if p := at.parked[name]; len(p.messages) > 0 {
			keys = append(keys, p.key())
		}
	}
	return keys
}

// LoadParked implements broker.Park.
func (l *openLane) LoadParked(ctx context.Context) ([]broker.ParkedKey, error) {
	var keys []broker.ParkedKey
	err := l.memory.call(ctx, LoadParked, func() error {
		at, err := l.owned()
		if err == nil {
			keys = parkedIn(at)
		}
		return err
	})
	return keys, err
}

// MarkParked implements broker.Park.
func (l *openLane) MarkParked(ctx context.Context, key broker.ParkedKey) error {
	return l.memory.call(ctx, MarkParked, func() error {
		at, err := l.owned()
		if err != nil {
			return err
		}
		if at.parked == nil {
			at.parked = map[string]*memoryPark{}
		}
		if at.parked[key.Key] == nil {
			at.parked[key.Key] = &memoryPark{}
		}
		key.Last, key.Messages = 0, 0
		at.parked[key.Key].mark = key
		return nil
	})
}

// park finds the sub-lane of a key, of a lane that is this owner's. The lock is held.
func (l *openLane) park(key string) (*memoryPark, error) {
	at, err := l.owned()
	if err != nil {
		return nil, err
	}
	p := at.parked[key]
	if p == nil {
		return nil, &broker.PermanentError{Err: fmt.Errorf("key %q of lane %d is not marked as parked", key, l.grant.Lane), Mend: "mark it first"}
	}
	return p, nil
}

// Park implements broker.Park.
func (l *openLane) Park(ctx context.Context, key string, message broker.Message) error {
	return l.memory.call(ctx, Park, func() error {
		p, err := l.park(key)
		if err != nil {
			return err
		}
		if message.Sequence > p.last {
			message.Position = 0
			p.messages, p.last = append(p.messages, message), message.Sequence
		}
		return nil
	})
}

// ReadParked implements broker.Park. It is no write, so an owner that was superseded reads on.
func (l *openLane) ReadParked(ctx context.Context, key string, after order.Sequence, most int) ([]broker.Message, error) {
	var found []broker.Message
	err := l.memory.call(ctx, ReadParked, func() error {
		if p := l.memory.lanes[l.grant.Lane].parked[key]; p != nil {
			from, _ := slices.BinarySearchFunc(p.messages, after+1, bySequence)
			found = slices.Clone(p.messages[from:min(from+most, len(p.messages))])
		}
		if len(found) == 0 {
			return fmt.Errorf("no message of key %q of lane %d is parked after %d", key, l.grant.Lane, after)
		}
		return nil
	})
	return found, err
}

func bySequence(m broker.Message, at order.Sequence) int { return int(int64(m.Sequence) - int64(at)) }

// Unpark implements broker.Park.
func (l *openLane) Unpark(ctx context.Context, key string, through order.Sequence, last bool) error {
	return l.memory.call(ctx, Unpark, func() error {
		at, err := l.owned()
		if err != nil || at.parked[key] == nil {
			return err
		}
		p := at.parked[key]
		p.messages = slices.DeleteFunc(p.messages, func(m broker.Message) bool { return m.Sequence <= through })
		if last {
			delete(at.parked, key)
		}
		return nil
	})
}
