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

const (
	// window is how many messages are asked for ahead of what was delivered, and so how many wait in memory, of a lane.
	window = 512
	// leastBytes is how many bytes are asked for at least; a server that takes larger messages needs more.
	leastBytes = 1 << 20
	// messageExtra is what a message takes beside its payload: subject, reply subject, headers.
	messageExtra = 8 << 10
	// requestLife is how long a request stands; while nothing comes the server says every heartbeat that it is there.
	requestLife = 30 * time.Second
	heartbeat   = 3 * time.Second
	// idleLife is how long a consumer lives that nobody asks: if its reader went without a word, or is held up.
	idleLife = time.Minute
	// spare is room for what is no message: heartbeats and ends of requests.
	spare = 64
)

// apiNext begins the subject of requests for a consumer's next messages, apiConsumer of those that make and delete one.
// The library's own iterators take one message at a time and start two goroutines for each lane; these few lines hand over
// what has come as one batch, and wait in the caller's goroutine.
const (
	apiNext           = "$JS.API.CONSUMER.MSG.NEXT."
	apiConsumerCreate = "$JS.API.CONSUMER.CREATE."
	apiConsumerDelete = "$JS.API.CONSUMER.DELETE."
)

// pull is one consumer and the messages that came from it.
type pull struct {
	state    *state
	from     input
	consumer string
	inbox    string
	come     chan *client.Msg // window of two requests, and what is no message
	answers  *client.Subscription
	silence  *time.Timer
	request  []byte
	batch    []broker.Message
	// due is how many messages the server may still send by the requests made.
	due int
	// seen is the consumer's number of the last message, last its position and newest when its stream took it.
	seen   uint64
	last   order.Position
	newest time.Time
}

// pullRequest asks for messages; the fields are those of NATS ADR-13.
type pullRequest struct {
	Batch     int           `json:"batch"`
	MaxBytes  int           `json:"max_bytes"`
	Expires   time.Duration `json:"expires"`
	Heartbeat time.Duration `json:"idle_heartbeat"`
}

// behind configures a consumer of the messages after a position. It acknowledges nothing and keeps its state in the memory
// of one server: what is completed, or routed, is in the records.
func (from *input) behind(after order.Position) jetstream.ConsumerConfig {
	return jetstream.ConsumerConfig{
		DeliverPolicy: jetstream.DeliverByStartSequencePolicy, OptStartSeq: uint64(after) + 1,
		AckPolicy: jetstream.AckNonePolicy, FilterSubjects: from.subjects,
		MemoryStorage: true, Replicas: 1,
	}
}

// subscribe makes a consumer that begins after the position. It is for the unit of the grant.
func (s *state) subscribe(ctx context.Context, from input, grant broker.Grant, after order.Position) (*pull, error) {
	p := &pull{
		state: s, from: from, last: after, inbox: s.NewInbox(), come: make(chan *client.Msg, 2*window+spare), silence: time.NewTimer(2 * heartbeat),
		consumer: fmt.Sprintf("%s_%d_%s", from.name, grant.Token.Number(), nuid.Next()),
	}
	var err error
	most := max(leastBytes, int(s.MaxPayload())+messageExtra)
	if p.request, err = json.Marshal(pullRequest{Batch: window, MaxBytes: most, Expires: requestLife, Heartbeat: heartbeat}); err != nil {
		return nil, fmt.Errorf("asking for messages: %w", err)
	}
	if p.answers, err = s.ChanSubscribe(p.inbox, p.come); err != nil {
		return nil, fmt.Errorf("subscribing: %w", err)
	}
	err = s.ask(ctx, "making a consumer", apiConsumerCreate+from.stream+"."+p.consumer, func(ctx context.Context) error {
		config := from.behind(after)
		config.Name, config.InactiveThreshold, config.Description = p.consumer, idleLife, from.purpose
		_, err := s.js.CreateConsumer(ctx, from.stream, config)
		return err
	})
	if err != nil {
		p.end() // It may have been made all the same.
		return nil, err
	}
	return p, nil
}

// end gives the consumer up. If the server does not hear of it, it deletes the consumer when idleLife is over.
func (p *pull) end() {
	p.silence.Stop()
	err := p.answers.Unsubscribe()
	if deleted := p.state.PublishRequest(apiConsumerDelete+p.from.stream+"."+p.consumer, p.state.NewInbox(), nil); deleted != nil || err != nil {
		p.state.config.Log.Debug("giving up a consumer", "consumer", p.consumer, "error", errors.Join(err, deleted))
	}
}

// wait waits for messages and returns all that have come. Messages may come together with an error.
func (p *pull) wait(ctx context.Context) ([]broker.Message, error) {
	p.batch = p.batch[:0]
	for {
		// Before waiting, and so before the caller is busy with the batch: the next messages come meanwhile.
		if err := p.ask(); err != nil || len(p.batch) > 0 {
			return p.batch, err
		}
		select {
		case m := <-p.come:
			err := p.take(m)
			for n := len(p.come); n > 0 && err == nil; n-- {
				err = p.take(<-p.come)
			}
			p.silence.Reset(2 * heartbeat)
			if err != nil {
				return p.batch, err
			}
		case <-p.silence.C:
			return nil, errBroken
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

// more adds what has come meanwhile to messages that wait, up to a window in all.
func (p *pull) more(waiting []broker.Message) ([]broker.Message, error) {
	p.batch = slices.Clone(waiting)
	for len(p.come) > 0 && len(p.batch) < window {
		if err := p.take(<-p.come); err != nil {
			return nil, err
		}
	}
	return p.batch, p.ask()
}

// delivered starts to listen again: while the caller was busy nobody did.
func (p *pull) delivered() { p.silence.Reset(2 * heartbeat) }

// next is the subject of requests for messages.
func (p *pull) next() string { return apiNext + p.from.stream + "." + p.consumer }

// ask makes a request when the ones before leave room for it.
func (p *pull) ask() error {
	if p.due > window/2 {
		return nil
	}
	if err := p.state.PublishRequest(p.next(), p.inbox, p.request); err != nil {
		return fmt.Errorf("asking for messages: %w", err)
	}
	p.due += window
	return nil
}

// statusHeartbeat says that the consumer is there. A status with the header headerLeft ends a request (its time, its bytes or
// its messages are used up) and says how many messages will not come; any other ends the consumer.
const (
	statusHeartbeat = "100"
	headerLeft      = "Nats-Pending-Messages"
)

// take adds a message to the batch, or understands what is none.
func (p *pull) take(m *client.Msg) error {
	if m.Reply != "" { // Every message has the subject for its acknowledgement, nothing else has.
		message, err := p.message(m)
		if err != nil {
			return err
		}
		p.due--
		p.batch = append(p.batch, message)
		return nil
	}
	if m.Header.Get(headerStatus) == statusHeartbeat {
		return nil
	}
	left, err := strconv.Atoi(m.Header.Get(headerLeft))
	if err != nil {
		return errBroken
	}
	p.due -= left
	return nil
}
