// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package nats

import (
	"context"
	"encoding/json"
	"fmt"
	"sync"

	"convoy.dev/convoy/worker/broker"
	"convoy.dev/convoy/worker/drain"
)

// epochRecord is the epoch record of a lane as it stands in the stream: JSON, for people who look.
type epochRecord struct {
	Version     int    `json:"version"`
	Epoch       int64  `json:"epoch"`
	Incarnation int64  `json:"incarnation"`
	Worker      string `json:"worker"`
	// Connection names the connection that wrote it: an earlier process of the same pod had another one.
	Connection string `json:"connection"`
}

func (r *epochRecord) record() broker.Record {
	return broker.Record{Token: drain.Token{Epoch: r.Epoch, Incarnation: r.Incarnation}, Worker: r.Worker}
}

// parseEpoch returns the zero record for a lane that has none.
func parseEpoch(record stored) (epochRecord, error) {
	if record.sequence == 0 {
		return epochRecord{}, nil
	}
	var r epochRecord
	err := parseRecord(record, &r, &r.Version)
	return r, err
}

// writeEpoch writes the grant to the lane's epoch record, and returns the record's sequence. A *broker.RefusedError says
// that the record stands in the way. In a retry one that this connection wrote for the same grant does not: it is written
// again, so that the record is known to be the grant's as of this call.
func (b *Broker) writeEpoch(ctx context.Context, grant broker.Grant, retry bool) (uint64, error) {
	own := epochRecord{recordVersion, grant.Token.Epoch, grant.Token.Incarnation, grant.Worker, b.name}
	text, err := json.Marshal(own)
	if err != nil {
		return 0, fmt.Errorf("writing an epoch record: %w", err)
	}
	subject := b.state.epochOf(grant.Unit())
	return b.state.race(ctx, []string{subject, b.state.claim()}, 0, func(found map[string]stored) ([]byte, error) {
		held, err := b.stands(found[b.state.claim()], false)
		if err != nil {
			return nil, err
		}
		record, err := parseEpoch(found[subject])
		switch {
		case err != nil:
			return nil, err
		case grant.Token.Epoch <= held.Floor:
			return nil, &broker.RefusedError{Kind: grant.Kind, Lane: grant.Lane, Token: grant.Token, Record: drain.Token{Epoch: held.Floor}}
		case retry && record == own:
			return text, nil
		}
		return text, grant.Overcomes(record.record())
	})
}

// opens are the grants, by what they are of, that were to be opened and of which there was no answer: their epoch records may have been
// written all the same.
type opens struct {
	mu sync.Mutex
	by map[drain.Unit]broker.Grant
}

// begin notes that a grant is to be opened. It returns true when there was an attempt without an answer.
func (o *opens) begin(grant broker.Grant) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.by == nil {
		o.by = map[drain.Unit]broker.Grant{}
	}
	before := o.by[grant.Unit()]
	o.by[grant.Unit()] = grant
	return before == grant
}

// end notes that there is an answer. A grant that was opened is not opened again.
func (o *opens) end(grant broker.Grant) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.by[grant.Unit()] == grant {
		delete(o.by, grant.Unit())
	}
}

// race writes the first subject's record from what it was, until no other write comes between; the other subjects are read
// with it. next says what to write, or why not. What is read is no older than the write with the sequence seen; the first
// record is the newest, since otherwise the write is refused.
func (s *state) race(ctx context.Context, subjects []string, seen uint64, next func(found map[string]stored) ([]byte, error)) (uint64, error) {
	for wait := lagWait; ; wait *= 2 {
		found, err := s.last(ctx, subjects, seen)
		if err != nil {
			return 0, err
		}
		data, err := next(found)
		if err != nil {
			return 0, err
		}
		sequence, err := s.put(ctx, subjects[0], data, found[subjects[0]].sequence)
		if !conflict(err) || wait > lagWait<<lagTries {
			return sequence, err
		}
		if err := sleep(ctx, wait); err != nil {
			return 0, err
		}
	}
}
