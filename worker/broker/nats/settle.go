// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package nats

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"

	"github.com/nats-io/nats.go/jetstream"

	"convoy.dev/convoy/api/v1alpha1"
	"convoy.dev/convoy/worker/broker"
	"convoy.dev/convoy/worker/order"
)

// rest is what another history begins from, found while the pool was at rest.
type rest struct {
	// After is the position up to which the source has nothing for the pool that is not completed.
	After order.Position `json:"after"`
	// Epoch is the highest epoch that a lane was opened at.
	Epoch int64 `json:"epoch"`
}

// Settle implements broker.Settler. What is read is as of a write of this call, and the note is written only if nothing at
// all was written to the stream since: so no owner can have loaded a lane in between, and one that loads later reads the
// claim after it has marked its lane (see openLane.Load).
func (b *Broker) Settle(ctx context.Context) (bool, error) {
	mine := b.claimed.Load()
	if mine == nil {
		return false, errUnclaimed
	}
	if b.state.store != nil {
		return false, nil // A router could append what nobody would read: nothing is known here of who routes.
	}
	settled, err := b.state.settle(ctx, mine)
	if err != nil {
		return false, fmt.Errorf("finding out whether the pool is at rest: %w", err)
	}
	return settled, nil
}

func (s *state) settle(ctx context.Context, mine *claimed) (bool, error) {
	var after order.Position
	for wait, counted := lagWait, false; ; wait *= 2 {
		seen, err := s.touch(ctx)
		if err != nil {
			return false, err
		}
		found, err := s.resting(ctx, mine, seen)
		if err != nil || found == nil {
			return false, err
		}
		if !counted {
			// Counting takes a while, and a claim is not made for it again: what was completed stays so.
			if after, counted, err = s.completed(ctx, found); err != nil || !counted {
				return false, err
			}
			continue
		}
		err = s.noteRest(ctx, found, rest{After: after, Epoch: found.epoch}, seen)
		if !conflict(err) || wait > lagWait<<lagTries {
			return err == nil, err
		}
		// Another worker that ends asks, too.
		if err := sleep(ctx, wait/2+rand.N(wait)); err != nil {
			return false, err
		}
	}
}

// resting is a pool of which no lane is loaded and nothing taken is outstanding.
type resting struct {
	held  *claimed
	epoch int64
	// taken is the position of each lane up to which everything is completed.
	taken []order.Position
}

// resting reads all records as of a write. It returns nil when the pool is not at rest, or another history has begun.
func (s *state) resting(ctx context.Context, mine *claimed, seen uint64) (*resting, error) {
	subjects := []string{s.claim()}
	for lane := range s.lanes {
		subjects = append(subjects, s.epoch(lane), s.progress(lane))
	}
	found, err := s.last(ctx, subjects, seen)
	if err != nil {
		return nil, err
	}
	held, err := parseClaim(found[s.claim()])
	if err != nil || held == nil || held.History != mine.History || !held.Start.Known {
		return nil, err
	}
	r := &resting{held: held, epoch: held.Floor, taken: make([]order.Position, s.lanes)}
	for lane := range s.lanes {
		record, err := parseEpoch(found[s.epoch(lane)])
		if err != nil {
			return nil, err
		}
		r.epoch = max(r.epoch, record.Epoch)
		progress, err := held.progressIn(found[s.progress(lane)])
		if err != nil {
			return nil, err
		}
		if progress.stage == running || progress.progress.Outstanding > 0 {
			return nil, nil
		}
		r.taken[lane] = max(progress.progress.LowWater, progress.progress.Taken)
	}
	return r, nil
}

// completed is the position up to which the source has nothing that a lane has not completed; false when it has something.
// The stream's leader is asked, because a replica that lags would let messages be passed over.
func (s *state) completed(ctx context.Context, r *resting) (order.Position, bool, error) {
	info, err := s.readable(ctx)
	if err != nil {
		return 0, false, err
	}
	if parked, err := s.parks(ctx); err != nil || parked {
		return 0, false, err
	}
	end := order.Position(info.State.LastSeq)
	for lane, taken := range r.taken {
		if err := s.complete(info, taken); err != nil {
			return 0, false, err
		}
		for _, subject := range s.subjects(int32(lane)) {
			if taken >= end {
				break
			}
			if _, err := s.get(ctx, s.source, map[string]any{"seq": uint64(taken) + 1, "next_by_subj": subject}); !errors.Is(err, broker.ErrGone) {
				return 0, false, err // There is one, or nobody knows.
			}
		}
	}
	return max(end, r.held.Start.After), true, nil
}

