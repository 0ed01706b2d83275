// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package nats

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	client "github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"convoy.dev/convoy/worker/broker"
	"convoy.dev/convoy/worker/drain"
	"convoy.dev/convoy/worker/order"
)

// shard is the source as one process routes it.
type shard struct {
	*state
	broker *Broker
	grant  broker.Grant
	swept  []order.Position // by lane, what this router has purged
}

// OpenShard implements broker.Router. It takes nothing over yet: that is Route's first write, which comes when no earlier
// owner is waited for any more.
func (b *Broker) OpenShard(ctx context.Context, grant broker.Grant) (broker.Shard, error) {
	if b.claimed.Load() == nil {
		return nil, errUnclaimed
	}
	if b.state.store == nil || grant.Kind != drain.Shard || grant.Lane != 0 {
		return nil, &broker.PermanentError{Err: fmt.Errorf("there is no shard %d to route", grant.Lane), Mend: "grant shards that the pool has"}
	}
	_, err := b.writeEpoch(ctx, grant, b.opens.begin(grant))
	if err == nil || broker.KindOf(err) == broker.Fenced {
		b.opens.end(grant)
	}
	if err != nil {
		return nil, err
	}
	return &shard{state: b.state, broker: b, grant: grant}, nil
}

// termRecord is what begins a session, and what tells how far the shard is routed when nothing else does: JSON, for people
// who look. What counts is in its mark.
type termRecord struct {
	Version     int            `json:"version"`
	Epoch       int64          `json:"epoch"`
	Incarnation int64          `json:"incarnation"`
	Worker      string         `json:"worker"`
	After       order.Sequence `json:"after"`
}

// Route implements broker.Shard.
func (r *shard) Route(ctx context.Context, routing broker.Routing) error {
	if _, err := r.begun(ctx, &r.broker.claimed); err != nil {
		return r.failed("finding where to begin with", err)
	}
	session, err := r.takeOver(ctx)
	if err != nil {
		return r.failed("taking over", r.refused(ctx, err))
	}
	if held := r.broker.claimed.Load(); routing.Resumes != nil && session.chain.routed > order.Sequence(held.Start.After) {
		routing.Resumes()
	}
	err = r.refused(ctx, session.run(ctx, routing))
	if ended := callersEnd(ctx, err); ended != nil {
		return ended
	}
	return r.failed("routing", err)
}

// refused makes room if the store was full: it may be full of what is completed.
func (r *shard) refused(ctx context.Context, err error) error {
	if !errors.Is(err, broker.ErrStoreFull) {
		return err
	}
	held := r.broker.claimed.Load()
	if lanes, failed := r.lanesOf(ctx, held); failed == nil {
		r.sweep(ctx, held, lanes.State.LastSeq)
	}
	return err
}

func (r *shard) failed(doing string, err error) error {
	return fmt.Errorf("%s shard %d at %v: %w", doing, r.grant.Lane, r.grant.Token, err)
}

// takeOver begins a session: it finds how far the shard is routed, and appends its record behind that. Whatever was appended
// in between makes it look again.
func (r *shard) takeOver(ctx context.Context) (*session, error) {
	for wait := lagWait; ; wait *= 2 {
		s, err := r.tryTakingOver(ctx)
		if !conflict(err) && !errors.Is(err, errMoved) || wait > lagWait<<lagTries {
			return s, err
		}
		if err := sleep(ctx, wait); err != nil {
			return nil, err
		}
	}
}

func (r *shard) tryTakingOver(ctx context.Context) (*session, error) {
	held := r.broker.claimed.Load()
	lanes, err := r.lanesOf(ctx, held)
	if err != nil {
		return nil, err
	}
	at, err := r.cursor(ctx, held, lanes.State.LastSeq)
	if err != nil {
		return nil, err
	}
	if r.grant.Token.Less(at.token) {
		return nil, fmt.Errorf("%w: %v", broker.ErrFenced, at.token)
	}
	if err := r.still(ctx, at.sequence); err != nil {
		return nil, err
	}
	term, err := r.writeTerm(ctx, at.sequence, jetstream.WithExpectLastSequence(lanes.State.LastSeq))
	if err != nil {
		return nil, err
	}
	return &session{shard: r, chain: begin(term, at.sequence), way: wayOf(lanes)}, nil
}

// still says whether the source is what was routed, up to a message.
func (r *shard) still(ctx context.Context, through order.Sequence) error {
	source, err := r.readable(ctx)
	if err == nil {
		err = r.same(r.broker.claimed.Load(), source)
	}
	if err != nil {
		return err
	}
	return r.complete(source, order.Position(through))
}

// writeTerm appends a record of this router, and removes those before it.
func (r *shard) writeTerm(ctx context.Context, after order.Sequence, conditions ...jetstream.PublishOpt) (uint64, error) {
	token := r.grant.Token
	text, err := json.Marshal(termRecord{recordVersion, token.Epoch, token.Incarnation, r.grant.Worker, after})
	if err != nil {
		return 0, fmt.Errorf("writing who routes: %w", err)
	}
	m := &client.Msg{Subject: r.route(r.grant.Lane), Data: text, Header: client.Header{headerRouted: {mark{token, after}.String()}}}
	var term uint64
	err = r.ask(ctx, "writing "+m.Subject, m.Subject, func(ctx context.Context) error {
		ack, err := r.js.PublishMsg(ctx, m, append(conditions, jetstream.WithExpectStream(r.laneStream))...)
		if err == nil {
			term = ack.Sequence
		}
		if errors.Is(err, jetstream.ErrNoStreamResponse) {
			err = fmt.Errorf("the stream %s does not answer: %w", r.laneStream, err)
		}
		return full(err)
	})
	if err != nil {
		return 0, err
	}
	return term, r.purgeBefore(ctx, m.Subject, term)
}

// Measure implements broker.Shard. It sweeps a store that is getting full.
func (r *shard) Measure(ctx context.Context) (broker.Fill, error) {
	held := r.broker.claimed.Load()
	fill, last, err := r.measure(ctx, held)
	if err == nil && fill.Limit > 0 && fill.Bytes > fill.Limit/100*sweepAbove && r.sweep(ctx, held, last) {
		fill, _, err = r.measure(ctx, held)
	}
	if err != nil {
		return broker.Fill{}, r.failed("measuring the lanes of", err)
	}
	return fill, nil
}

// measure says with the fill which message of the stream is the last.
func (r *shard) measure(ctx context.Context, held *claimed) (broker.Fill, uint64, error) {
	counts, info, err := r.broker.count(ctx, held)
	if err != nil {
		return broker.Fill{}, 0, err
	}
	return broker.Fill{Lanes: counts, Bytes: info.State.Bytes, Limit: uint64(max(info.Config.MaxBytes, 0))}, info.State.LastSeq, nil
}
