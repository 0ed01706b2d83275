// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package nats

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	client "github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"convoy.dev/convoy/worker/broker"
	"convoy.dev/convoy/worker/key"
	"convoy.dev/convoy/worker/order"
)

// getAnswer is the answer to a request for one message, by the leader of the stream. Direct reads would be cheaper, but a
// replica that lags does not find what is there, and they mix their own headers with the message's.
type getAnswer struct {
	Error   *jetstream.APIError `json:"error"`
	Message *struct {
		Subject  string    `json:"subject"`
		Sequence uint64    `json:"seq"`
		Header   []byte    `json:"hdrs"`
		Data     []byte    `json:"data"`
		Time     time.Time `json:"time"`
	} `json:"message"`
}

// get asks the leader of a stream for one message, as the stream has it. The error is ErrGone when it finds none.
func (s *state) get(ctx context.Context, stream string, request map[string]any) (broker.Message, error) {
	body, err := json.Marshal(request)
	if err != nil {
		return broker.Message{}, fmt.Errorf("asking for a message: %w", err)
	}
	var reply *client.Msg
	subject := apiMessageGet + stream
	err = s.ask(ctx, "reading a message of the stream "+stream, subject, func(ctx context.Context) (err error) {
		reply, err = s.RequestWithContext(ctx, subject, body)
		return err
	})
	if err != nil {
		return broker.Message{}, err
	}
	var answer getAnswer
	if err := json.Unmarshal(reply.Data, &answer); err != nil {
		return broker.Message{}, fmt.Errorf("reading a message of the stream %s: %w", stream, err)
	}
	switch {
	case answer.Error != nil && answer.Error.ErrorCode == jetstream.JSErrCodeMessageNotFound:
		return broker.Message{}, broker.ErrGone
	case answer.Error != nil:
		return broker.Message{}, answered("reading a message of the stream "+stream, answer.Error)
	case answer.Message == nil:
		return broker.Message{}, fmt.Errorf("reading a message of the stream %s: an answer without message", stream)
	}
	return answer.parse(), nil
}

func (a *getAnswer) parse() broker.Message {
	m := a.Message
	message := broker.Message{
		Message:  key.Message{Subject: m.Subject, Data: m.Data, Timestamp: m.Time.UTC()},
		Position: order.Position(m.Sequence), Sequence: order.Sequence(m.Sequence),
	}
	// A subscription delivers a message with headers that cannot be read without any, and so does this.
	if header, err := client.DecodeHeadersMsg(m.Header); err == nil {
		message.Headers = header
	}
	return message
}

// Fetch implements broker.Lane. A message that is newer than all that were read may be another stream's, made in place of the
// source since; then the source is looked at, too, after the message was.
func (l *openLane) Fetch(ctx context.Context, at order.Position) (broker.Message, error) {
	message, err := l.get(ctx, l.laneStream, map[string]any{"seq": uint64(at)})
	switch {
	case errors.Is(err, broker.ErrGone):
		err = l.gone(ctx, at)
	case err == nil && message.Timestamp.UnixNano() > l.newest.Load():
		err = l.still(ctx, at)
	}
	if err == nil {
		from := l.lane(l.grant.Lane)
		message, err = from.unpack(message)
	}
	if err != nil {
		return broker.Message{}, fmt.Errorf("fetching message %d of lane %d: %w", at, l.grant.Lane, err)
	}
	return message, nil
}

// gone says whether a message that was not found is gone for good: only if whoever answers has seen the stream up to
// there. Otherwise it may be a leader that is new, or was deposed.
func (l *openLane) gone(ctx context.Context, at order.Position) error {
	info, err := l.lanesOf(ctx, l.claimed.Load())
	if err != nil {
		return err
	}
	if last := order.Position(info.State.LastSeq); last < at {
		return fmt.Errorf("the stream %s ends at %d", l.laneStream, last)
	}
	return broker.ErrGone
}
