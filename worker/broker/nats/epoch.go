// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package nats

import (
	"context"
	"encoding/json"
	"fmt"

	"convoy.dev/convoy/worker/broker"
	"convoy.dev/convoy/worker/drain"
)

// epochRecord is the epoch record of a lane as it stands in the stream: JSON, for people who look.
type epochRecord struct {
	Version     int    `json:"version"`
	Epoch       int64  `json:"epoch"`
	Incarnation int64  `json:"incarnation"`
	Worker      string `json:"worker"`
}

func (r *epochRecord) record() broker.Record {
	return broker.Record{Token: drain.Token{Epoch: r.Epoch, Incarnation: r.Incarnation}, Worker: r.Worker}
}

// parseEpoch returns the zero Record for a lane that has none.
func parseEpoch(record stored) (broker.Record, error) {
	if record.sequence == 0 {
		return broker.Record{}, nil
	}
	var r epochRecord
	err := parseRecord(record, &r, &r.Version)
	return r.record(), err
}

// writeEpoch writes the grant to the lane's epoch record. A *broker.RefusedError says that the record stands in the way.
func (s *state) writeEpoch(ctx context.Context, grant broker.Grant) error {
	text, err := json.Marshal(epochRecord{recordVersion, grant.Token.Epoch, grant.Token.Incarnation, grant.Worker})
	if err != nil {
		return fmt.Errorf("writing an epoch record: %w", err)
	}
	subject := s.epoch(grant.Lane)
	_, err = s.race(ctx, subject, func(found stored) ([]byte, error) {
		record, err := parseEpoch(found)
		if err != nil {
			return nil, err
		}
		return text, grant.Overcomes(record)
	})
	return err
}

// race writes a subject's record from what it was, until no other write comes between. next says what to write, or why
// not. What is read may be old; the write then is refused, so that what was written follows from the newest record.
func (s *state) race(ctx context.Context, subject string, next func(found stored) ([]byte, error)) (uint64, error) {
	for wait := lagWait; ; wait *= 2 {
		found, err := s.last(ctx, []string{subject}, 0)
		if err != nil {
			return 0, err
		}
		data, err := next(found[subject])
		if err != nil {
			return 0, err
		}
		sequence, err := s.put(ctx, subject, data, found[subject].sequence)
		if !conflict(err) || wait > lagWait<<lagTries {
			return sequence, err
		}
		if err := sleep(ctx, wait); err != nil {
			return 0, err
		}
	}
}
