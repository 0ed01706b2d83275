// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package nats

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"time"

	client "github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/nats-io/nuid"

	"convoy.dev/convoy/worker/broker"
	"convoy.dev/convoy/worker/order"
)

// Headers of conditional and of atomic writes, NATS ADR-22 and ADR-50.
const (
	headerExpectLast    = "Nats-Expected-Last-Sequence"
	headerExpectSubject = "Nats-Expected-Last-Subject-Sequence"
	headerOfSubject     = "Nats-Expected-Last-Subject-Sequence-Subject"
	headerBatch         = "Nats-Batch-Id"
	headerBatchSequence = "Nats-Batch-Sequence"
	headerBatchCommit   = "Nats-Batch-Commit"
)

// way is how messages are appended, which depends on who keeps the stream. All ways are conditional on the same things.
type way struct {
	// messages is how many are sent as one write, writes how many may be without an answer.
	messages, writes int
	// whole says that a write is taken as a whole or not at all.
	whole bool
}

// wayOf chooses. A stream without replicas checks a condition as it stores the message, so that any number of conditional
// messages may be on their way. One with replicas checks it before, and refuses a second condition on the same subject
// while the first is on its way; but since 2.12 several messages can be one write, with one condition.
func wayOf(lanes *jetstream.StreamInfo) way {
	switch {
	case lanes.Config.Replicas <= 1:
		return way{messages: window / 2, writes: 4}
	case lanes.Config.AllowAtomicPublish:
		return way{messages: window, writes: 1, whole: true}
	}
	return way{messages: 1, writes: 1}
}

// session is one stretch of routing, from its record until something goes wrong.
type session struct {
	*shard
	chain   chain
	way     way
	routing broker.Routing
	places  []int32

	inbox   string
	acks    chan *client.Msg // as many as can be without an answer
	answers *client.Subscription
	silence *time.Timer
}

// placeWait is how long to wait when there is no room for a message.
const placeWait = 100 * time.Millisecond

// run routes until something ends it.
func (s *session) run(ctx context.Context, routing broker.Routing) error {
	if s.way.messages == 1 {
		s.config.Log.Warn("routing is slow: one message at a time; NATS servers of version 2.12 or newer append many to replicas as one (allow_atomic)",
			"stream", s.laneStream, "version", s.ConnectedServerVersion())
	}
	s.routing, s.inbox = routing, s.NewInbox()
	s.acks = make(chan *client.Msg, s.way.messages*s.way.writes+spare)
	s.silence = time.NewTimer(requestTime)
	defer s.silence.Stop()
	var err error
	if s.answers, err = s.ChanSubscribe(s.inbox, s.acks); err != nil {
		return fmt.Errorf("subscribing: %w", err)
	}
	ctx, end := s.requests.begin(ctx, s.prefix+"lane.*")
	defer end()
	err = s.failure(ctx, "routing", s.pump(ctx))
	if gone := s.answers.Unsubscribe(); gone != nil {
		s.config.Log.Debug("ending a session of routing", "error", gone)
	}
	return err
}

// pump reads through one consumer after another.
func (s *session) pump(ctx context.Context) error {
	for {
		before := s.chain.routed
		err := s.read(ctx)
		if !errors.Is(err, errBroken) {
			return err
		}
		if s.chain.routed == before {
			err = sleep(ctx, sessionWait)
		} else {
			err = nil
		}
		if err != nil {
			return err
		}
	}
}

func (s *session) read(ctx context.Context) error {
	pull, err := s.subscribe(ctx, s.state.shard(), s.grant, order.Position(s.chain.routed))
	if broker.KindOf(err) == broker.Permanent {
		return cmp.Or(s.still(ctx, s.chain.routed), err)
	}
	if err != nil {
		return err
	}
	defer pull.end()
	if err := s.still(ctx, s.chain.routed); err != nil { // Only now, for the reasons that a lane's reader has.
		return err
	}
	reading, end := s.requests.begin(ctx, pull.next())
	defer end()
	for {
		if len(pull.come) == 0 {
			if err := s.rest(ctx); err != nil {
				return err
			}
		}
		batch, err := pull.wait(reading)
		if failed := s.route(ctx, pull, batch); failed != nil {
			return failed
		}
		if err != nil {
			return s.failure(reading, "waiting for messages", err)
		}
		pull.delivered()
	}
}

// route appends messages to their lanes.
func (s *session) route(ctx context.Context, from *pull, messages []broker.Message) error {
	for len(messages) > 0 {
		places, err := s.routing.Place(ctx, messages, s.places[:0])
		if err != nil {
			return deliverError{err}
		}
		s.places = places
		if err := s.append(ctx, messages[:len(places)], places); err != nil {
			return err
		}
		if messages = messages[len(places):]; len(messages) > 0 {
			if err := s.rest(ctx); err != nil {
				return err
			}
			if err := sleep(ctx, placeWait); err != nil {
				return err
			}
			if messages, err = from.more(messages); err != nil {
				return err
			}
		}
	}
	return nil
}

