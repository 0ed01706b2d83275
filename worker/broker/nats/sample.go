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
	"time"

	client "github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/nats-io/nuid"

	"convoy.dev/convoy/worker/broker"
	"convoy.dev/convoy/worker/order"
)

// errNoClaim says that backlog cannot be counted yet: where the pool begins is decided with its claim.
var errNoClaim = errors.New("no worker of the pool has made its claim yet")

// Sample implements broker.Sampler. It reads all progress records in one request (for every 1,000 lanes), and then counts
// the messages behind the newest that was taken, in each lane that can have some: a small request for each subject of a
// lane, many sent at once. Nothing is counted again while nothing comes (see reusable).
func (b *Broker) Sample(ctx context.Context) (broker.Backlog, error) {
	backlog, err := b.sample(ctx)
	if err != nil {
		return broker.Backlog{}, fmt.Errorf("counting the backlog of the stream %s: %w", b.state.source, err)
	}
	return backlog, nil
}

func (b *Broker) sample(ctx context.Context) (broker.Backlog, error) {
	s, backlog := b.state, broker.Backlog{Lanes: make([]int64, b.state.lanes)}
	held, err := s.readClaim(ctx)
	if err != nil {
		return backlog, err
	}
	if held == nil {
		return backlog, errNoClaim
	}
	if held, _, err = s.started(ctx, held); err != nil {
		return backlog, err
	}
	if s.store != nil {
		backlog.Shards = make([]int64, 1)
		if backlog.Shards[0], err = s.unrouted(ctx, held); err != nil {
			return backlog, err
		}
	} else if !held.Start.Known {
		return backlog, nil
	}
	backlog.Lanes, _, err = b.count(ctx, held)
	return backlog, err
}

// count counts the messages of each lane that are not completed. It describes the stream that has them, too.
func (b *Broker) count(ctx context.Context, held *claimed) ([]int64, *jetstream.StreamInfo, error) {
	s, counts := b.state, make([]int64, b.state.lanes)
	from, err := s.frontier(ctx, held, counts)
	if err != nil {
		return nil, nil, err
	}
	info, err := s.lanesAt(ctx, held, slices.Max(from))
	if err != nil {
		return nil, nil, err
	}
	now := counted{of: extentOf(info), at: info.TimeStamp, from: from, behind: make([]int64, s.lanes)}
	if err := s.countBehind(ctx, &now, b.counted.Load(), info); err != nil {
		return nil, nil, err
	}
	if info.TimeStamp.Sub(info.State.LastTime) > quietTime {
		b.counted.Store(&now)
	}
	for lane, behind := range now.behind {
		counts[lane] += behind
	}
	return counts, info, nil
}

// counted is what was counted behind a position of each lane. It is not changed once it is done.
type counted struct {
	of extent
	// at is when it was counted, by the servers' clock; of figures that were used again, when they were counted first.
	at     time.Time
	from   []order.Position
	behind []int64
}

// extent is which messages a stream has.
type extent struct {
	created             time.Time
	first, last, stored uint64
	deleted             int
}

func extentOf(info *jetstream.StreamInfo) extent {
	s := &info.State
	return extent{created: info.Created, first: s.FirstSeq, last: s.LastSeq, stored: s.Msgs, deleted: s.NumDeleted}
}

// quietTime is for how long nothing must have come before what was counted is used again: a replica that lags counts too
// little. reuseTime is for how long it is used then, in case one lags for longer.
const (
	quietTime = 10 * time.Second
	reuseTime = time.Minute
)

// reusable says whether what was counted before is as good as counting now: the source has the same messages.
func (c *counted) reusable(before *counted) bool {
	return before != nil && before.of == c.of && c.at.Sub(before.at) < reuseTime
}

// use takes over what was counted before, as far as it still is so, and returns the lanes that are to be counted.
func (c *counted) use(before *counted) (open []int32) {
	again := c.reusable(before)
	if again {
		c.at = before.at
	}
	for lane, after := range c.from {
		switch {
		case uint64(after) >= c.of.last:
		case again && before.from[lane] == after:
			c.behind[lane] = before.behind[lane]
		default:
			open = append(open, int32(lane))
		}
	}
	return open
}

// countBehind counts the messages behind each lane's position.
func (s *state) countBehind(ctx context.Context, now, before *counted, info *jetstream.StreamInfo) error {
	var asked []counting
	for _, lane := range now.use(before) {
		for _, subject := range s.subjects(lane) {
			asked = append(asked, counting{int(lane), now.from[lane], subject})
		}
	}
	return s.countAll(ctx, info, asked, now.behind)
}

// countAll adds to counts what was asked for, in the way that the stream allows.
func (s *state) countAll(ctx context.Context, of *jetstream.StreamInfo, asked []counting, counts []int64) error {
	if of.Config.AllowDirect {
		return s.countDirect(ctx, of.Config.Name, asked, counts)
	}
	return s.countByConsumer(ctx, of.Config.Name, asked, counts)
}

// frontier is the position of each lane behind which nothing was taken. It adds to counts what is outstanding before it.
func (s *state) frontier(ctx context.Context, held *claimed, counts []int64) ([]order.Position, error) {
	all, err := s.progressOf(ctx, held)
	if err != nil {
		return nil, err
	}
	from := make([]order.Position, s.lanes)
	for lane := range all {
		p := &all[lane]
		from[lane], counts[lane] = max(p.LowWater, p.Taken), int64(p.Outstanding)
	}
	return from, nil
}

