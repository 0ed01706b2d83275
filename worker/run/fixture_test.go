// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package run_test

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/goleak"

	"convoy.dev/convoy/api/v1alpha1"
	"convoy.dev/convoy/worker/broker"
	"convoy.dev/convoy/worker/broker/brokertest"
	"convoy.dev/convoy/worker/drain"
	"convoy.dev/convoy/worker/key"
	"convoy.dev/convoy/worker/order"
	"convoy.dev/convoy/worker/run"
	"convoy.dev/convoy/worker/tracing"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	podUID  = "pod-1"
	timeout = 10 * time.Second
	fence   = 4 * time.Second
)

// world is a pod's surroundings: broker, API server, handler, and the directory that its processes share. It lives in a
// bubble of testing/synctest.
type world struct {
	t       *testing.T
	broker  *brokertest.Memory
	api     *apiServer
	handler *handler
	marks   string
	barrier time.Duration
	// drainTimeout is 30 s if it is 0.
	drainTimeout time.Duration
	missing      v1alpha1.MissingKeyPolicy
	failure      order.Policy
	memory       int
	// maxKeys is how many keys of a lane may be parked, maxMessages how many messages of one; the defaults if they are 0.
	maxKeys, maxMessages int
	// buffer and lookAhead are how many bodies, and how many messages, of a lane are in memory; 64 and 512 if they are 0.
	buffer, lookAhead int
	// batch is how many messages a call carries, batchBytes how large they are; a single one if they are 0.
	batch, batchBytes int
	next              map[string]int // the number of each key's next message
	clock             frozenClock
	// routing is that of the worker; it routes nothing if it has no lanes.
	routing run.Routing
	tracer  *tracing.Tracer
}

func story(t *testing.T, lanes int32, tell func(w *world)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		w := &world{
			t: t, broker: brokertest.NewMemory(lanes), api: newAPIServer(), handler: &handler{t: t, keys: map[string]*convoy{}}, marks: t.TempDir(),
			missing: v1alpha1.MissingDeadLetter, failure: order.Block, next: map[string]int{},
		}
		tell(w)
		w.handler.rest()
	})
}

// frozenClock is the bubble's clock, which can find that the machine was suspended.
type frozenClock struct {
	lock sync.Mutex
	// after is how many more readings there are until the suspension, which lasts for by; 0 for none.
	after int
	by    time.Duration
	ahead time.Duration
}

func (c *frozenClock) now() time.Time {
	c.lock.Lock()
	defer c.lock.Unlock()
	if c.after > 0 {
		if c.after--; c.after == 0 {
			c.ahead += c.by
		}
	}
	return time.Now().Add(c.ahead)
}

func (c *frozenClock) suspend(after int, by time.Duration) {
	c.lock.Lock()
	defer c.lock.Unlock()
	c.after, c.by = after, by
}

// process is one worker process.
type process struct {
	w      *world
	worker *run.Worker
	kill   context.CancelFunc
	ended  chan struct{} // closed at the process's end; ending is written before
	ending run.Ending
	gather *prometheus.Registry
}

// start starts a worker process. One that is not ended by the story is killed at its end.
func (w *world) start() *process {
	w.t.Helper()
	expression, err := key.Compile("body.k")
	if err != nil {
		w.t.Fatal(err)
	}
	marks, err := run.ReadMarks(w.marks)
	if err != nil {
		w.t.Fatal(err)
	}
	p := &process{w: w, ended: make(chan struct{}), gather: prometheus.NewRegistry()}
	p.worker, err = run.New(run.Config{
		PodUID: podUID, Claim: broker.Claim{Cluster: "c", Namespace: "n", Name: "p", UID: "u", Fingerprint: "f"},
		Routing: w.routing, Key: expression, OnMissing: w.missing, Memory: w.memory, Fence: fence, Barrier: w.barrier, DrainTimeout: cmp.Or(w.drainTimeout, 30*time.Second),
		Order: order.Config{
			MaxInFlightKeys: 8, Timeout: int64(timeout), MaxAttempts: 3, InitialBackoff: int64(100 * time.Millisecond),
			MaxBackoff: int64(time.Second), OnFailure: w.failure, ParkMaxKeys: w.maxKeys, ParkMaxMessagesPerKey: w.maxMessages, Seed: 7,
			Buffer: cmp.Or(w.buffer, 64), LookAhead: cmp.Or(w.lookAhead, 512), BatchMaxMessages: w.batch, BatchMaxBytes: w.batchBytes,
		},
		Mailbox: w.api, Handler: w.handler, Reachable: w.handler.reachable, Marks: marks, Clock: w.clock.now, Tracer: w.tracer,
		Connect: func(context.Context) (broker.Connection, error) { return w.broker.Connect(), nil },
		Log:     slog.New(slog.NewTextHandler(w.t.Output(), nil)), Metrics: p.gather,
	})
	if err != nil {
		w.t.Fatal(err)
	}
	ctx, kill := context.WithCancel(w.t.Context())
	p.kill = kill
	go func() {
		p.ending = p.worker.Run(ctx)
		close(p.ended)
	}()
	w.t.Cleanup(func() {
		kill()
		<-p.ended
	})
	return p
}

