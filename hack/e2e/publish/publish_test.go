// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package publish

import (
	"context"
	"encoding/json"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"convoy.dev/convoy/hack/e2e/shop"
)

// patience bounds waits that end at once unless something is broken.
const patience = time.Minute

func connect(t *testing.T) *nats.Conn {
	t.Helper()
	s, err := server.NewServer(&server.Options{JetStream: true, StoreDir: t.TempDir(), DontListen: true, NoSigs: true, NoLog: true})
	if err != nil {
		t.Fatal(err)
	}
	go s.Start()
	t.Cleanup(func() { s.Shutdown(); s.WaitForShutdown() })
	if !s.ReadyForConnections(patience) {
		t.Fatal("the server does not start")
	}
	nc, err := nats.Connect("", nats.InProcessServer(s))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(nc.Close)
	return nc
}

func events(t *testing.T) *shop.Stream {
	t.Helper()
	s, err := shop.NewStream(shop.StreamConfig{Seed: 1, Orders: 20})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestWhatIsToldIsInTheStreamInThatOrder(t *testing.T) {
	const lanes = 4
	nc := connect(t)
	ctx, stop := context.WithCancel(t.Context())
	var told []shop.Event
	p, err := New(ctx, nc, Config{Events: events(t), Lanes: lanes, Rate: 100_000, Tell: func(e shop.Event) {
		if told = append(told, e); len(told) == 3*maxPending {
			stop()
		}
	}})
	if err != nil {
		t.Fatal(err)
	}
	if err := p.Run(ctx); err != nil {
		t.Fatal(err)
	}

	js, err := jetstream.New(nc)
	if err != nil {
		t.Fatal(err)
	}
	stream, err := js.Stream(t.Context(), Stream)
	if err != nil {
		t.Fatal(err)
	}
	var stored []shop.Event
	subjects := map[string]bool{}
	for sequence := range uint64(len(told)) {
		message, err := stream.GetMsg(t.Context(), sequence+1)
		if err != nil {
			t.Fatal(err)
		}
		var event shop.Event
		if err := json.Unmarshal(message.Data, &event); err != nil {
			t.Fatal(err)
		}
		if want := Subject(event.Order, lanes); message.Subject != want {
			t.Errorf("an event of %s has the subject %s, want %s", event.Order, message.Subject, want)
		}
		subjects[message.Subject[:len("orders.0")]] = true
		stored = append(stored, event)
	}
	if diff := cmp.Diff(told, stored); diff != "" {
		t.Error(diff)
	}
	if len(subjects) != lanes {
		t.Errorf("events are in %v, want every lane", subjects)
	}
}

func TestAStreamNeedNotBePartitioned(t *testing.T) {
	if got := Subject("order-0042", 0); got != "orders.order-0042" {
		t.Errorf("the subject is %s", got)
	}
}

func TestAStreamThatTakesNothingEndsTheRun(t *testing.T) {
	nc := connect(t)
	p, err := New(t.Context(), nc, Config{Events: events(t), Rate: 1000, Tell: func(shop.Event) {}})
	if err != nil {
		t.Fatal(err)
	}
	if err := p.js.DeleteStream(t.Context(), Stream); err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithTimeout(t.Context(), time.Second)
	defer stop()
	if err := p.Run(ctx); err == nil {
		t.Error("nothing is wrong")
	}
}

func TestConfigIsChecked(t *testing.T) {
	if _, err := New(t.Context(), nil, Config{}); err == nil {
		t.Error("an empty config is taken")
	}
}
