// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package publish

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"convoy.dev/convoy/hack/e2e/shop"
	"convoy.dev/convoy/worker/lane"
)

const (
	// Stream is the name of the stream.
	Stream = "ORDERS"
	// LaneSubject is the subjects of one lane of a stream that is partitioned, as a pool's spec.lanes.native.nats.subjects has
	// them.
	LaneSubject = "orders.{lane}.>"

	allSubjects = "orders.>"
)

const (
	// beat is how often a portion is published.
	beat = 10 * time.Millisecond
	// ackTimeout is how long the stream may take for one event.
	ackTimeout = 10 * time.Second
	// maxPending bounds the events that the stream has not taken yet; more would only wait in it.
	maxPending = 1024
)

// Config says what to publish.
type Config struct {
	// Events are what is published.
	Events *shop.Stream
	// Lanes is the number of lanes that the stream is partitioned into; 0: it is not.
	Lanes int
	// Rate is how many events are published a second, at least 1.
	Rate int
	// Tell is called with each event before it is published.
	Tell func(shop.Event)
}

func (c Config) validate() error {
	if c.Events == nil || c.Tell == nil || c.Lanes < 0 || c.Rate < 1 {
		return errors.New("one of Events, Rate and Tell is missing, or Lanes is below 0")
	}
	return nil
}

// Publisher publishes events.
type Publisher struct {
	config Config
	js     jetstream.JetStream
	// acks are of the events that the stream may not have taken yet, in the order of their publication.
	acks []jetstream.PubAckFuture
}

// New makes the stream, unless it is there, and a publisher for it.
func New(ctx context.Context, connection *nats.Conn, config Config) (*Publisher, error) {
	if err := config.validate(); err != nil {
		return nil, fmt.Errorf("making a publisher: %w", err)
	}
	js, err := jetstream.New(connection, jetstream.WithPublishAsyncMaxPending(maxPending), jetstream.WithPublishAsyncTimeout(ackTimeout))
	if err != nil {
		return nil, fmt.Errorf("making a publisher: %w", err)
	}
	_, err = js.CreateOrUpdateStream(ctx, jetstream.StreamConfig{Name: Stream, Subjects: []string{allSubjects}})
	if err != nil {
		return nil, fmt.Errorf("making the stream %s: %w", Stream, err)
	}
	return &Publisher{config: config, js: js}, nil
}

// Run publishes until ctx ends, and returns when the stream has taken everything.
func (p *Publisher) Run(ctx context.Context) error {
	ticker := time.NewTicker(beat)
	defer ticker.Stop()
	began := time.Now()
	for published := 0; ; {
		select {
		case <-ctx.Done():
			return p.settle(len(p.acks))
		case now := <-ticker.C:
			due := int(now.Sub(began) * time.Duration(p.config.Rate) / time.Second)
			for ; published < due && ctx.Err() == nil; published++ {
				if err := p.publish(); err != nil {
					return err
				}
			}
		}
	}
}

// publish publishes the next event. It first waits for room: the client would soon give an event up that finds none.
func (p *Publisher) publish() error {
	if err := p.settle(len(p.acks) - maxPending + 1); err != nil {
		return err
	}
	event := p.config.Events.Next()
	body, err := json.Marshal(event)
	if err != nil {
		return fmt.Errorf("publishing %+v: %w", event, err)
	}
	p.config.Tell(event)
	message := &nats.Msg{Subject: Subject(event.Order, p.config.Lanes), Data: body}
	ack, err := p.js.PublishMsgAsync(message, jetstream.WithRetryAttempts(0)) // Again would be after its successors.
	if err != nil {
		return fmt.Errorf("publishing %+v: %w", event, err)
	}
	p.acks = append(p.acks, ack)
	return nil
}

// settle waits until the stream has taken the oldest n events.
func (p *Publisher) settle(n int) error {
	for ; n > 0; n-- {
		ack := p.acks[0]
		p.acks = p.acks[1:]
		select {
		case <-ack.Ok():
		case err := <-ack.Err():
			return fmt.Errorf("publishing to %s: %w", ack.Msg().Subject, err)
		}
	}
	return nil
}

// Subject is where events of an order go when the stream is partitioned into so many lanes; with none, when it is not.
func Subject(order string, lanes int) string {
	if lanes == 0 {
		return "orders." + order
	}
	return fmt.Sprintf("orders.%d.%s", lane.Of(lane.Hash(order), lanes), order)
}
