// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package nats

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"convoy.dev/convoy/api/v1alpha1"
	"convoy.dev/convoy/worker/broker"
	"convoy.dev/convoy/worker/order"
)

// recordVersion is the version of the records that are JSON. A record with another one was written by a newer Convoy.
const recordVersion = 1

// claimRecord is the pool's claim as it stands in the stream: JSON, for people who look.
type claimRecord struct {
	Version int          `json:"version"`
	Claim   broker.Claim `json:"claim"`
	// Created is when the source was made: another stream of the same name counts its messages anew.
	Created time.Time `json:"sourceCreated"`
	// Lanes is the stream of Routed lanes; nil when lanes are Native.
	Lanes *laneStore `json:"lanes,omitempty"`
	Start start      `json:"start"`
	// History counts how often a claim with another fingerprint took the place of one at rest, Floor is the highest epoch
	// before that. What was written under an earlier history counts for nothing.
	History int64 `json:"history,omitzero"`
	Floor   int64 `json:"floor,omitzero"`
	// Rest says that the pool was at rest when this was written. It holds while this is the stream's last record.
	Rest *rest `json:"rest,omitempty"`
}

// start is where the pool begins that has never read its source, decided once, when the claim was made.
type start struct {
	Type v1alpha1.StartType `json:"type"`
	// Time is that of type Time.
	Time time.Time `json:"time,omitzero"`
	// After is the position of the last message that is not the pool's, once Known. It is not while Time is to come.
	After order.Position `json:"after"`
	Known bool           `json:"known"`
}

// claimed is the claim as this process found or made it.
type claimed struct {
	claimRecord
	sequence uint64
}

// readClaim returns nil when nobody has claimed the pool.
func (s *state) readClaim(ctx context.Context) (*claimed, error) {
	subject := s.claim()
	found, err := s.last(ctx, []string{subject}, 0)
	if err != nil {
		return nil, err
	}
	return parseClaim(found[subject])
}

// parseClaim returns nil for no record.
func parseClaim(record stored) (*claimed, error) {
	if record.sequence == 0 {
		return nil, nil
	}
	claim := claimed{sequence: record.sequence}
	return &claim, parseRecord(record, &claim.claimRecord, &claim.Version)
}

func parseRecord(record stored, into any, version *int) error {
	if err := json.Unmarshal(record.data, into); err != nil {
		return unreadable(record.subject, err)
	}
	if *version != recordVersion {
		return unreadable(record.subject, fmt.Errorf("version %d", *version))
	}
	return nil
}

func unreadable(subject string, err error) error {
	return &broker.PermanentError{
		Err: fmt.Errorf("reading the record %s: %w", subject, err),
		Mend: "run the version of Convoy that wrote it or a newer one; if it is not Convoy's, remove it (nats stream purge --subject " + subject +
			"): a lane without progress begins anew",
	}
}

// writeClaim writes the claim in place of the one that was read; nil is none.
func (s *state) writeClaim(ctx context.Context, record claimRecord, instead *claimed) (*claimed, error) {
	text, err := json.Marshal(record)
	if err != nil {
		return nil, fmt.Errorf("writing the claim: %w", err)
	}
	var after uint64
	if instead != nil {
		after = instead.sequence
	}
	sequence, err := s.put(ctx, s.claim(), text, after)
	return &claimed{record, sequence}, err
}

// makeClaim finds that the claim stands, adopts it or makes it. Other workers may do the same at the same time.
func (s *state) makeClaim(ctx context.Context, claim broker.Claim, from *v1alpha1.StartFrom) (*claimed, error) {
	info, err := s.readable(ctx)
	if err != nil {
		return nil, err
	}
	if err := s.ensure(ctx, info.Config.Replicas); err != nil {
		return nil, err
	}
	for wait := lagWait; ; wait *= 2 {
		held, err := s.tryClaim(ctx, claim, from, info)
		if !conflict(err) || wait > lagWait<<lagTries {
			return held, err
		}
		if err := sleep(ctx, wait); err != nil {
			return nil, err
		}
	}
}

func (s *state) tryClaim(ctx context.Context, claim broker.Claim, from *v1alpha1.StartFrom, info *jetstream.StreamInfo) (*claimed, error) {
	held, err := s.readClaim(ctx)
	if err != nil {
		return nil, err
	}
	lanes, err := s.ensureLanes(ctx, held, info)
	if err != nil {
		return nil, err
	}
	record := claimRecord{Version: recordVersion, Claim: claim, Created: info.Created, Lanes: lanes}
	if held == nil {
		if record.Start, err = s.begin(ctx, from, info); err != nil {
			return nil, err
		}
		return s.writeClaim(ctx, record, nil)
	}
	if err := claim.Adopts(held.Claim, held.Rest != nil, s.kept()); err != nil {
		return nil, err
	}
	if held.Claim.Fingerprint != claim.Fingerprint {
		return s.succeed(ctx, record, from, held, info)
	}
	if err := s.same(held, info); err != nil || held.Claim == claim {
		return held, err
	}
	record = held.claimRecord
	record.Claim, record.Rest = claim, nil
	return s.writeClaim(ctx, record, held)
}

