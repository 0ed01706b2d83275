// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package nats

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"

	client "github.com/nats-io/nats.go"
	"github.com/nats-io/nuid"

	"convoy.dev/convoy/worker/broker"
	"convoy.dev/convoy/worker/order"
)

// errNoClaim says that backlog cannot be counted yet: where the pool begins is decided with its claim.
var errNoClaim = errors.New("no worker of the pool has made its claim yet")

// Sample implements broker.Sampler. It reads all progress records in one request (for every 1,000 lanes), and then counts
// the messages behind the newest that was taken, in each lane that can have some: a small request for each subject of a
// lane, all sent at once.
func (b *Broker) Sample(ctx context.Context) (broker.Backlog, error) {
	backlog, err := b.state.sample(ctx)
	if err != nil {
		return broker.Backlog{}, fmt.Errorf("counting the backlog of the stream %s: %w", b.state.source, err)
	}
	return backlog, nil
}

func (s *state) sample(ctx context.Context) (broker.Backlog, error) {
	backlog := broker.Backlog{Lanes: make([]int64, s.lanes)}
	held, err := s.readClaim(ctx)
	if err != nil {
		return backlog, err
	}
	if held == nil {
		return backlog, errNoClaim
	}
	if held, _, err = s.started(ctx, held); err != nil || !held.Start.Known {
		return backlog, err
	}
	from, err := s.frontier(ctx, held, backlog.Lanes)
	if err != nil {
		return backlog, err
	}
	info, err := s.readable(ctx)
	if err != nil {
		return backlog, err
	}
	if err := s.continues(held, info, slices.Max(from)); err != nil {
		return backlog, err
	}
	var open []int32
	for lane, after := range from {
		if uint64(after) < info.State.LastSeq {
			open = append(open, int32(lane))
		}
	}
	count := s.countByConsumer
	if info.Config.AllowDirect {
		count = s.countDirect
	}
	return backlog, count(ctx, open, from, backlog.Lanes)
}

// frontier is the position of each lane behind which nothing was taken. It adds to counts what is outstanding before it.
func (s *state) frontier(ctx context.Context, held *claimed, counts []int64) ([]order.Position, error) {
	subjects := make([]string, 0, s.lanes)
	for lane := range s.lanes {
		subjects = append(subjects, s.progress(lane))
	}
	found, err := s.last(ctx, subjects, 0)
	if err != nil {
		return nil, err
	}
	from := make([]order.Position, s.lanes)
	for lane, subject := range subjects {
		progress, err := held.progressIn(found[subject])
		if err != nil {
			return nil, err
		}
		from[lane] = max(progress.progress.LowWater, progress.progress.Taken)
		counts[lane] = int64(progress.progress.Outstanding)
	}
	return from, nil
}

// nextRequest asks for the next message of a subject, together with how many follow it.
type nextRequest struct {
	From  uint64 `json:"seq"`
	Next  string `json:"next_by_subj"`
	Batch int    `json:"batch"`
}

// countBatch is how many requests are under way at once, so that neither side is flooded.
const countBatch = 256

// counting is one request under way.
type counting struct {
	lane int32
	next nextRequest
}

// countDirect counts by direct reads, which any replica answers. One that lags counts too little for as long as it lags.
func (s *state) countDirect(ctx context.Context, open []int32, from []order.Position, counts []int64) error {
	var asked []counting
	for _, lane := range open {
		for _, subject := range s.subjects(lane) {
			asked = append(asked, counting{lane, nextRequest{uint64(from[lane]) + 1, subject, 1}})
		}
	}
	for len(asked) > 0 {
		n := min(countBatch, len(asked))
		err := s.ask(ctx, "counting messages", directGet+s.source, func(ctx context.Context) error { return s.countSome(ctx, asked[:n], counts) })
		if err != nil {
			return err
		}
		asked = asked[n:]
	}
	return nil
}

func (s *state) countSome(ctx context.Context, asked []counting, counts []int64) (err error) {
	inbox := s.NewInbox()
	answers, err := s.SubscribeSync(inbox + ".*")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, answers.Unsubscribe()) }()
	for i := range asked {
		body, err := json.Marshal(asked[i].next)
		if err != nil {
			return err
		}
		if err := s.PublishRequest(directGet+s.source, inbox+"."+strconv.Itoa(i), body); err != nil {
			return err
		}
	}
	for left := len(asked); left > 0; {
		answer, err := answers.NextMsgWithContext(ctx)
		if err != nil {
			return err
		}
		i, err := strconv.Atoi(answer.Subject[len(inbox)+1:])
		if err != nil || i < 0 || i >= len(asked) {
			return fmt.Errorf("an answer to %s", answer.Subject)
		}
		pending, counted, err := countAnswer(answer)
		if err != nil {
			return err
		}
		if counted {
			left--
			counts[asked[i].lane] += pending
		}
	}
	return nil
}

// countAnswer reads how many messages there are. An answer is the next message and then, apart, its end, which says how many
// messages follow that one; or that there is none. (The message says it, too, but servers before 2.12 count it itself there.)
func countAnswer(answer *client.Msg) (pending int64, counted bool, err error) {
	if answer.Header.Get(headerSequence) != "" { // A message, which may have a header Status of its own.
		return 0, false, nil
	}
	switch status := answer.Header.Get(headerStatus); status {
	case statusEnd:
		n, err := number(answer, headerNumPending)
		return int64(n) + 1, true, err
	case statusNone:
		return 0, true, nil
	case statusNoResponders:
		return 0, false, client.ErrNoResponders
	default:
		return 0, false, fmt.Errorf("status %s %s", status, answer.Header.Get(headerDescription))
	}
}

// countByConsumer counts in a source that does not allow direct reads: by making, for each lane, a consumer that is never
// read, which costs the servers more.
func (s *state) countByConsumer(ctx context.Context, open []int32, from []order.Position, counts []int64) error {
	for _, lane := range open {
		pending, err := s.countLane(ctx, lane, from[lane])
		if err != nil {
			return err
		}
		counts[lane] += pending
	}
	return nil
}

func (s *state) countLane(ctx context.Context, lane int32, after order.Position) (int64, error) {
	name := fmt.Sprintf("%s_%d_count_%s", s.stateStream, lane, nuid.Next())
	var pending int64
	err := s.ask(ctx, "counting messages", apiConsumerCreate+s.source+"."+name, func(ctx context.Context) error {
		config := s.behind(lane, after)
		config.Name, config.InactiveThreshold = name, requestTime
		config.Description = fmt.Sprintf("backlog of lane %d of the Convoy pool %s", lane, s.pool)
		consumer, err := s.js.CreateConsumer(ctx, s.source, config)
		if err == nil {
			pending = int64(consumer.CachedInfo().NumPending)
		}
		return err
	})
	if err != nil {
		return 0, err
	}
	return pending, s.ask(ctx, "counting messages", apiConsumerDelete+s.source+"."+name, func(ctx context.Context) error {
		return s.js.DeleteConsumer(ctx, s.source, name)
	})
}
