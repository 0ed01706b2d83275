// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package brokertest

import (
	"context"
	"fmt"

	"convoy.dev/convoy/worker/broker"
	"convoy.dev/convoy/worker/drain"
)

// memoryRanges is how many ranges a record carries: more than any test needs.
const memoryRanges = 1 << 20

// memoryBroker is one worker's connection.
type memoryBroker struct {
	memory *Memory
	// unopened is the grant of each lane that was to be opened and has not been: an answer may have been lost; history is that
	// of the claim that this connection has made. The memory's lock guards both.
	unopened map[int32]broker.Grant
	history  int
	// claim is the claim that it has made; nil before.
	claim *broker.Claim
}

// Connect returns a connection, as a worker process that starts makes one.
func (m *Memory) Connect() broker.Connection {
	return &memoryBroker{memory: m, unopened: map[int32]broker.Grant{}}
}

// Claim implements broker.Broker.
func (b *memoryBroker) Claim(ctx context.Context, claim broker.Claim) error {
	return b.memory.call(ctx, Claim, func() error {
		if held := b.memory.claim; held != nil {
			if err := claim.Adopts(*held, b.memory.rest, "broker of this test"); err != nil {
				return err
			}
			if held.Fingerprint != claim.Fingerprint {
				b.memory.succeed()
			}
		}
		b.memory.claim, b.claim, b.history = &claim, &claim, b.memory.history
		return nil
	})
}

// Settle implements broker.Settler.
func (b *memoryBroker) Settle(ctx context.Context) (bool, error) {
	settled := false
	err := b.memory.call(ctx, Settle, func() error {
		settled = b.history == b.memory.history && b.memory.resting()
		if settled {
			b.memory.rest, b.memory.restAt = true, b.memory.last
		}
		return nil
	})
	return settled && err == nil, err
}

// Open implements broker.Broker.
func (b *memoryBroker) Open(ctx context.Context, grant broker.Grant) (broker.Lane, error) {
	lane := &openLane{memory: b.memory, grant: grant}
	err := b.memory.call(ctx, Open, func() error {
		at, err := b.memory.at(grant.Lane)
		if err != nil {
			return err
		}
		if at.damage != nil {
			return at.damage
		}
		if b.claim != nil {
			if err := b.claim.Keeps(*b.memory.claim, "broker of this test"); err != nil {
				return err
			}
		}
		if grant.Token.Epoch <= b.memory.floor {
			return &broker.RefusedError{Lane: grant.Lane, Token: grant.Token, Record: drain.Token{Epoch: b.memory.floor}}
		}
		retry := at.writer == b && b.unopened[grant.Lane] == grant
		if err := grant.Overcomes(at.record); err != nil && !retry {
			return err
		}
		b.unopened[grant.Lane] = grant
		b.memory.rest, lane.history = false, b.history
		at.record, at.writer = broker.Record{Token: grant.Token, Worker: grant.Worker}, b
		return nil
	})
	if err != nil {
		return nil, err
	}
	b.memory.mu.Lock()
	defer b.memory.mu.Unlock()
	delete(b.unopened, grant.Lane)
	return lane, nil
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
			backlog.Lanes[i] = b.memory.lanes[i].backlog()
		}
		return nil
	})
	return backlog, err
}
