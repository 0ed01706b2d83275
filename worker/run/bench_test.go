// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package run_test

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"golang.org/x/sys/unix"

	"convoy.dev/convoy/worker/broker"
	"convoy.dev/convoy/worker/broker/brokertest"
	"convoy.dev/convoy/worker/deliver"
	"convoy.dev/convoy/worker/drain"
	"convoy.dev/convoy/worker/key"
	"convoy.dev/convoy/worker/order"
	"convoy.dev/convoy/worker/run"
)

// BenchmarkWorker is the whole path of a message, broker in memory -> key -> order -> handler -> progress, with 16 lanes and
// 1,000 keys: with a handler that is a function, and with one that is an HTTP server on loopback in the same process.
func BenchmarkWorker(b *testing.B) {
	b.Run("function", func(b *testing.B) {
		var calls atomic.Int64
		benchmarkWorker(b, bench{done: &calls, handler: countingHandler{&calls}, reachable: always})
	})
	b.Run("http", func(b *testing.B) {
		var calls atomic.Int64
		server := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { calls.Add(1) }))
		defer server.Close()
		client, err := deliver.New(deliver.Config{URL: server.URL, Source: "/bench", Timeout: 30 * time.Second, Connections: 64})
		if err != nil {
			b.Fatal(err)
		}
		defer client.Close()
		benchmarkWorker(b, bench{done: &calls, handler: client, reachable: func(ctx context.Context) error {
			connection, err := new(net.Dialer).DialContext(ctx, "tcp", server.Listener.Addr().String())
			if err != nil {
				return err
			}
			return connection.Close()
		}})
	})
}

// BenchmarkHotKey is the throughput of one key whose handler takes 5 ms a call, with one message a call and with 100, in one
// run: times-faster is what the batches gain.
func BenchmarkHotKey(b *testing.B) {
	var rate [2]float64
	for i, batch := range []int{1, 100} {
		b.Run(fmt.Sprintf("batch=%d", batch), func(b *testing.B) {
			var done atomic.Int64
			benchmarkWorker(b, bench{done: &done, handler: slowHandler{&done}, reachable: always, keys: 1, batch: batch})
			rate[i] = float64(b.N) / b.Elapsed().Seconds()
			if rate[0] > 0 {
				b.ReportMetric(rate[i]/rate[0], "times-faster")
			}
		})
	}
}

// slowHandler takes 5 ms for a call, however many messages it has.
type slowHandler struct{ done *atomic.Int64 }

func (h slowHandler) Deliver(_ context.Context, c *deliver.Call) deliver.Outcome {
	<-time.NewTimer(5 * time.Millisecond).C
	h.done.Add(int64(c.Len()))
	return deliver.Outcome{Kind: deliver.Done}
}

// bench is what a benchmark runs: done counts messages that the handler has completed.
type bench struct {
	done      *atomic.Int64
	handler   run.Handler
	reachable func(context.Context) error
	// keys are 1,000 if it is 0, and a call carries one message.
	keys, batch int
}

func always(context.Context) error { return nil }

type countingHandler struct{ calls *atomic.Int64 }

func (h countingHandler) Deliver(context.Context, *deliver.Call) deliver.Outcome {
	h.calls.Add(1)
	return deliver.Outcome{Kind: deliver.Done}
}

func benchmarkWorker(b *testing.B, with bench) {
	b.Helper()
	const lanes = 16
	keys := cmp.Or(with.keys, 1000)
	memory, api := brokertest.NewMemory(lanes), newAPIServer()
	expression, err := key.Compile("body.order_id")
	if err != nil {
		b.Fatal(err)
	}
	marks, err := run.ReadMarks(b.TempDir())
	if err != nil {
		b.Fatal(err)
	}
	worker, err := run.New(run.Config{
		PodUID: podUID, Key: expression, Fence: 10 * time.Second, DrainTimeout: time.Minute,
		Order:   order.Config{MaxInFlightKeys: 64, OnFailure: order.Block, NoPark: true, BatchMaxMessages: with.batch},
		Mailbox: api, Handler: with.handler, Reachable: with.reachable, Marks: marks, Clock: run.SystemClock(),
		Connect: func(context.Context) (broker.Connection, error) { return memory.Connect(), nil },
		Log:     slog.New(slog.DiscardHandler), Metrics: prometheus.NewRegistry(),
	})
	if err != nil {
		b.Fatal(err)
	}
	spec := drain.Spec{Revision: 1, Slot: 0}
	for i := range int32(lanes) {
		spec.Grants = append(spec.Grants, drain.Grant{Unit: drain.Unit{Index: i}, Epoch: 1})
	}
	api.spec(spec)
	for i := range b.N {
		memory.Publish(int32(i%keys%lanes), key.Message{Data: fmt.Appendf(nil, `{"order_id": "order-%d", "state": "Paid", "amount": 4200}`, i%keys), Timestamp: time.Now()})
	}
	b.ReportAllocs()
	b.ResetTimer()
	used := processorTime(b)
	ended := make(chan run.Ending, 1) // the one value
	go func() { ended <- worker.Run(b.Context()) }()
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for with.done.Load() < int64(b.N) {
		<-tick.C
	}
	b.StopTimer()
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "msg/s")
	b.ReportMetric(float64((processorTime(b)-used).Nanoseconds())/float64(b.N), "cpu-ns/msg")
	worker.Stop()
	if ending := <-ended; ending != run.Resigned {
		b.Errorf("ended as %v", ending)
	}
}

// processorTime is what the process has used: on a busy machine it says more than the clock.
func processorTime(b *testing.B) time.Duration {
	b.Helper()
	var used unix.Rusage
	if err := unix.Getrusage(unix.RUSAGE_SELF, &used); err != nil {
		b.Fatal(err)
	}
	return time.Duration(used.Utime.Nano() + used.Stime.Nano())
}
