// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package nats_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	client "github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"convoy.dev/convoy/api/v1alpha1"
	"convoy.dev/convoy/worker/broker"
	"convoy.dev/convoy/worker/broker/nats"
	"convoy.dev/convoy/worker/order"
)

// benched is a server with a source of many lanes, and a pool that has opened them all.
type benched struct {
	server *server.Server
	js     jetstream.JetStream
	broker *nats.Broker
	lanes  []broker.Lane
	// last is the position of the last message of each lane.
	last []order.Position
}

// bench fills lanes with messages of 256 bytes.
func bench(b *testing.B, lanes, messages int) *benched {
	b.Helper()
	options := &server.Options{Host: "127.0.0.1", Port: server.RANDOM_PORT, JetStream: true, StoreDir: b.TempDir(), NoSigs: true, NoLog: true}
	running, err := server.NewServer(options)
	if err != nil {
		b.Fatal(err)
	}
	go running.Start()
	if !running.ReadyForConnections(patience) {
		b.Fatal("the server does not start")
	}
	b.Cleanup(func() {
		running.Shutdown()
		running.WaitForShutdown()
	})
	conn, err := client.Connect(running.ClientURL())
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(conn.Close)
	made := &benched{server: running, last: make([]order.Position, lanes)}
	if made.js, err = jetstream.New(conn, jetstream.WithPublishAsyncMaxPending(1<<16), jetstream.WithPublishAsyncTimeout(patience)); err != nil {
		b.Fatal(err)
	}
	if _, err := made.js.CreateStream(b.Context(), jetstream.StreamConfig{Name: source, Subjects: []string{"orders.>"}, AllowDirect: true}); err != nil {
		b.Fatal(err)
	}
	payload := make([]byte, 256)
	for i := range messages {
		if _, err := made.js.PublishAsync(fmt.Sprintf("orders.%d", i%lanes), payload, jetstream.WithStallWait(patience)); err != nil {
			b.Fatal(err)
		}
		made.last[i%lanes] = order.Position(i + 1)
	}
	<-made.js.PublishAsyncComplete()
	made.open(b, running.ClientURL())
	return made
}

func (m *benched) open(b *testing.B, url string) {
	b.Helper()
	s := &v1alpha1.WorkerSettings{
		Pool:   v1alpha1.PoolIdentity{Namespace: "shop", Name: "orders"},
		Source: v1alpha1.Source{NATS: &v1alpha1.NATSSource{Servers: []string{url}, Stream: source}},
		Lanes: v1alpha1.Lanes{Type: new(v1alpha1.LanesNative), Native: &v1alpha1.NativeLanes{
			NATS: &v1alpha1.NATSNativeLanes{Subjects: []string{"orders.{lane}"}, Count: int32(len(m.last))},
		}},
	}
	s.SetDefaults()
	var err error
	if m.broker, err = nats.Connect(nats.Config{Settings: s, Log: slog.New(slog.NewTextHandler(io.Discard, nil))}); err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		if err := m.broker.Close(); err != nil {
			b.Error(err)
		}
	})
	if err := m.broker.Claim(b.Context(), claim); err != nil {
		b.Fatal(err)
	}
	for number := range m.last {
		m.lanes = append(m.lanes, m.own(b, int32(number), 1))
	}
}

func (m *benched) own(b *testing.B, number int32, epoch int64) broker.Lane {
	b.Helper()
	lane, err := m.broker.Open(b.Context(), grant(number, epoch))
	if err != nil {
		b.Fatal(err)
	}
	if _, err := lane.Load(b.Context()); err != nil {
		b.Fatal(err)
	}
	return lane
}

// read reads all lanes at once to their ends, each with a flush every 100 ms.
func (m *benched) read(b *testing.B) {
	b.Helper()
	var all sync.WaitGroup
	end := errors.New("the end of the lane")
	for i, lane := range m.lanes {
		all.Go(func() {
			var at atomic.Uint64
			reading, done := context.WithCancel(b.Context())
			all.Go(func() {
				for reading.Err() == nil {
					wait(reading, 100*time.Millisecond)
					now := order.Position(at.Load())
					if err := lane.Flush(b.Context(), &order.Progress{LowWater: now, Taken: now}, false); err != nil {
						b.Error(err)
					}
				}
			})
			err := lane.Read(b.Context(), 0, func(batch []broker.Message) error {
				last := batch[len(batch)-1].Position
				at.Store(uint64(last))
				if last == m.last[i] {
					return end
				}
				return nil
			})
			done()
			if !errors.Is(err, end) {
				b.Error(err)
			}
		})
	}
	all.Wait()
}

