// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package nats_test

import (
	"testing"

	"github.com/nats-io/nats.go/jetstream"

	"convoy.dev/convoy/worker/broker"
	"convoy.dev/convoy/worker/broker/brokertest"
	"convoy.dev/convoy/worker/key"
	"convoy.dev/convoy/worker/order"
)

// harness makes a server with a source for one check of the suite.
func harness(changes ...func(*jetstream.StreamConfig)) func(*testing.T) (brokertest.Harness, *jet) {
	return func(t *testing.T) (brokertest.Harness, *jet) {
		t.Helper()
		j := serve(t)
		js := j.admin(t)
		makeSource(t, js, changes...)
		settings := j.settings()
		return brokertest.Harness{
			Lanes: lanes, Claim: claim,
			Connect: func(t *testing.T) broker.Connection { t.Helper(); return connect(t, settings) },
			Publish: func(t *testing.T, lane int32, messages ...key.Message) []order.Position {
				t.Helper()
				return publish(t, js, lane, messages...)
			},
			Damage:  func(t *testing.T, lane int32) { t.Helper(); damage(t, js, "convoy.shop.orders", lane) },
			Trim:    func(t *testing.T, through order.Position) { t.Helper(); trim(t, js, source, through) },
			Restart: j.restart,
			Letters: func(t *testing.T) []broker.DeadLetter { t.Helper(); return letters(t, js, "convoy_shop_orders_dead") },
		}, j
	}
}

// alone leaves out the server.
func alone(maker func(*testing.T) (brokertest.Harness, *jet)) brokertest.Maker {
	return func(t *testing.T) brokertest.Harness {
		t.Helper()
		h, _ := maker(t)
		return h
	}
}

func TestConformance(t *testing.T) { brokertest.Run(t, alone(harness())) }

// TestConformanceWithoutDirectReads has a source that counts in another way.
func TestConformanceWithoutDirectReads(t *testing.T) {
	brokertest.Run(t, alone(harness(func(c *jetstream.StreamConfig) { c.AllowDirect = false })))
}
