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
	// unopened is the grant of each lane or shard that was to be opened and has not been: an answer may have been lost; history is that
	// of the claim that this connection has made. The memory's lock guards both.
	unopened map[drain.Unit]broker.Grant
	history  int
	// claim is the claim that it has made; nil before.
	claim *broker.Claim
}

// Connect returns a connection, as a worker process that starts makes one.
func (m *Memory) Connect() broker.Connection {
	return &memoryBroker{memory: m, unopened: map[drain.Unit]broker.Grant{}}
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
	history, err := b.open(ctx, grant)
	if err != nil {
		return nil, err
	}
	return &openLane{memory: b.memory, grant: grant, history: history}, nil
}

// OpenShard implements broker.Router.
func (b *memoryBroker) OpenShard(ctx context.Context, grant broker.Grant) (broker.Shard, error) {
	if _, err := b.open(ctx, grant); err != nil {
		return nil, err
	}
	return &openShard{memory: b.memory, grant: grant}, nil
}

// open writes the record of a lane or of the shard. It returns the history of the claim.
func (b *memoryBroker) open(ctx context.Context, grant broker.Grant) (history int, err error) {
	err = b.memory.call(ctx, Open, func() error {
		at, err := b.memory.unit(grant.Unit())
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
			return &broker.RefusedError{Kind: grant.Kind, Lane: grant.Lane, Token: grant.Token, Record: drain.Token{Epoch: b.memory.floor}}
		}
		retry := at.writer == b && b.unopened[grant.Unit()] == grant
		if err := grant.Overcomes(at.record); err != nil && !retry {
			return err
		}
		b.unopened[grant.Unit()] = grant
		b.memory.rest, history = false, b.history
		at.record, at.writer = broker.Record{Token: grant.Token, Worker: grant.Worker}, b
		return nil
	})
	if err != nil {
		return 0, err
	}
	b.memory.mu.Lock()
	defer b.memory.mu.Unlock()
	delete(b.unopened, grant.Unit())
	return history, nil
}

// Confirm implements broker.Broker.
func (b *memoryBroker) Confirm(ctx context.Context, grants []broker.Grant) ([]broker.Unconfirmed, error) {
	var unconfirmed []broker.Unconfirmed
	err := b.memory.call(ctx, Confirm, func() error {
		for _, grant := range grants {
			u := broker.Unconfirmed{Kind: grant.Kind, Lane: grant.Lane, Token: grant.Token}
			at, err := b.memory.unit(grant.Unit())
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
	return broker.Capabilities{Shards: 1, MaxRanges: memoryRanges, Rests: true}
}

// Close implements broker.Broker.
func (*memoryBroker) Close() error { return nil }

// Sample implements broker.Sampler.
func (b *memoryBroker) Sample(ctx context.Context) (broker.Backlog, error) {
	var backlog broker.Backlog
	err := b.memory.call(ctx, Sample, func() error {
		backlog.Lanes = b.memory.counts()
		if b.memory.routed {
			backlog.Shards = []int64{int64(len(b.memory.unrouted()))}
		}
		return nil
	})
	return backlog, err
}
