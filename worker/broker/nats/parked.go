// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package nats

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"strconv"

	client "github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"convoy.dev/convoy/worker/broker"
	"convoy.dev/convoy/worker/key"
	"convoy.dev/convoy/worker/order"
)

// packParked makes a message of the park stream. Beside the body, which stays as it is, all is in headers. The message's own
// are kept under other names: so they are neither obeyed by the servers nor taken for what the servers add to an answer.
func packParked(subject, name string, message *broker.Message) *client.Msg {
	m := &client.Msg{Subject: subject, Data: message.Data, Header: client.Header{}}
	m.Header.Set(headerKey, url.PathEscape(name))
	m.Header.Set(headerPosition, strconv.FormatUint(uint64(message.Sequence), 10))
	setOrigin(m.Header, message)
	for header, values := range message.Headers {
		m.Header[keptAs(header)] = values
	}
	return m
}

// unpackParked makes the message again.
func unpackParked(record stored) (broker.Message, error) {
	sequence, err := strconv.ParseUint(record.header.Get(headerPosition), 10, 64)
	if err != nil {
		return broker.Message{}, unreadable(record.subject, err)
	}
	message := broker.Message{Message: key.Message{Data: record.data}, Sequence: order.Sequence(sequence)}
	if err := readOrigin(record.header, &message); err != nil {
		return broker.Message{}, unreadable(record.subject, err)
	}
	for header, values := range record.header {
		if name, is := keptOf(header); is {
			if message.Headers == nil {
				message.Headers = map[string][]string{}
			}
			message.Headers[name] = values
		}
	}
	return message, nil
}

// parkConfig is how the stream for what is parked is made. A message that does not fit is refused, and nothing expires.
func (s *state) parkConfig(replicas int) jetstream.StreamConfig {
	return jetstream.StreamConfig{
		Name: s.parkStream,
		Description: "What the Convoy pool " + s.pool + " has parked: messages of the stream " + s.source + " that wait for a ConvoyAction, by " +
			"lane and key. Without it they are lost.",
		Subjects:  []string{s.prefix + "parked.>"},
		Retention: jetstream.LimitsPolicy, Discard: jetstream.DiscardNew, AllowRollup: true,
		Storage: jetstream.FileStorage, Replicas: replicas, AllowDirect: true,
		Metadata: map[string]string{"convoy.dev/pool": s.pool, "convoy.dev/keeps": "parked messages"},
	}
}

// ensurePark makes the park stream, or finds that it fits. It is there before the first message is parked, so that the
// owner record of each lane is as old as its owner.
func (s *state) ensurePark(ctx context.Context) error {
	info, err := s.stream(ctx, s.parkStream)
	if err != nil {
		return err
	}
	if info == nil {
		source, err := s.readable(ctx)
		if err != nil {
			return err
		}
		return s.create(ctx, s.parkConfig(source.Config.Replicas))
	}
	want := s.parkConfig(info.Config.Replicas)
	err = fits(&info.Config, &want, int64(s.recordLimit()))
	if err == nil && !info.Config.AllowRollup {
		err = errors.New("it does not allow roll-ups")
	}
	if err != nil {
		return &broker.PermanentError{Err: fmt.Errorf("the stream %s was changed: %w", s.parkStream, err), Mend: "undo that: Convoy made it as it needs it"}
	}
	return nil
}
