// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package run

import (
	"context"
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"

	"convoy.dev/convoy/worker/drain"
	"convoy.dev/convoy/worker/order"
)

// Ending is how a worker came to its end.
type Ending uint8

const (
	// Resigned: it holds nothing, and the controller knows.
	Resigned Ending = iota + 1
	// Replaced: another process has taken the pod's place. Calls of this one may be running.
	Replaced
	// Aborted: it was told to give everything up. Calls of it may be running.
	Aborted
)

var endingNames = [...]string{Resigned: "Resigned", Replaced: "Replaced", Aborted: "Aborted"}

// String is the ending's name.
func (e Ending) String() string { return endingNames[e] }

// Worker runs the lanes of one pod. What is not said to be shared belongs to the loop, which is the goroutine of Run.
type Worker struct {
	config  Config
	machine *drain.Machine
	seq     *order.Sequencer
	// origin is the instant 0 of the sequencer.
	origin time.Time
	inbox  *inbox
	// tasks are all goroutines but the loop. They end with running.
	tasks    sync.WaitGroup
	running  context.Context
	metrics  *metrics
	troubles troubles

	link     link
	post     postman
	lanes    laneSet
	shards   map[int32]*heldShard
	openings map[drain.Unit]*opening
	opened   map[drain.Unit]openedUnit
	payloads payloads
	keys     keys
	gate     gate
	news     conditions
	calls    calls
	halts    halts
	reach    reach
	action   action
	told     toldParked
	sampling sampling

	// turns, effects and steps are buffers.
	turns   []func()
	effects []order.Effect
	// timer wakes the loop when nobody posts. machineAt is the instant at which time alone changes something for the
	// machine, tickAt that at which store operations that wait are made; zero for none.
	timer             *time.Timer
	machineAt, tickAt time.Time
	// at is when the present turn began: near enough for everything but the question whether a message may start. lookedAt
	// is when the worker last looked around.
	at, lookedAt time.Time
	over         bool
	ending       Ending

	// beat is when the loop turned last, as the origin's distance in nanoseconds. Shared.
	beat atomic.Int64
	// ready is closed when the handler has accepted a connection, stopping with Stop, and drained when nothing is held and
	// never will be. Shared.
	ready, stopping, drained signal
}

// signal is something that happens once, and that others wait for.
type signal struct {
	once sync.Once
	c    chan struct{} // nothing is ever sent; closed when it has happened
}

func newSignal() signal { return signal{c: make(chan struct{})} }

func (s *signal) raise() { s.once.Do(func() { close(s.c) }) }

func (s *signal) raised() bool {
	select {
	case <-s.c:
		return true
	default:
		return false
	}
}

// New makes a worker. It refuses a Config that makes no sense.
func New(config Config) (*Worker, error) {
	if err := config.validate(); err != nil {
		return nil, err
	}
	if config.Order.Seed == 0 {
		config.Order.Seed = rand.Uint64()
	}
	seq, err := order.New(config.Order)
	if err != nil {
		return nil, fmt.Errorf("making the sequencer: %w", err)
	}
	w := &Worker{
		config: config, seq: seq, origin: config.Clock(), inbox: newInbox(),
		openings: map[drain.Unit]*opening{}, opened: map[drain.Unit]openedUnit{}, shards: map[int32]*heldShard{}, halts: halts{},
		ready: newSignal(), stopping: newSignal(), drained: newSignal(),
	}
	w.machine = drain.New(drain.Config{
		Fence: config.Fence, Barrier: config.Barrier, Born: w.origin, Protocol: protocol,
		Predecessor: config.Marks.has(markPredecessor), Resigned: config.Marks.has(markResigned),
	})
	w.at = w.origin
	w.payloads.limit = config.Memory
	w.link, w.post = newLink(), newPostman(w)
	if w.metrics, err = newMetrics(config.Metrics, w); err != nil {
		return nil, err
	}
	return w, nil
}

// Run runs the worker until it has resigned, or was replaced, or ctx ends: then it cancels its calls and gives everything
// up. It is called once. When it returns every goroutine of the worker has ended.
func (w *Worker) Run(ctx context.Context) Ending {
	running, abort := context.WithCancel(ctx)
	w.running = running
	w.timer = time.NewTimer(0)
	w.spawn(w.connect)
	w.spawn(w.watch)
	w.post.read()
	w.closeGate()
	w.loop()
	w.timer.Stop()
	abort()
	w.tasks.Wait()
	w.disconnect()
	return w.ending
}

// Stop asks the worker to take nothing more, drain, resign and end: what SIGTERM means. It may be called at any time, by
// any goroutine, more than once.
func (w *Worker) Stop() {
	w.stopping.once.Do(func() {
		close(w.stopping.c)
		w.inbox.post(w.terminate)
	})
}

// terminate begins the end. What has not drained when the time is over is given up; a worker that has drained and cannot
// say so tries on until the kubelet ends it.
func (w *Worker) terminate() {
	w.step(drain.Terminated{})
	w.ask(func(ctx context.Context) func() {
		timer := time.NewTimer(w.config.DrainTimeout)
		defer timer.Stop()
		select {
		case <-timer.C:
			return w.drainIsOver
		case <-w.drained.c:
		case <-ctx.Done():
		}
		return nil
	})
}

func (w *Worker) drainIsOver() {
	if !w.drained.raised() {
		w.config.Log.Error("lanes have not drained in time; what runs is given up", "after", w.config.DrainTimeout, "lanes", len(w.lanes.round))
		w.end(Aborted)
	}
}

// spawn starts a goroutine that ends when its context does. All goroutines of the worker start here.
func (w *Worker) spawn(task func(context.Context)) {
	w.tasks.Go(func() { task(w.running) })
}

// ask starts a task that answers to the loop; the answer is not heard once the loop is over.
func (w *Worker) ask(task func(context.Context) func()) {
	w.spawn(func(ctx context.Context) {
		if answer := task(ctx); answer != nil {
			w.inbox.post(answer)
		}
	})
}

func (w *Worker) now() time.Time { return w.config.Clock() }

func (w *Worker) instant(at time.Time) order.Instant { return order.Instant(at.Sub(w.origin)) }