// stands says whether the claim that was read still is this process's, and what it says now: whoever makes it anew, or makes
// the pool anew, may say something else of where it begins. sure says that what was read is not from the past.
func (b *Broker) stands(record stored, sure bool) (*claimed, error) {
	mine := b.claimed.Load()
	if record.sequence < mine.sequence && !sure {
		return mine, nil
	}
	now, err := parseClaim(record)
	switch {
	case err != nil:
		return nil, err
	case now == nil:
		return nil, b.state.lost(b.state.claim())
	}
	if err := mine.Claim.Keeps(now.Claim, b.state.kept()); err != nil {
		return nil, err
	}
	b.claimed.Store(now)
	return now, nil
}

// kept names what has to be deleted for a pool to begin anew.
func (s *state) kept() string {
	if s.store != nil {
		return "streams " + s.stateStream + " and " + s.laneStream
	}
	return "stream " + s.stateStream
}

// same says whether the source is the stream that the pool has progress in.
func (s *state) same(held *claimed, info *jetstream.StreamInfo) error {
	if held.Created.Equal(info.Created) {
		return nil
	}
	return &broker.PermanentError{
		Err: fmt.Errorf("the stream %s was made at %s, the pool has read one made at %s: its messages are numbered anew, and the pool's progress "+
			"would skip them", s.source, info.Created.Format(time.RFC3339Nano), held.Created.Format(time.RFC3339Nano)),
		Mend: "restore the stream from a backup; or, to begin with the new one, delete the " + s.kept(),
	}
}

// complete says whether a stream still has what the pool has read up to a position.
func (s *state) complete(info *jetstream.StreamInfo, at order.Position) error {
	if last := order.Position(info.State.LastSeq); last < at {
		return &broker.PermanentError{
			Err:  fmt.Errorf("the stream %s ends at %d, the pool has read it up to %d: it lost its newest messages, and new ones get their numbers", info.Config.Name, last, at),
			Mend: "restore the stream from a newer backup; or, to begin anew, delete the " + s.kept(),
		}
	}
	return nil
}

// begin decides where a pool starts.
func (s *state) begin(ctx context.Context, from *v1alpha1.StartFrom, info *jetstream.StreamInfo) (start, error) {
	begin := start{Type: *from.Type}
	switch begin.Type {
	case v1alpha1.StartNew:
		begin.After, begin.Known = order.Position(info.State.LastSeq), true
	case v1alpha1.StartTime:
		begin.Time = from.Time.UTC()
		return s.locate(ctx, begin, info)
	default:
		begin.Known = true
	}
	return begin, nil
}

// locate finds the position of an instant, unless it is still to come by the servers' clock.
func (s *state) locate(ctx context.Context, begin start, info *jetstream.StreamInfo) (start, error) {
	if info.TimeStamp.Before(begin.Time) {
		return begin, nil
	}
	first, err := s.firstSince(ctx, begin.Time)
	switch {
	case errors.Is(err, broker.ErrGone):
		begin.After = order.Position(info.State.LastSeq)
	case err != nil:
		return start{}, err
	default:
		begin.After = first - 1
	}
	begin.Known = true
	return begin, nil
}

// started returns the claim with its start known, or, when that is still to come, when to ask again.
func (s *state) started(ctx context.Context, held *claimed) (*claimed, time.Duration, error) {
	if held.Start.Known {
		return held, 0, nil
	}
	info, err := s.readable(ctx)
	if err != nil {
		return held, 0, err
	}
	record := held.claimRecord
	record.Rest = nil
	if record.Start, err = s.locate(ctx, record.Start, info); err != nil {
		return held, 0, err
	}
	if !record.Start.Known {
		return held, record.Start.Time.Sub(info.TimeStamp), nil
	}
	written, err := s.writeClaim(ctx, record, held)
	if !conflict(err) {
		return written, 0, err
	}
	// Another worker found it first. Its word counts: where a pool starts is decided once.
	held, err = s.readClaim(ctx)
	if err == nil && held == nil {
		err = s.lost(s.claim())
	}
	return held, lagWait, err
}

// firstSince is the position of the first message at or after an instant; ErrGone when there is none.
func (s *state) firstSince(ctx context.Context, since time.Time) (order.Position, error) {
	message, err := s.get(ctx, s.source, map[string]any{"start_time": since, "next_by_subj": ">"})
	if err != nil {
		return 0, err
	}
	return message.Position, nil
}
