// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package faults

import (
	"context"
	"fmt"
	"net"
	"os"
	"sync/atomic"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"convoy.dev/convoy/api/v1alpha1"
	"convoy.dev/convoy/hack/e2e/checker"
	"convoy.dev/convoy/hack/e2e/collect"
	"convoy.dev/convoy/hack/e2e/publish"
	"convoy.dev/convoy/hack/e2e/shop"
	"convoy.dev/convoy/worker/drain"
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
	// most is how many messages are published; 0 for no end.
	most int
}

// world is a pool and all that it stands on.
type world struct {
	t *testing.T
	// number is the world's own among those of this process, namespace where its objects are.
	number    int32
	namespace string
	collector *collect.Server
	// laneType is what the pool's lanes are made of.
	laneType v1alpha1.LaneType

	broker        *program
	brokerAddress string
	events        *shop.Stream
	load          load
	// rest stops publishing.
	rest func()

	programs []*program
	places   []*place
	revision int64
	epochs   map[drain.Unit]int64
	// pods counts the places that there were.
	pods int
	// notes counts the messages of each key; js is the stories' own connection, once there is one.
	notes int
	js    jetstream.JetStream
	// stale is how many calls of the past were to be expected.
	stale int
}

// worlds counts the worlds.
var worlds atomic.Int32

// newWorld makes a namespace, a broker and a collector, and lets other worlds run beside this one. Nothing is published,
// and no place is there.
func newWorld(t *testing.T, laneType v1alpha1.LaneType) *world {
	t.Helper()
	t.Parallel()
	w := &world{t: t, number: worlds.Add(1), laneType: laneType, epochs: map[drain.Unit]int64{}}
	w.namespace = fmt.Sprintf("world-%d", w.number)
	w.must(env.Client.Create(t.Context(), &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: w.namespace}}))
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

// populate publishes orders, and has so many workers with the shop's handler, with the settings changed as wanted.
func (w *world) populate(workers int, l load, changes ...func(*v1alpha1.WorkerSettings)) {
	w.t.Helper()
	var err error
	w.load = l
	w.events, err = shop.NewStream(shop.StreamConfig{Seed: l.seed, Orders: l.orders})
	w.must(err)
	w.flow()
	for number := range workers {
		p := w.newPlace(number, changes...)
		p.handler.start()
		p.worker.start()
	}
	w.deal()
}

// host is an address of the world's own, on this machine: the last number is given.
func (w *world) host(last int) string {
	return fmt.Sprintf("127.%d.%d.%d", 16+os.Getpid()%200, w.number, last)
}

// partitions is how many parts the producer makes of the source: Routed lanes need none.
func (w *world) partitions() int {
	if w.laneType == v1alpha1.LanesRouted {
		return 0
	}
	return lanes
}

// units are all that is owned: the lanes and, when they are Routed, the shard.
func (w *world) units() []drain.Unit {
	var all []drain.Unit
	for index := range int32(lanes) {
		all = append(all, drain.Unit{Index: index})
	}
	if w.laneType == v1alpha1.LanesRouted {
		all = append(all, drain.Unit{Kind: drain.Shard})
	}
	return all
}

// deal gives each place its share of the lanes; the first one routes.
func (w *world) deal() {
	w.t.Helper()
	shares := make([][]drain.Unit, len(w.places))
	for _, unit := range w.units() {
		owner := 0
		if unit.Kind == drain.Lane {
			owner = int(unit.Index) * len(w.places) / lanes
		}
		shares[owner] = append(shares[owner], unit)
	}
	for number, p := range w.places {
		w.grant(p, false, shares[number]...)
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

// startBroker makes the broker, at the last of the world's addresses.
func (w *world) startBroker() {
	w.t.Helper()
	host, port := w.host(254), "4222"
	w.brokerAddress = net.JoinHostPort(host, port)
	w.broker = w.newProgram("broker", "broker", nil, host, port, w.t.TempDir())
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
	ctx, cancel := context.WithCancel(w.t.Context())
	published := w.collector.Report().Published
	publisher, err := publish.New(w.t.Context(), connection, publish.Config{
		Events: w.events, Lanes: w.partitions(), Rate: w.load.rate, Tell: func(event shop.Event) {
			w.collector.Publish(event)
			if published++; w.load.most > 0 && published >= w.load.most {
				cancel()
			}
		},
	})
	w.must(err)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		if err := publisher.Run(ctx); err != nil {
			w.t.Error(err)
		}
	}()
	w.rest = func() {
		cancel()
		<-ended
		connection.Close()
	}
	w.t.Cleanup(w.rest) // Of a test that fails.
}

// proves waits until all that was published by now is completed, and holds against the story what the checker saw. The
// calls of the past that it may have had are given.
func (w *world) proves(name string, stale int) {
	w.t.Helper()
	published := w.collector.Report().Published
	w.until(name+": what was published is completed", func() bool { return w.collector.Report().Completed >= published })
	w.stale += stale
	r := w.collector.Report()
	w.judge(name, r)
	w.t.Logf("%s: %d completed, %d calls, %d replays, %d retries", name, r.Completed, r.Calls, r.Replays, r.Retries)
}

// judge ends the test if a rule was broken.
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
	if untold := report.Violations - len(report.Words); untold > 0 {
		w.t.Errorf("%s: %d violations more", name, untold)
	}
	if w.t.Failed() {
		w.t.FailNow()
	}
}
