// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package brokertest

import (
	"context"
	"fmt"

	"convoy.dev/convoy/worker/broker"
)

// memoryRanges is how many ranges a record carries: more than any test needs.
const memoryRanges = 1 << 20

// memoryBroker is one worker's connection.
type memoryBroker struct {
	memory *Memory
	// unopened is the grant of each lane that was to be opened and has not been: an answer may have been lost. The memory's
	// lock guards it.
	unopened map[int32]broker.Grant
}

// Connection is what a worker process has of its broker.
type Connection interface {
	broker.Broker
	broker.Sampler
}

// Connect returns a connection, as a worker process that starts makes one.
func (m *Memory) Connect() Connection {
	return &memoryBroker{memory: m, unopened: map[int32]broker.Grant{}}
}

// Claim implements broker.Broker.
func (b *memoryBroker) Claim(ctx context.Context, claim broker.Claim) error {
	return b.memory.call(ctx, Claim, func() error {
		if held := b.memory.claim; held != nil {
			if err := claim.Adopts(*held, "broker of this test"); err != nil {
				return err
			}
		}
		b.memory.claim = &claim
		return nil
	})
}

// Open implements broker.Broker.
func (b *memoryBroker) Open(ctx context.Context, grant broker.Grant) (broker.Lane, error) {
	err := b.memory.call(ctx, Open, func() error {
		at, err := b.memory.at(grant.Lane)
		if err != nil {
			return err
		}
		if at.damage != nil {
			return at.damage
		}
		retry := at.writer == b && b.unopened[grant.Lane] == grant
		if err := grant.Overcomes(at.record); err != nil && !retry {
			return err
		}
		b.unopened[grant.Lane] = grant
		at.record, at.writer = broker.Record{Token: grant.Token, Worker: grant.Worker}, b
		return nil
	})
	if err != nil {
		return nil, err
	}
	b.memory.mu.Lock()
	defer b.memory.mu.Unlock()
	delete(b.unopened, grant.Lane)
	return &openLane{memory: b.memory, grant: grant}, nil
}

// Confirm implements broker.Broker.
func (b *memoryBroker) Confirm(ctx context.Context, grants []broker.Grant) ([]broker.Unconfirmed, error) {
	var unconfirmed []broker.Unconfirmed
	err := b.memory.call(ctx, Confirm, func() error {
		for _, grant := range grants {
			u := broker.Unconfirmed{Lane: grant.Lane, Token: grant.Token}
			at, err := b.memory.at(grant.Lane)
			switch {
			case err != nil:
				u.Err = err
			case at.damage != nil:
				u.Err = at.damage
			case at.record.Token.Less(grant.Token):
				u.Err = &broker.PermanentError{Err: fmt.Errorf("lane %d has lost its record", grant.Lane), Mend: "put it back"}
			case at.record == broker.Record{Token: grant.Token, Worker: grant.Worker}:
				continue
			default:
				u.Record = at.record.Token
			}
			unconfirmed = append(unconfirmed, u)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return unconfirmed, nil
}

// Capabilities implements broker.Broker.
func (*memoryBroker) Capabilities() broker.Capabilities {
	return broker.Capabilities{Shards: 1, MaxRanges: memoryRanges}
}

// Close implements broker.Broker.
func (*memoryBroker) Close() error { return nil }

// Sample implements broker.Sampler.
func (b *memoryBroker) Sample(ctx context.Context) (broker.Backlog, error) {
	var backlog broker.Backlog
	err := b.memory.call(ctx, Sample, func() error {
		backlog.Lanes = make([]int64, len(b.memory.lanes))
		for i := range b.memory.lanes {
			at := &b.memory.lanes[i]
			for _, message := range at.messages {
				if !at.saved.Progress.Covers(message.Position) {
					backlog.Lanes[i]++
				}
			}
		}
		return nil
	})
	return backlog, err
}
