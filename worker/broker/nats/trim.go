// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package nats

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"sync"
	"time"

	client "github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"convoy.dev/convoy/worker/order"
)

const (

	// trimInterval is how far apart two purges of a lane are, trimFailed how long after one that failed none is tried.
	trimInterval, trimFailed = time.Second, 10 * time.Second
	// trimShare is which part of the time the lanes of one connection may spend on purges: one in so many.
	trimShare = 10
)

// purgeBefore removes what a subject of the lane stream has before a place. 2.11.8 takes the place 1 for none at all, and
// would remove everything.
func (s *state) purgeBefore(ctx context.Context, subject string, before uint64) error {
	if before <= 1 {
		return nil
	}
	body, err := json.Marshal(jetstream.StreamPurgeRequest{Subject: subject, Sequence: before})
	if err != nil {
		return fmt.Errorf("purging: %w", err)
	}
	api := apiStreamPurge + s.laneStream
	return s.ask(ctx, "purging "+subject, api, func(ctx context.Context) error {
		var reply *client.Msg
		if reply, err = s.RequestWithContext(ctx, api, body); err != nil {
			return err
		}
		var answer ack
		if err := json.Unmarshal(reply.Data, &answer); err != nil {
			return fmt.Errorf("reading an answer: %w", err)
		}
		if answer.Error != nil {
			return answer.Error
		}
		return nil
	})
}

// trims bounds what all lanes of a connection spend on purges, since a purge of some subjects makes the servers look
// through the stream. Lanes that find no turn try again with their next flush.
type trims struct {
	mu   sync.Mutex
	busy bool
	next time.Time
}

// begin takes a turn, or reports that there is none now.
func (t *trims) begin(now time.Time) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.busy || now.Before(t.next) {
		return false
	}
	t.busy = true
	return true
}

func (t *trims) end(began, now time.Time) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.busy, t.next = false, now.Add(trimShare*now.Sub(began))
}

// trimming is what an owner has purged of its lane.
type trimming struct {
	through order.Position
	next    time.Time
}

// trim purges what the lane's durable progress says to be completed. It spares the newest message that this owner has
// read, and so the last message of the whole stream, which says how far the source is routed. That it fails is no failure
// of the flush: what is left is purged with the next.
func (l *openLane) trim(ctx context.Context, completed order.Position) {
	read := order.Position(l.read.Load())
	through := min(completed, max(read, 1)-1)
	began := time.Now()
	if l.store == nil || through <= l.trimmed.through || began.Before(l.trimmed.next) || !l.trims.begin(began) {
		return
	}
	err := l.purgeBefore(ctx, l.laneOf(l.grant.Lane), uint64(through)+1)
	l.trims.end(began, time.Now())
	l.trimmed.next = began.Add(trimInterval)
	if err != nil {
		l.trimmed.next = began.Add(trimFailed)
		l.config.Log.Warn("completed messages of a lane are not purged; it is tried again", "lane", l.grant.Lane, "error", err)
		return
	}
	l.trimmed.through = through
}

// sweepAbove is how full the store is, in hundredths, when the router looks whether its lanes' owners have left something.
const sweepAbove = 75

// sweep purges for the router what the lanes' durable progress says to be completed and their owners have not purged: who
// has nothing to flush purges nothing, nor does who has not read yet, and a store full of such messages would stay full for
// ever. It spares the message that says how far the source is routed, as the owners do. It reports whether it has purged anything.
func (r *shard) sweep(ctx context.Context, held *claimed, last uint64) bool {
	began := time.Now()
	if !r.broker.trims.begin(began) {
		return false
	}
	purged, err := r.purgeCompleted(ctx, held, last)
	r.broker.trims.end(began, time.Now())
	if err != nil {
		r.config.Log.Warn("completed messages of a full store are not purged; it is tried again", "stream", r.laneStream, "error", err)
	}
	return purged
}

func (r *shard) purgeCompleted(ctx context.Context, held *claimed, last uint64) (purged bool, err error) {
	newest, err := r.cursor(ctx, held, last)
	if err != nil {
		return false, err
	}
	all, err := r.progressOf(ctx, held)
	if err != nil {
		return false, err
	}
	if r.swept == nil {
		r.swept = slices.Repeat([]order.Position{held.floor()}, len(all))
	}
	for lane := range all {
		through := min(all[lane].LowWater, max(newest.at, 1)-1)
		if through <= r.swept[lane] {
			continue
		}
		if err := r.purgeBefore(ctx, r.laneOf(int32(lane)), uint64(through)+1); err != nil {
			return purged, err
		}
		purged, r.swept[lane] = true, through
	}
	return purged, nil
}
