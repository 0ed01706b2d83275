// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package nats

import (
	"context"
	"fmt"
	"sync/atomic"

	"convoy.dev/convoy/worker/broker"
	"convoy.dev/convoy/worker/order"
)

// openLane is a lane that this process has opened.
type openLane struct {
	*state
	*parking
	claimed *atomic.Pointer[claimed]
	grant   broker.Grant
	// before is the record that the lane's last owner left, as it was when its chain was taken over.
	before progressRecord
	// sequence is that of the newest record of the chain that this process knows to be its own.
	sequence uint64
	buffer   []byte // of the record being written
	// newest is the timestamp of the newest message that was delivered, in nanoseconds of Unix time. Read writes it.
	newest atomic.Int64
	// read is the position of the newest message that was read. Its reader writes it.
	read    atomic.Uint64
	trims   *trims
	trimmed trimming
}

// takeOver writes the lane's progress record as the grant's: what it says stays, and from here on nobody else can write
// it. Two owners that open a lane at once come out in the order of their tokens. The claim is looked at as of the write of the
// epoch record at the earliest, whose sequence is given: one that was lost before does not go unnoticed.
func (b *Broker) takeOver(ctx context.Context, grant broker.Grant, seen uint64) (*openLane, error) {
	before := b.claimed.Load()
	held, _, err := b.state.started(ctx, before)
	if err != nil {
		return nil, err
	}
	if held != before {
		b.claimed.Store(held)
		seen = max(seen, held.sequence)
	}
	l := &openLane{state: b.state, parking: newParking(b.state, grant), claimed: &b.claimed, grant: grant, trims: &b.trims}
	subject := l.progress(grant.Lane)
	l.sequence, err = l.race(ctx, []string{subject, l.claim()}, seen, func(found map[string]stored) ([]byte, error) {
		held, err := b.stands(found[l.claim()], true)
		if err != nil {
			return nil, err
		}
		if l.before, err = held.progressIn(found[subject]); err != nil {
			return nil, err
		}
		if l.before.history > held.History {
			return nil, errSucceeded
		}
		if grant.Token.Less(l.before.token) {
			return nil, &broker.RefusedError{Lane: grant.Lane, Token: grant.Token, Record: l.before.token, Own: l.before.worker == grant.Worker}
		}
		return l.encode(l.before.stage, &l.before.progress)
	})
	if err != nil {
		return nil, fmt.Errorf("taking over the progress of lane %d: %w", grant.Lane, err)
	}
	return l, nil
}

// recordReserve is what a record's headers may take of the servers' max_payload.
const recordReserve = 1024

// recordLimit is how large a record may be, in bytes, for the server of now.
func (s *state) recordLimit() int {
	const fallback = 1 << 20 // The servers' default, before the first connection.
	if most := s.MaxPayload(); most > 0 {
		return int(most) - recordReserve
	}
	return fallback - recordReserve
}

func (l *openLane) encode(at stage, p *order.Progress) ([]byte, error) {
	record := progressRecord{history: l.before.history, token: l.grant.Token, worker: l.grant.Worker, stage: at, progress: *p}
	data, err := record.encode(l.buffer[:0], l.recordLimit())
	if err != nil {
		return nil, tooLarge(err)
	}
	l.buffer = data
	return data, nil
}

// Load implements broker.Lane. It marks the lane as running, so that the next owner knows that messages may have been in
// flight; and then looks whether the claim still stands. Who finds the pool at rest writes only if nothing was written since
// it looked: either it sees the mark, or its write comes before the mark, and is seen here.
func (l *openLane) Load(ctx context.Context) (order.Opening, error) {
	opening := order.Opening{Lane: l.grant.Lane, Epoch: uint64(l.grant.Token.Number()), Progress: l.before.progress, Crashed: l.before.stage == running}
	info, err := l.lanesAt(ctx, l.claimed.Load(), opening.Progress.Taken)
	if err != nil {
		return order.Opening{}, l.failed("loading", err)
	}
	if opening.Crashed {
		// All lanes share the numbers of the stream, and what comes later has higher ones. The stream's end is therefore
		// as good as the lane's.
		opening.CarefulThrough = max(order.Position(info.State.LastSeq), opening.Progress.Taken)
	}
	if err := l.write(ctx, running, &l.before.progress); err != nil {
		return order.Opening{}, l.failed("loading", err)
	}
	if err := l.stands(ctx); err != nil {
		return order.Opening{}, l.failed("loading", err)
	}
	return opening, nil
}

// Flush implements broker.Lane.
func (l *openLane) Flush(ctx context.Context, progress *order.Progress, final bool) error {
	at := running
	if final {
		at = drained
	}
	err := l.write(ctx, at, progress)
	if err == nil {
		l.trim(ctx, progress.LowWater)
	}
	return l.failed("flushing", err)
}

func (l *openLane) failed(doing string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s lane %d at %v: %w", doing, l.grant.Lane, l.grant.Token, err)
}

// write appends to the chain. A write whose outcome is not known, because its answer was lost, is found out by the next
// one, which is refused if that one was carried out.
func (l *openLane) write(ctx context.Context, at stage, progress *order.Progress) error {
	data, err := l.encode(at, progress)
	if err != nil {
		return err
	}
	subject := l.progress(l.grant.Lane)
	for wait := lagWait; ; wait *= 2 {
		sequence, err := l.put(ctx, subject, data, l.sequence)
		if err == nil {
			l.sequence = sequence
			return nil
		}
		if !conflict(err) || wait > lagWait<<lagTries {
			return err
		}
		if err := l.own(ctx, subject); err != nil {
			return err
		}
		if err := sleep(ctx, wait); err != nil {
			return err
		}
	}
}

// own finds the newest record of the chain, if it is still this process's.
func (l *openLane) own(ctx context.Context, subject string) error {
	seen, err := l.touch(ctx)
	if err != nil {
		return err
	}
	found, err := l.last(ctx, []string{subject}, seen)
	if err != nil {
		return err
	}
	newest, is := found[subject]
	if !is {
		return l.lost(subject)
	}
	record, err := parseProgress(newest)
	if err != nil {
		return err
	}
	if record.token != l.grant.Token {
		return fmt.Errorf("%w: %v", broker.ErrFenced, record.token)
	}
	l.sequence = newest.sequence
	return nil
}