// progressOf is the durable progress of each lane, by replicas that may lag.
func (s *state) progressOf(ctx context.Context, held *claimed) ([]order.Progress, error) {
	subjects := make([]string, 0, s.lanes)
	for lane := range s.lanes {
		subjects = append(subjects, s.progress(lane))
	}
	found, err := s.last(ctx, subjects, 0)
	if err != nil {
		return nil, err
	}
	all := make([]order.Progress, s.lanes)
	for lane, subject := range subjects {
		record, err := held.progressIn(found[subject])
		if err != nil {
			return nil, err
		}
		all[lane] = record.progress
	}
	return all, nil
}

// nextRequest asks for the next messages of a subject, together with how many follow them. An answer ends with the message
// that makes it as large as MaxBytes.
type nextRequest struct {
	From     uint64 `json:"seq"`
	Next     string `json:"next_by_subj"`
	Batch    int    `json:"batch"`
	MaxBytes int    `json:"max_bytes"`
}

// countBytes and countMost are how many bytes and requests are under way at once. An answer has a whole message beside the
// number; a server that has too much to send at once takes the client for one that does not read, and ends the connection.
const (
	countBytes = 32 << 20
	countMost  = 256
)

// countBatch is how many requests are made at once.
func (s *state) countBatch() int {
	return max(1, min(countMost, countBytes/(int(s.MaxPayload())+messageExtra)))
}

// counting is a count under way: of the messages of a subject behind a position, which is added to one of the counts.
type counting struct {
	into    int
	after   order.Position
	subject string
}

// countDirect counts by direct reads, which any replica answers. One that lags counts too little for as long as it lags.
func (s *state) countDirect(ctx context.Context, stream string, asked []counting, counts []int64) error {
	for some := range slices.Chunk(asked, s.countBatch()) {
		err := s.ask(ctx, "counting messages", directGet+stream, func(ctx context.Context) error { return s.countSome(ctx, stream, some, counts) })
		if err != nil {
			return err
		}
	}
	return nil
}

func (s *state) countSome(ctx context.Context, stream string, asked []counting, counts []int64) (err error) {
	inbox := s.NewInbox()
	answers, end, err := s.listen(inbox+".*", 2*len(asked))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, end()) }()
	for i := range asked {
		body, err := json.Marshal(nextRequest{From: uint64(asked[i].after) + 1, Next: asked[i].subject, Batch: 1, MaxBytes: answerBytes})
		if err != nil {
			return err
		}
		if err := s.PublishRequest(directGet+stream, inbox+"."+strconv.Itoa(i), body); err != nil {
			return err
		}
	}
	for left := len(asked); left > 0; {
		answer, err := next(ctx, answers)
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
			counts[asked[i].into] += pending
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

// countByConsumer counts in a stream that does not allow direct reads: by making, for each count, a consumer that is never
// read, which costs the servers more.
func (s *state) countByConsumer(ctx context.Context, stream string, asked []counting, counts []int64) error {
	for i := range asked {
		pending, err := s.countOne(ctx, stream, &asked[i])
		if err != nil {
			return err
		}
		counts[asked[i].into] += pending
	}
	return nil
}

func (s *state) countOne(ctx context.Context, stream string, asked *counting) (int64, error) {
	name := fmt.Sprintf("%s_count_%s", s.stateStream, nuid.Next())
	var pending int64
	err := s.ask(ctx, "counting messages", apiConsumerCreate+stream+"."+name, func(ctx context.Context) error {
		from := input{subjects: []string{asked.subject}}
		config := from.behind(asked.after)
		config.Name, config.InactiveThreshold = name, requestTime
		config.Description = "backlog of the Convoy pool " + s.pool
		consumer, err := s.js.CreateConsumer(ctx, stream, config)
		if err == nil {
			pending = int64(consumer.CachedInfo().NumPending)
		}
		return err
	})
	if err != nil {
		return 0, err
	}
	return pending, s.ask(ctx, "counting messages", apiConsumerDelete+stream+"."+name, func(ctx context.Context) error {
		return s.js.DeleteConsumer(ctx, stream, name)
	})
}

// unrouted counts the messages of the source that are in no lane yet.
func (s *state) unrouted(ctx context.Context, held *claimed) (int64, error) {
	if !held.Start.Known {
		return 0, nil
	}
	lanes, err := s.lanesOf(ctx, held)
	if err != nil {
		return 0, err
	}
	at, err := s.cursor(ctx, held, lanes.State.LastSeq)
	if err != nil {
		return 0, err
	}
	source, err := s.readable(ctx)
	if err != nil || uint64(at.sequence) >= source.State.LastSeq {
		return 0, err
	}
	subjects := s.filter
	if len(subjects) == 0 {
		subjects = []string{">"}
	}
	var asked []counting
	for _, subject := range subjects {
		asked = append(asked, counting{0, order.Position(at.sequence), subject})
	}
	var count [1]int64
	err = s.countAll(ctx, source, asked, count[:])
	return count[0], err
}
