// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package nats_test

import (
	"context"
	"fmt"
	"testing"

	client "github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"convoy.dev/convoy/api/v1alpha1"
	"convoy.dev/convoy/worker/broker"
	"convoy.dev/convoy/worker/broker/brokertest"
	"convoy.dev/convoy/worker/key"
)

// laneStream is the stream that Convoy makes for the pool of these tests.
const laneStream = "convoy_shop_orders_lanes"

// routed makes the lanes of a pool Routed.
func routed(s *v1alpha1.WorkerSettings) {
	s.Lanes = v1alpha1.Lanes{Type: new(v1alpha1.LanesRouted), Routed: &v1alpha1.RoutedLanes{Count: new(int32(lanes))}}
}

// send appends messages to the source.
func send(t *testing.T, js jetstream.JetStream, stream string, messages ...key.Message) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	begin := stream
	if stream == source {
		begin = "orders"
	}
	for i, message := range messages {
		m := &client.Msg{Subject: fmt.Sprintf("%s.%d", begin, i%7), Data: message.Data, Header: message.Headers}
		if _, err := js.PublishMsg(ctx, m, jetstream.WithRetryAttempts(100)); err != nil {
			t.Fatalf("publishing: %v", err)
		}
	}
}

// routing makes a server with a source for one check of routing.
func routing(changes ...func(*v1alpha1.WorkerSettings)) brokertest.RoutingMaker {
	return func(t *testing.T) brokertest.RoutingHarness {
		t.Helper()
		j := serve(t)
		js := j.admin(t)
		makeSource(t, js)
		settings := j.settings(append(changes, routed)...)
		return brokertest.RoutingHarness{
			Lanes: lanes, Claim: claim,
			Connect: func(t *testing.T) broker.Connection { t.Helper(); return connect(t, settings) },
			Send:    func(t *testing.T, messages ...key.Message) { t.Helper(); send(t, js, source, messages...) },
			Restart: j.restart,
		}
	}
}

func TestRouting(t *testing.T) { brokertest.RunRouting(t, routing()) }
