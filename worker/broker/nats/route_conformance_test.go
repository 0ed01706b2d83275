// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package nats_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"

	"github.com/nats-io/nats.go/jetstream"

	"convoy.dev/convoy/api/v1alpha1"
	"convoy.dev/convoy/worker/broker"
	"convoy.dev/convoy/worker/broker/brokertest"
	"convoy.dev/convoy/worker/drain"
	"convoy.dev/convoy/worker/key"
	"convoy.dev/convoy/worker/order"
)

// router routes messages to the lanes that a test names, with a new epoch whenever it is asked.
type router struct {
	settings *v1alpha1.WorkerSettings
	claim    broker.Claim
	stream   string
	js       jetstream.JetStream
	// one lets one test publish at a time: a router routes whatever it finds.
	one   sync.Mutex
	epoch int64
}

// publish sends messages to the source and routes them to one lane. It returns their positions there.
func (r *router) publish(t *testing.T, lane int32, messages ...key.Message) []order.Position {
	t.Helper()
	if len(messages) == 0 {
		return nil
	}
	r.one.Lock()
	defer r.one.Unlock()
	b := connect(t, r.settings)
	if err := insist(t, func(ctx context.Context) error { return b.Claim(ctx, r.claim) }); err != nil {
		t.Errorf("claiming: %v", err)
		return nil
	}
	send(t, r.js, r.settings.Source.NATS.Stream, messages...)
	var shard broker.Shard
	r.epoch++
	grant := broker.Grant{Kind: drain.Shard, Token: drain.Token{Epoch: r.epoch, Incarnation: 1}, Worker: "router"}
	if err := insist(t, func(ctx context.Context) (err error) { shard, err = b.OpenShard(ctx, grant); return err }); err != nil {
		t.Errorf("opening the shard: %v", err)
		return nil
	}
	left := len(messages)
	err := insist(t, func(ctx context.Context) error {
		ctx, enough := context.WithCancel(ctx)
		defer enough()
		err := shard.Route(ctx, broker.Routing{
			Place: func(_ context.Context, batch []broker.Message, into []int32) ([]int32, error) {
				for range batch {
					into = append(into, lane)
				}
				return into, nil
			},
			Settled: func(n int) {
				if left -= n; left == 0 {
					enough()
				}
			},
		})
		if left == 0 && errors.Is(err, context.Canceled) {
			return nil
		}
		return err
	})
	if err != nil {
		t.Errorf("routing: %v", err)
	}
	return r.last(t, len(messages))
}

// last are the positions of the last n messages of the lane stream.
func (r *router) last(t *testing.T, n int) []order.Position {
	t.Helper()
	var stream jetstream.Stream
	if err := insist(t, func(ctx context.Context) (err error) { stream, err = r.js.Stream(ctx, r.stream); return err }); err != nil {
		t.Errorf("looking at the lanes: %v", err)
		return nil
	}
	end := order.Position(stream.CachedInfo().State.LastSeq)
	var at []order.Position
	for i := range n {
		at = append(at, end-order.Position(n-1-i))
	}
	return at
}

// routedHarness runs the checks of lanes on lanes that are Routed.
func routedHarness(t *testing.T) brokertest.Harness {
	t.Helper()
	j := serve(t)
	js := j.admin(t)
	makeSource(t, js)
	r := &router{settings: j.settings(routed), claim: claim, stream: laneStream, js: js}
	return brokertest.Harness{
		Lanes: lanes, Claim: claim,
		Connect: func(t *testing.T) broker.Connection { t.Helper(); return connect(t, r.settings) },
		Publish: r.publish,
		Damage:  func(t *testing.T, lane int32) { t.Helper(); damage(t, js, "convoy.shop.orders", lane) },
		Trim:    func(t *testing.T, through order.Position) { t.Helper(); trim(t, js, laneStream, through) },
		Restart: j.restart,
		Letters: func(t *testing.T) []broker.DeadLetter { t.Helper(); return letters(t, js, "convoy_shop_orders_dead") },
	}
}

// TestConformanceOfRoutedLanes holds lanes that are filled by routing against the contract of lanes.
func TestConformanceOfRoutedLanes(t *testing.T) { brokertest.Run(t, routedHarness) }

// routing makes the source and the pool of the next check.
func (c *cluster) routing(t *testing.T) brokertest.RoutingHarness {
	t.Helper()
	h := c.harness(t)
	name := fmt.Sprintf("ORDERS%d", c.checks)
	js := c.servers[0].admin(t)
	settings := c.servers[0].settings(func(s *v1alpha1.WorkerSettings) {
		s.Pool.Name, s.Source.NATS.Stream, s.Source.NATS.Servers = name, name, c.urls()
	}, routed)
	return brokertest.RoutingHarness{
		Lanes: lanes, Claim: h.Claim, Restart: h.Restart,
		Connect: func(t *testing.T) broker.Connection { t.Helper(); return connect(t, settings) },
		Send:    func(t *testing.T, messages ...key.Message) { t.Helper(); send(t, js, name, messages...) },
	}
}

// TestRoutingOfCluster holds routing against the contract with every record and message kept by three servers.
func TestRoutingOfCluster(t *testing.T) {
	c := serveCluster(t)
	brokertest.RunRouting(t, c.routing)
}
