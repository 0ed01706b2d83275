// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package shop

import (
	"errors"
	"fmt"
	"math/rand/v2"
)

// usual is how many of ten events take an order to the state that usually follows.
const usual = 8

// The shape of the popularity of orders: a Zipf law. With 1,000 orders the first has about 3% of all events, the
// first hundred more than half.
const (
	zipfExponent = 1.1
	zipfOffset   = 8
)

// Event is one event of one order, as the message's body carries it.
type Event struct {
	// Order is the order's name and the message's key. Example: order-0042.
	Order string `json:"order_id"`
	// Number counts the order's events from 1, so that whoever sees them can tell whether one is missing.
	Number uint64 `json:"number"`
	// State is what the order has come to.
	State State `json:"state"`
}

// StreamConfig says which stream.
type StreamConfig struct {
	// Seed makes the stream: the same seed gives the same events.
	Seed uint64
	// Orders is how many orders there are, at least 1.
	Orders int
}

func (c StreamConfig) validate() error {
	if c.Orders < 1 {
		return errors.New("a stream needs an order: Orders is below 1")
	}
	return nil
}

// Stream is a sequence of events without end. It is used by one goroutine.
type Stream struct {
	chance *rand.Rand
	zipf   *rand.Zipf
	// orders are the last events, by the order's rank.
	orders []Event
}

// NewStream makes a stream at its beginning.
func NewStream(config StreamConfig) (*Stream, error) {
	if err := config.validate(); err != nil {
		return nil, fmt.Errorf("making a stream of orders: %w", err)
	}
	chance := rand.New(rand.NewPCG(config.Seed, config.Seed))
	s := &Stream{
		chance: chance,
		zipf:   rand.NewZipf(chance, zipfExponent, zipfOffset, uint64(config.Orders-1)),
		orders: make([]Event, config.Orders),
	}
	for i := range s.orders {
		s.orders[i].Order = fmt.Sprintf("order-%04d", i)
	}
	return s, nil
}

// Next is the next event.
func (s *Stream) Next() Event {
	order := &s.orders[s.zipf.Uint64()]
	order.Number++
	order.State = s.choose(follows[order.State])
	return *order
}

func (s *Stream) choose(states []State) State {
	if len(states) == 1 || s.chance.IntN(10) < usual {
		return states[0]
	}
	return states[1]
}