// crash ends the process without a word; its calls go on in the handler.
func (p *process) crash() {
	p.kill()
	p.wait()
}

// wait waits for the process's end, within a minute of the bubble's time.
func (p *process) wait() run.Ending {
	p.w.t.Helper()
	select {
	case <-p.ended:
	case <-time.NewTimer(time.Minute).C:
		p.w.t.Fatal("the process does not end")
	}
	return p.ending
}

// publish appends the next message of each key to the lane.
func (w *world) publish(lane int32, keys ...string) {
	for _, k := range keys {
		w.next[k]++
		w.broker.Publish(lane, key.Message{Data: fmt.Appendf(nil, `{"k": %q, "n": %d}`, k, w.next[k]), Timestamp: time.Now()})
	}
}

// publishData appends a message with that body to lane 0.
func (w *world) publishData(data string) {
	w.broker.Publish(0, key.Message{Data: []byte(data), Timestamp: time.Now()})
}

func (w *world) pass(d time.Duration) {
	<-time.NewTimer(d).C
	synctest.Wait()
}

// until waits until the condition holds, within two minutes of the bubble's time.
func (w *world) until(what string, holds func() bool) {
	w.t.Helper()
	for range 12_000 {
		synctest.Wait()
		if holds() {
			return
		}
		<-time.NewTimer(10 * time.Millisecond).C
	}
	w.t.Fatalf("%s: this does not come to be; report %+v", what, w.api.report())
}

// allDone waits until the handler has completed every message of the keys.
func (w *world) allDone() {
	w.t.Helper()
	w.until("every message is completed", func() bool {
		for k, n := range w.next {
			if w.handler.completed(k) < n {
				return false
			}
		}
		return true
	})
}

// grant writes a spec that grants the lanes at an epoch.
func (w *world) grant(revision, epoch int64, lanes ...int32) {
	spec := drain.Spec{Revision: revision, Slot: 0, Quarantine: fence + timeout}
	for _, lane := range lanes {
		spec.Grants = append(spec.Grants, drain.Grant{Unit: drain.Unit{Index: lane}, Epoch: epoch})
	}
	w.api.spec(spec)
}

// states are the states of the lanes that the worker reports, such as "0:Running 1:Draining".
func (w *world) states() string {
	var states []string
	for _, h := range w.api.report().Held {
		states = append(states, fmt.Sprintf("%d:%s", h.Index, h.State))
	}
	return strings.Join(states, " ")
}

func (w *world) untilStates(want string) {
	w.t.Helper()
	w.until("lanes are "+want, func() bool { return w.states() == want })
}

// status asks one of the worker's endpoints.
func (p *process) status(endpoint http.HandlerFunc) int {
	recorder := httptest.NewRecorder()
	endpoint(recorder, httptest.NewRequestWithContext(p.w.t.Context(), http.MethodGet, "/", nil))
	return recorder.Code
}

// metric is the value of a counter with that outcome, or of a gauge.
func (p *process) metric(name, outcome string) float64 {
	families, err := p.gather.Gather()
	if err != nil {
		p.w.t.Fatal(err)
	}
	for _, family := range families {
		for _, m := range family.GetMetric() {
			if family.GetName() == name && (outcome == "" || m.GetLabel()[0].GetValue() == outcome) {
				return m.GetCounter().GetValue() + m.GetGauge().GetValue()
			}
		}
	}
	return 0
}

// claimed lets a pool of that name have the claim.
func (w *world) claimed(name string) {
	if err := w.broker.Connect().Claim(w.t.Context(), broker.Claim{Cluster: "c", Namespace: "n", Name: name, UID: "v"}); err != nil {
		w.t.Fatal(err)
	}
}
