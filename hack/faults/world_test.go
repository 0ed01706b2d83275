// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package faults

import (
	"context"
	"fmt"
	"net"
	"testing"
	"time"

	"github.com/nats-io/nats.go"

	"convoy.dev/convoy/controllers/testenv"
	"convoy.dev/convoy/hack/e2e/checker"
	"convoy.dev/convoy/hack/e2e/collect"
	"convoy.dev/convoy/hack/e2e/publish"
	"convoy.dev/convoy/hack/e2e/shop"
)

const (
	lanes = 8
	// fenceSeconds and callSeconds are the pool's fenceSeconds and timeoutSeconds: short, so that a story is.
	fenceSeconds, callSeconds = 2, 2
	// patience bounds a wait. It decides nothing but when a test gives up.
	patience = 2 * time.Minute
)

// load is what is published.
type load struct {
	seed         uint64
	orders, rate int
}

// world is a pool of two workers and all that it stands on.
type world struct {
	t         *testing.T
	env       *testenv.Env
	collector *collect.Server

	broker        *program
	brokerAddress string
	events        *shop.Stream
	load          load
	// rest stops publishing; nil while nothing is published.
	rest func()

	places   []*place
	revision int64
	epochs   [lanes]int64
	// notes counts the messages of each key.
	notes int
	// stale is how many calls of the past were to be expected.
	stale int
}

// newWorld makes an API server, a broker and a collector. Nothing is published, and no place is there.
func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{t: t}
	var err error
	w.env, err = testenv.Start()
	w.must(err)
	t.Cleanup(func() {
		if err := w.env.Stop(); err != nil {
			t.Error(err)
		}
	})
	listener, err := (&net.ListenConfig{}).Listen(w.t.Context(), "tcp", "127.0.0.1:0")
	w.must(err)
	w.collector = collect.Serve(listener, callSeconds*time.Second)
	t.Cleanup(func() {
		if err := w.collector.Close(); err != nil {
			t.Error(err)
		}
	})
	w.startBroker()
	return w
}

// populate publishes orders, and has two workers with the shop's handler.
func (w *world) populate(l load) {
	w.t.Helper()
	var err error
	w.load = l
	w.events, err = shop.NewStream(shop.StreamConfig{Seed: l.seed, Orders: l.orders})
	w.must(err)
	w.flow()
	for number := range 2 {
		p := w.newPlace(number)
		p.handler.start()
		p.worker.start()
	}
	w.deal()
}

// deal gives each place its half of the lanes.
func (w *world) deal() {
	w.t.Helper()
	for lane := range int32(lanes) {
		w.grant(w.places[int(lane)*len(w.places)/lanes], false, lane)
	}
}

func (w *world) must(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
}

// until waits until the condition holds.
func (w *world) until(what string, holds func() bool) {
	w.t.Helper()
	ticker := time.NewTicker(20 * time.Millisecond)
	defer ticker.Stop()
	ctx, cancel := context.WithTimeout(w.t.Context(), patience)
	defer cancel()
	for !holds() {
		select {
		case <-ticker.C:
		case <-ctx.Done():
			w.t.Fatalf("%s: this does not come to be; %s", what, w.standing())
		}
	}
}

func (w *world) standing() string {
	r := w.collector.Report()
	words := fmt.Sprintf("%d of %d completed, %d calls run, violations %v", r.Completed, r.Published, r.Running, r.Words)
	for _, p := range w.places {
		words += fmt.Sprintf("\n%s was told %+v\n   and reports %+v", p.name, p.spec, w.report(p))
	}
	return words
}

// pass lets time pass: for how long a fault lasts is what a fault is.
func (w *world) pass(d time.Duration) {
	w.t.Helper()
	select {
	case <-time.After(d):
	case <-w.t.Context().Done():
	}
}

// startBroker makes the broker, at a free port of its own.
func (w *world) startBroker() {
	w.t.Helper()
	listener, err := (&net.ListenConfig{}).Listen(w.t.Context(), "tcp", "127.0.0.1:0")
	w.must(err)
	w.brokerAddress = listener.Addr().String()
	w.must(listener.Close())
	_, port, err := net.SplitHostPort(w.brokerAddress)
	w.must(err)
	w.broker = newProgram(w.t, "broker", "broker", nil, port, w.t.TempDir())
	w.broker.start()
	w.brokerAnswers()
}

func (w *world) brokerAnswers() {
	w.t.Helper()
	w.until("the broker answers", func() bool {
		connection, err := nats.Connect("nats://" + w.brokerAddress)
		if err != nil {
			return false
		}
		connection.Close()
		return true
	})
}

// flow publishes until rest.
func (w *world) flow() {
	w.t.Helper()
	connection, err := nats.Connect("nats://" + w.brokerAddress)
	w.must(err)
	publisher, err := publish.New(w.t.Context(), connection, publish.Config{
		Events: w.events, Lanes: lanes, Rate: w.load.rate, Tell: w.collector.Publish,
	})
	w.must(err)
	ctx, cancel := context.WithCancel(w.t.Context())
	ended := make(chan error, 1)
	go func() { ended <- publisher.Run(ctx) }()
	w.rest = func() {
		w.t.Helper()
		cancel()
		w.must(<-ended)
		connection.Close()
		w.rest = nil
	}
	w.t.Cleanup(func() { cancel(); connection.Close() }) // Of a test that fails.
}

// proves waits until all that was published by now is completed, and holds against the story what the checker saw. The
// calls of the past that it may have had are given.
func (w *world) proves(name string, stale int) {
	w.t.Helper()
	published := w.collector.Report().Published
	w.until(name+": what was published is completed", func() bool { return w.collector.Report().Completed >= published })
	w.stale += stale
	w.judge(name, w.collector.Report())
}

func (w *world) judge(name string, report checker.Report) {
	w.t.Helper()
	past := 0
	for _, v := range report.Words {
		if v.Rule == checker.RuleStale {
			past++
		} else {
			w.t.Errorf("%s: %v", name, v)
		}
	}
	if past > w.stale {
		w.t.Errorf("%s: %d calls of the past, want at most %d: %v", name, past, w.stale, report.Words)
	}
	w.t.Logf("%s: %d completed, %d calls, %d replays, %d retries", name, report.Completed, report.Calls, report.Replays, report.Retries)
	if w.t.Failed() {
		w.t.FailNow()
	}
}
