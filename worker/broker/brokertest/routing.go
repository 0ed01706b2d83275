// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package brokertest

import (
	"context"
	"testing"

	"convoy.dev/convoy/worker/broker"
	"convoy.dev/convoy/worker/key"
)

// RoutingHarness is one broker of its own with an empty source and at least four Routed lanes.
type RoutingHarness struct {
	Lanes int32
	Claim broker.Claim
	// Connect returns a connection, as a worker process that starts makes one. The suite closes it.
	Connect func(t *testing.T) broker.Connection
	// Send appends messages to the source, and returns once they are durable.
	Send func(t *testing.T, messages ...key.Message)
	// Restart stops the broker and starts it again. What is durable is there afterwards.
	Restart func(t *testing.T)
}

// RoutingMaker makes a harness and cleans it up when t ends.
type RoutingMaker func(t *testing.T) RoutingHarness

// routes is one check of the routing of one broker.
type routes struct {
	*suite
	send func(t *testing.T, messages ...key.Message)
}

// RunRouting holds the routing of an adapter against the contract of broker.Shard. Each check has a broker of its own, and
// leaves no goroutine behind.
func RunRouting(t *testing.T, maker RoutingMaker) {
	t.Helper()
	for _, check := range []struct {
		name string
		run  func(*routes)
	}{
		{"every message comes into its lane, whole, once and in order", (*routes).inOrder},
		{"what is passed over does not come again", (*routes).passes},
		{"messages for which there is no room wait and lose nothing", (*routes).noRoom},
		{"what Place returns ends routing", (*routes).placeEnds},
		{"the next router goes on where the last one came to", (*routes).goesOn},
		{"a router that was superseded routes nothing more", (*routes).superseded},
		{"routers that fail, end and supersede each other route everything once", (*routes).storm},
		{"a broker that restarts routes everything once", (*routes).restarts},
		{"lanes whose messages are completed forget nothing", (*routes).completed},
		{"what is not routed and not completed is backlog", (*routes).backlog},
		{"a shard's record stands against lower grants, apart from those of lanes", (*routes).records},
	} {
		t.Run(check.name, func(t *testing.T) {
			h := maker(t)
			check.run(&routes{&suite{Harness{Lanes: h.Lanes, Claim: h.Claim, Connect: h.Connect, Restart: h.Restart}, t}, h.Send})
		})
	}
}

// testRouter is one process that routes: a much simpler one than a worker.
type testRouter struct {
	*routes
	shard broker.Shard
	// settled counts messages that are durable.
	settled int
}

// router opens the shard through a connection of its own.
func (r *routes) router(epoch int64) *testRouter {
	r.t.Helper()
	router := &testRouter{routes: r}
	grant := grantOf(0, epoch)
	grant.Kind = shardKind
	connection := r.connect()
	r.must("opening the shard", func(ctx context.Context) (err error) {
		router.shard, err = connection.OpenShard(ctx, grant)
		return err
	})
	return router
}