// append sends messages, in writes of as many as go into one.
func (s *session) append(ctx context.Context, messages []broker.Message, places []int32) error {
	for from := 0; from < len(messages); {
		if places[from] == broker.Pass {
			s.chain.pass(messages[from].Sequence)
			from++
			continue
		}
		to := from + 1
		for to < len(messages) && to-from < s.way.messages && places[to] != broker.Pass {
			to++
		}
		if err := s.write(ctx, messages[from:to], places[from:to]); err != nil {
			return err
		}
		from = to
	}
	return nil
}

// write sends messages as one write, once there may be one more.
func (s *session) write(ctx context.Context, messages []broker.Message, places []int32) error {
	for len(s.chain.sent) >= s.way.writes {
		if err := s.settle(ctx); err != nil {
			return err
		}
	}
	w := write{messages: len(messages), whole: s.way.whole && len(messages) > 1}
	expect := s.chain.send(w, messages[len(messages)-1].Sequence)
	batch := ""
	if w.whole {
		batch = nuid.Next()
	}
	for i := range messages {
		m := pack(&messages[i], s.laneOf(places[i]), mark{s.grant.Token, messages[i].Sequence})
		if i == 0 || !w.whole {
			m.Header[headerExpectLast] = []string{strconv.FormatUint(expect+uint64(i), 10)}
			m.Header[headerExpectSubject] = []string{strconv.FormatUint(s.chain.term, 10)}
			m.Header[headerOfSubject] = []string{s.state.route(s.grant.Lane)}
		}
		last := i == len(messages)-1
		if w.whole {
			m.Header[headerBatch], m.Header[headerBatchSequence] = []string{batch}, []string{strconv.Itoa(i + 1)}
			if last {
				m.Header[headerBatchCommit] = []string{"1"}
			}
		}
		if last || !w.whole {
			m.Reply = s.inbox
		}
		if err := s.PublishMsg(m); err != nil {
			return fmt.Errorf("appending to lane %d: %w", places[i], s.tooLong(err, &messages[i], m))
		}
	}
	return nil
}

// tooLong says of a message that its source takes and its lane does not, with what Convoy adds, what a person can do. Routing
// stops at it: behind it may come more of its key.
func (s *session) tooLong(err error, message *broker.Message, packed *client.Msg) error {
	if !errors.Is(err, client.ErrMaxPayload) {
		return err
	}
	return &broker.PermanentError{
		Err: fmt.Errorf("message %d of the stream %s has %d bytes with what Convoy adds: %w", message.Sequence, s.source, packed.Size(), err),
		Mend: fmt.Sprintf("raise max_payload of the NATS servers above that; or, if nobody needs it, remove the message (nats stream rmm %s %d)",
			s.source, message.Sequence),
	}
}

// ack is the server's answer to a message.
type ack struct {
	Sequence uint64              `json:"seq"`
	Error    *jetstream.APIError `json:"error"`
}

// settle waits for one answer.
func (s *session) settle(ctx context.Context) error {
	var m *client.Msg
	select {
	case m = <-s.acks:
	default:
		s.silence.Reset(requestTime)
		select {
		case m = <-s.acks:
		case <-s.silence.C:
			return fmt.Errorf("appending to lanes: there is no answer within %v", requestTime)
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	if m.Header.Get(headerStatus) == statusNoResponders {
		return fmt.Errorf("the stream %s does not answer: %w", s.laneStream, client.ErrNoResponders)
	}
	var answer ack
	if err := json.Unmarshal(m.Data, &answer); err != nil {
		return fmt.Errorf("reading an answer: %w", err)
	}
	if answer.Error != nil {
		return full(fmt.Errorf("appending to lanes: %w", answer.Error))
	}
	n, err := s.chain.answer(answer.Sequence)
	if err == nil && s.routing.Settled != nil {
		s.routing.Settled(n)
	}
	return err
}

// rest waits for all answers, and makes it durable that messages were passed over: for that it writes its record anew,
// behind everything that it has sent.
func (s *session) rest(ctx context.Context) error {
	for len(s.chain.sent) > 0 {
		if err := s.settle(ctx); err != nil {
			return err
		}
	}
	if s.chain.said == s.chain.routed {
		return nil
	}
	term, err := s.writeTerm(ctx, s.chain.routed, jetstream.WithExpectLastSequence(s.chain.settled))
	if err == nil {
		s.chain = begin(term, s.chain.routed)
	}
	return err
}
