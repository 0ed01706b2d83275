// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package nats

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"

	"github.com/nats-io/nuid"

	"convoy.dev/convoy/worker/broker"
)

// Broker is one process's connection to the JetStream of one pool.
type Broker struct {
	state *state
	// name is this connection's, like no other's: in the epoch records that it writes.
	name  string
	opens opens
	trims trims
	// claimed is the claim as this process knows it; nil before Claim.
	claimed atomic.Pointer[claimed]
	// counted is what the last sample counted, if it may be used again.
	counted atomic.Pointer[counted]
}

var (
	_ broker.Connection = (*Broker)(nil)
)

// Connect makes a connection. It does not wait for it: requests say what stands in the way.
func Connect(config Config) (*Broker, error) {
	if err := config.validate(); err != nil {
		return nil, fmt.Errorf("connecting to NATS: %w", err)
	}
	connection, err := dial(config)
	if err != nil {
		return nil, err
	}
	return &Broker{name: nuid.Next(), state: &state{connection, newPlace(config.Settings)}}, nil
}

// Close implements broker.Broker.
func (b *Broker) Close() error {
	b.state.close()
	return nil
}

// Claim implements broker.Broker.
func (b *Broker) Claim(ctx context.Context, claim broker.Claim) error {
	held, err := b.state.makeClaim(ctx, claim, b.state.config.Settings.Source.NATS.StartFrom)
	if err != nil {
		return fmt.Errorf("claiming the stream %s: %w", b.state.source, err)
	}
	b.claimed.Store(held)
	return nil
}

// errUnclaimed is an order of calls that the contract rules out.
var errUnclaimed = errors.New("a lane is opened before the claim is made")

// Open implements broker.Broker.
func (b *Broker) Open(ctx context.Context, grant broker.Grant) (broker.Lane, error) {
	if b.claimed.Load() == nil {
		return nil, errUnclaimed
	}
	if !b.state.has(grant.Lane) {
		return nil, &broker.PermanentError{Err: fmt.Errorf("there is no lane %d among %d", grant.Lane, b.state.lanes), Mend: "grant lanes that the pool has"}
	}
	lane, err := b.open(ctx, grant)
	if err != nil {
		return nil, err
	}
	return lane, nil
}

// open opens a lane, and notes whether an answer may have been lost.
func (b *Broker) open(ctx context.Context, grant broker.Grant) (*openLane, error) {
	retry := b.opens.begin(grant)
	sequence, err := b.writeEpoch(ctx, grant, retry)
	var lane *openLane
	if err == nil {
		lane, err = b.takeOver(ctx, grant, sequence)
	}
	if err == nil || broker.KindOf(err) == broker.Fenced {
		b.opens.end(grant)
	}
	return lane, err
}

// Confirm implements broker.Broker. It takes one write, which a majority of the replicas acknowledges, and one read of
// all epoch records (of every 1,000) by any replica that has that write: so what is read is no older than the request,
// whoever answers.
func (b *Broker) Confirm(ctx context.Context, grants []broker.Grant) ([]broker.Unconfirmed, error) {
	sequence, err := b.state.touch(ctx)
	if err != nil {
		return nil, fmt.Errorf("confirming epoch records: %w", err)
	}
	subjects := make([]string, 0, len(grants))
	for i := range grants {
		subjects = append(subjects, b.state.epochOf(grants[i].Unit()))
	}
	found, err := b.state.last(ctx, subjects, sequence)
	if err != nil {
		return nil, fmt.Errorf("confirming epoch records: %w", err)
	}
	var unconfirmed []broker.Unconfirmed
	for i, subject := range subjects {
		if u := b.state.judge(grants[i], found[subject]); u != nil {
			unconfirmed = append(unconfirmed, *u)
		}
	}
	return unconfirmed, nil
}

// judge says why a grant is not confirmed by its lane's epoch record; nil when it is.
func (s *state) judge(grant broker.Grant, found stored) *broker.Unconfirmed {
	read, err := parseEpoch(found)
	record := read.record()
	switch {
	case err != nil:
	case record.Token.Less(grant.Token):
		err = s.lost(s.epochOf(grant.Unit()))
	case record == broker.Record{Token: grant.Token, Worker: grant.Worker}:
		return nil
	default:
		return &broker.Unconfirmed{Kind: grant.Kind, Lane: grant.Lane, Token: grant.Token, Record: record.Token}
	}
	return &broker.Unconfirmed{Kind: grant.Kind, Lane: grant.Lane, Token: grant.Token, Err: err}
}

// Capabilities implements broker.Broker.
func (b *Broker) Capabilities() broker.Capabilities {
	// A range takes two bytes at least. Those of a record that come out larger than the servers take are cut as it is
	// written.
	return broker.Capabilities{Shards: 1, MaxRanges: b.state.recordLimit() / 2, Rests: b.state.store == nil}
}