// bare reads all lanes by consumers of the client library, without acknowledgements and without anything else.
func (m *benched) bare(b *testing.B, each int) {
	b.Helper()
	var all sync.WaitGroup
	for i := range m.last {
		consumer, err := m.js.CreateConsumer(b.Context(), source, jetstream.ConsumerConfig{
			FilterSubjects: []string{fmt.Sprintf("orders.%d", i)}, AckPolicy: jetstream.AckNonePolicy, MemoryStorage: true,
		})
		if err != nil {
			b.Fatal(err)
		}
		all.Go(func() {
			left, done := each, make(chan struct{})
			defer func() {
				if err := m.js.DeleteConsumer(b.Context(), source, consumer.CachedInfo().Name); err != nil {
					b.Error(err)
				}
			}()
			consuming, err := consumer.Consume(func(jetstream.Msg) {
				if left--; left == 0 {
					close(done)
				}
			})
			if err != nil {
				b.Error(err)
				return
			}
			<-done
			consuming.Stop()
		})
	}
	all.Wait()
}

// BenchmarkRead compares reading lanes, progress flushed, with bare consumers of the same messages in the same run: of-bare
// is 1 when reading lanes costs nothing more.
func BenchmarkRead(b *testing.B) {
	for _, lanes := range []int{1, 16, 64} {
		each := 200_000 / lanes
		b.Run(fmt.Sprintf("lanes=%d", lanes), func(b *testing.B) {
			m := bench(b, lanes, each*lanes)
			var bare float64
			b.Run("bare", func(b *testing.B) {
				for b.Loop() {
					m.bare(b, each)
				}
				bare = float64(each*lanes*b.N) / b.Elapsed().Seconds()
				b.ReportMetric(bare, "msg/s")
			})
			b.Run("lanes", func(b *testing.B) {
				for b.Loop() {
					m.read(b)
				}
				ours := float64(each*lanes*b.N) / b.Elapsed().Seconds()
				b.ReportMetric(ours, "msg/s")
				b.ReportMetric(ours/bare, "of-bare")
			})
		})
	}
}

// BenchmarkHandOver opens and loads a lane that another owner had.
func BenchmarkHandOver(b *testing.B) {
	m := bench(b, 1, 1)
	epoch := int64(1)
	for b.Loop() {
		epoch++
		m.own(b, 0, epoch)
	}
}

// BenchmarkConfirm confirms all lanes of a worker.
func BenchmarkConfirm(b *testing.B) {
	for _, lanes := range []int{1, 64, 1000} {
		b.Run(fmt.Sprintf("lanes=%d", lanes), func(b *testing.B) {
			m := bench(b, lanes, lanes)
			grants := make([]broker.Grant, lanes)
			for i := range grants {
				grants[i] = grant(int32(i), 1)
			}
			for b.Loop() {
				if superseded, err := m.broker.Confirm(b.Context(), grants); err != nil || len(superseded) > 0 {
					b.Fatal(superseded, err)
				}
			}
		})
	}
}

// BenchmarkSample counts the backlog of all lanes, with how many requests: when every lane has some, when every lane has
// been taken to its end while the others' messages came, and when nothing at all has come since the last sample.
func BenchmarkSample(b *testing.B) {
	for _, of := range []struct {
		name         string
		lanes, each  int
		taken, quiet bool
	}{
		{"lanes=1", 1, 10, false, false},
		{"lanes=64", 64, 10, false, false},
		{"lanes=1024", 1024, 10, false, false},
		{"lanes=1024/deep", 1024, 500, false, false},
		{"lanes=1024/taken", 1024, 10, true, false},
		{"lanes=1024/quiet", 1024, 10, false, true},
	} {
		b.Run(of.name, func(b *testing.B) {
			m := bench(b, of.lanes, of.each*of.lanes)
			left := int64(of.each)
			if of.taken {
				left = 0
				for lane, last := range m.last {
					if err := m.lanes[lane].Flush(b.Context(), &order.Progress{LowWater: last, Taken: last}, false); err != nil {
						b.Fatal(err)
					}
				}
			}
			if of.quiet {
				wait(b.Context(), quietTime)
				if _, err := m.broker.Sample(b.Context()); err != nil {
					b.Fatal(err)
				}
			}
			before := m.requests(b)
			for b.Loop() {
				if backlog, err := m.broker.Sample(b.Context()); err != nil || backlog.Lanes[0] != left {
					b.Fatal(backlog.Lanes[0], err)
				}
			}
			b.ReportMetric(float64(m.requests(b)-before)/float64(b.N), "requests/op")
		})
	}
}

// quietTime is after how long without a message a sample may be used again.
const quietTime = 11 * time.Second

// requests is how many messages clients have sent to the server.
func (m *benched) requests(b *testing.B) int64 {
	b.Helper()
	varz, err := m.server.Varz(nil)
	if err != nil {
		b.Fatal(err)
	}
	return varz.InMsgs
}

// BenchmarkFlush flushes a lane.
func BenchmarkFlush(b *testing.B) {
	m := bench(b, 1, 1)
	p := &order.Progress{LowWater: 1, Taken: 1}
	for b.Loop() {
		if err := m.lanes[0].Flush(b.Context(), p, false); err != nil {
			b.Fatal(err)
		}
	}
}
