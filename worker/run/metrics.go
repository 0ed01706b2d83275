// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package run

import (
	"fmt"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"convoy.dev/convoy/api/v1alpha1"
	"convoy.dev/convoy/worker/deliver"
	"convoy.dev/convoy/worker/drain"
)

// Values of the label outcome of messages.
const (
	outcomeDone         = "done"
	outcomeDeadLettered = "dead_lettered"
	outcomeNoKey        = "no_key"
	outcomeGone         = "gone"
	outcomeParked       = "parked"
)

// metrics are the worker's figures. Labels have few values: no lanes, no keys. The figures of one pool are the sums or
// maxima over its workers, which scrapers label by pod.
type metrics struct {
	messages, calls, brokerErrors            *prometheus.CounterVec
	latency                                  *prometheus.HistogramVec
	handover                                 prometheus.Histogram
	flushes, apiErrors, keyed, routed        prometheus.Counter
	oldest, inFlight, keys, inMemory, memory prometheus.Gauge
	lanes, halted                            *prometheus.GaugeVec
	parkedKeys, parkedMessages               prometheus.Gauge
	stall                                    prometheus.Histogram
	confirmTime                              prometheus.Histogram
	lastConfirm                              atomic.Int64 // nanoseconds from the origin
	holds                                    atomic.Bool
}

// seconds are the buckets of times between a millisecond and minutes.
var seconds = []float64{.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30, 60, 300}

func counter(name, help string) prometheus.CounterOpts {
	return prometheus.CounterOpts{Namespace: "convoy", Subsystem: "worker", Name: name, Help: help}
}

func gauge(name, help string) prometheus.GaugeOpts {
	return prometheus.GaugeOpts{Namespace: "convoy", Subsystem: "worker", Name: name, Help: help}
}

func histogram(name, help string) prometheus.HistogramOpts {
	return prometheus.HistogramOpts{Namespace: "convoy", Subsystem: "worker", Name: name, Help: help, Buckets: seconds}
}

// newMetrics registers the metrics of one worker.
func newMetrics(to prometheus.Registerer, w *Worker) (*metrics, error) {
	m := &metrics{
		messages: prometheus.NewCounterVec(counter("messages_total",
			"Messages concluded, by outcome: done, parked (and done once more when they are run from there), dead_lettered, no_key (dead-lettered without a call), gone (no longer in the broker)."), []string{"outcome"}),
		calls: prometheus.NewCounterVec(counter("calls_total",
			"Calls of the handler, by outcome: done, partial (the first messages of a batch are completed), failed, rejected, timed_out, unsent."), []string{"outcome"}),
		brokerErrors: prometheus.NewCounterVec(counter("broker_errors_total",
			"Requests to the broker that failed, by kind (Retryable, Permanent, Fenced) and cause (NotFound, Denied, Unfit, Full, Other)."),
			[]string{"kind", "cause"}),
		latency: prometheus.NewHistogramVec(histogram("call_seconds",
			"How long calls of the handler took, in seconds, by outcome as in calls_total."), []string{"outcome"}),
		handover: prometheus.NewHistogram(histogram("drain_seconds",
			"How long lanes took to drain, in seconds: from the revoke until nothing runs and their progress is in the broker.")),
		flushes:   prometheus.NewCounter(counter("flushes_total", "Progress records written.")),
		apiErrors: prometheus.NewCounter(counter("api_errors_total", "Requests to the API server that failed, conflicts not counted.")),
		routed:    prometheus.NewCounter(counter("messages_routed_total", "Messages that this worker appended to their lanes, which is done once for each.")),
		keyed:     prometheus.NewCounter(counter("key_seconds_total", "Time spent on the key expression, in seconds.")),
		oldest: prometheus.NewGauge(gauge("oldest_message_age_seconds",
			"Age of the oldest message in memory by the source's timestamp, in seconds; 0 if there is none.")),
		inFlight: prometheus.NewGauge(gauge("keys_in_flight", "Keys whose call may be running in the handler.")),
		keys:     prometheus.NewGauge(gauge("keys_in_memory", "Keys that have messages in memory.")),
		inMemory: prometheus.NewGauge(gauge("messages_in_memory", "Messages in memory with their bodies.")),
		memory:   prometheus.NewGauge(gauge("message_bytes_in_memory", "Size of the bodies in memory, in bytes.")),
		lanes: prometheus.NewGaugeVec(gauge("lanes",
			"Lanes of this worker, by state: Barred, Opening, Fencing, Running, Draining, Refused."), []string{"state"}),
		halted: prometheus.NewGaugeVec(gauge("lanes_halted",
			"Lanes of this worker, and shards that it routes, that stand, by the condition that says why: LaneBlocked, LaneStoreFull, Braking."), []string{"condition"}),
		parkedKeys:     prometheus.NewGauge(gauge("parked_keys", "Keys of this worker's lanes that are parked.")),
		parkedMessages: prometheus.NewGauge(gauge("parked_messages", "Messages of the keys that are parked.")),
		stall: prometheus.NewHistogram(histogram("loop_gap_seconds",
			"Time between two turns of the worker's loop, in seconds. It turns at least once a second unless the process stalls.")),
		confirmTime: prometheus.NewHistogram(histogram("confirm_seconds",
			"How long the broker took to confirm lanes, in seconds.")),
	}
	confirmAge := prometheus.NewGaugeFunc(gauge("broker_confirm_age_seconds",
		"Time since the newest confirmed request to confirm lanes, in seconds; 0 while no lane is held."), func() float64 {
		if !m.holds.Load() {
			return 0
		}
		return (w.now().Sub(w.origin) - time.Duration(m.lastConfirm.Load())).Seconds()
	})
	for _, c := range []prometheus.Collector{
		m.messages, m.calls, m.brokerErrors, m.latency, m.handover, m.flushes, m.apiErrors, m.keyed, m.routed, m.oldest, m.inFlight, m.keys,
		m.inMemory, m.memory, m.lanes, m.halted, m.stall, m.confirmTime, confirmAge, m.parkedKeys, m.parkedMessages,
	} {
		if err := to.Register(c); err != nil {
			return nil, fmt.Errorf("registering metrics: %w", err)
		}
	}
	return m, nil
}