// parks says whether any key is parked: its record comes before its first message, and goes after its last.
func (s *state) parks(ctx context.Context) (bool, error) {
	parks := false
	err := s.ask(ctx, "looking at the stream "+s.parkStream, apiStreamInfo+s.parkStream, func(ctx context.Context) error {
		stream, err := s.js.Stream(ctx, s.parkStream)
		if errors.Is(err, jetstream.ErrStreamNotFound) {
			return nil
		}
		if err != nil {
			return err
		}
		info, err := stream.Info(ctx, jetstream.WithSubjectFilter(s.prefix+"parked.key.>"))
		parks = err == nil && len(info.State.Subjects) > 0
		return err
	})
	return parks, err
}

// noteRest writes the claim with the note, if nothing was written to the stream since a write.
func (s *state) noteRest(ctx context.Context, r *resting, note rest, seen uint64) error {
	record := r.held.claimRecord
	record.Rest = &note
	_, err := s.writeClaimAfter(ctx, record, seen)
	return err
}

// writeClaimAfter writes the claim if the stream's last record, of whatever subject, has the sequence given.
func (s *state) writeClaimAfter(ctx context.Context, record claimRecord, last uint64) (*claimed, error) {
	text, err := json.Marshal(record)
	if err != nil {
		return nil, fmt.Errorf("writing the claim: %w", err)
	}
	sequence, err := s.publish(ctx, s.claim(), text, jetstream.WithExpectLastSequence(last))
	return &claimed{record, sequence}, err
}

// succeed begins another history in place of one that is at rest. In the same stream it goes on behind what the old one has
// completed, in another it begins where startFrom says. The old one's note holds only while
// nothing was written since, and then this write is the first.
func (s *state) succeed(ctx context.Context, record claimRecord, from *v1alpha1.StartFrom, held *claimed, info *jetstream.StreamInfo) (*claimed, error) {
	record.History, record.Floor, record.Start = held.History+1, max(held.Floor, held.Rest.Epoch), held.Start
	if held.Created.Equal(info.Created) {
		record.Start.After = held.Rest.After
	} else {
		var err error
		if record.Start, err = s.begin(ctx, from, info); err != nil {
			return nil, err
		}
	}
	next, err := s.writeClaimAfter(ctx, record, held.sequence)
	if conflict(err) {
		return nil, fmt.Errorf("%w (%w)", record.Claim.Adopts(held.Claim, false, s.kept()), err)
	}
	return next, err
}

// progressIn is a lane's progress in the claim's history: none, when the record is of an earlier one or there is none.
func (c *claimed) progressIn(found stored) (progressRecord, error) {
	none := progressRecord{stage: fresh, history: c.History, progress: order.Progress{LowWater: c.floor(), Taken: c.floor()}}
	if found.sequence == 0 {
		return none, nil
	}
	record, err := parseProgress(found)
	if err == nil && record.history < c.History {
		none.token, none.worker = record.token, record.worker
		return none, nil
	}
	return record, err
}

// errSucceeded says that a claim with another fingerprint has taken the place of this process's.
var errSucceeded = fmt.Errorf("%w: a claim with another fingerprint has taken the place of this worker's", broker.ErrFenced)

// stands says whether the history that this lane was opened in was still the claim's at the lane's last write.
func (l *openLane) stands(ctx context.Context) error {
	found, err := l.last(ctx, []string{l.claim(), l.progress(l.grant.Lane)}, l.sequence)
	if err != nil {
		return err
	}
	now, err := parseClaim(found[l.claim()])
	switch {
	case err != nil:
		return err
	case now == nil:
		return l.lost(l.claim())
	case now.History != l.before.history:
		return errSucceeded
	}
	return nil
}