// turned notes the time between two turns of the loop.
func (m *metrics) turned(gap time.Duration) { m.stall.Observe(gap.Seconds()) }

// confirmed notes a confirmation that was asked for at an instant, counted from the origin, and took so long.
func (m *metrics) confirmed(asked, took time.Duration) {
	m.confirmTime.Observe(took.Seconds())
	m.lastConfirm.Store(int64(asked))
}

// delivered notes a call. It is safe for every goroutine.
func (m *metrics) delivered(o deliver.Outcome, took time.Duration) {
	outcome := "done"
	switch {
	case o.Kind == deliver.TimedOut:
		outcome = "timed_out"
	case o.Kind == deliver.Unsent:
		outcome = "unsent"
	case o.Completed > 0:
		outcome = "partial"
	case o.Permanent:
		outcome = "rejected"
	case o.Kind == deliver.Failed:
		outcome = "failed"
	}
	m.calls.WithLabelValues(outcome).Inc()
	m.latency.WithLabelValues(outcome).Observe(took.Seconds())
}

// observe sets the gauges, which are of what the loop owns.
func (m *metrics) observe(w *Worker) {
	age := 0.0
	if at := w.payloads.oldest(); !at.IsZero() {
		age = max(0, time.Since(at).Seconds())
	}
	m.oldest.Set(age)
	m.inFlight.Set(float64(w.seq.Running()))
	m.keys.Set(float64(w.seq.Len()))
	m.inMemory.Set(float64(w.payloads.len()))
	parked := v1alpha1.WorkerParked{}
	if sum := w.sumParked(); sum != nil {
		parked = *sum
	}
	m.parkedKeys.Set(float64(parked.Keys))
	m.parkedMessages.Set(float64(parked.Messages))
	m.memory.Set(float64(w.payloads.bytes))
	var states [drain.Refused + 1]int
	for _, h := range w.machine.Report().Held {
		states[h.State]++
	}
	for state := drain.Barred; state <= drain.Refused; state++ {
		m.lanes.WithLabelValues(state.String()).Set(float64(states[state]))
	}
	for _, kind := range []string{v1alpha1.ConditionLaneBlocked, v1alpha1.ConditionLaneStoreFull, v1alpha1.ConditionBraking} {
		m.halted.WithLabelValues(kind).Set(float64(len(w.halts[kind])))
	}
	m.holds.Store(states[drain.Running]+states[drain.Draining]+states[drain.Fencing] > 0)
}
