// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package nats_test

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"testing"

	"github.com/nats-io/nats-server/v2/server"
	client "github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"convoy.dev/convoy/api/v1alpha1"
	"convoy.dev/convoy/worker/broker"
	"convoy.dev/convoy/worker/broker/nats"
)

// BenchmarkRoute compares routing messages of 256 bytes to 64 lanes, which reads and appends each, with publishing as many
// by the client library, unconditionally and pipelined, in the same run: of-plain is 1 when routing costs nothing more.
func BenchmarkRoute(b *testing.B) {
	const messages = 100_000
	running, err := server.NewServer(&server.Options{Host: "127.0.0.1", Port: server.RANDOM_PORT, JetStream: true, StoreDir: b.TempDir(), NoSigs: true, NoLog: true})
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
	js, err := jetstream.New(conn, jetstream.WithPublishAsyncMaxPending(4096), jetstream.WithPublishAsyncTimeout(patience))
	if err != nil {
		b.Fatal(err)
	}
	if _, err := js.CreateStream(b.Context(), jetstream.StreamConfig{Name: source, Subjects: []string{"orders.>"}, AllowDirect: true}); err != nil {
		b.Fatal(err)
	}
	var plain float64
	b.Run("plain", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			fill(b, js, messages)
		}
		plain = float64(messages*b.N) / b.Elapsed().Seconds()
		b.ReportMetric(plain, "msg/s")
	})
	epoch := int64(0)
	b.Run("route", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			b.StopTimer()
			epoch++
			name := fmt.Sprint("orders", epoch)
			shard := benchShard(b, running.ClientURL(), name)
			b.StartTimer()
			left := messages
			ctx, enough := context.WithCancel(b.Context())
			err := shard.Route(ctx, broker.Routing{
				Place: func(_ context.Context, batch []broker.Message, into []int32) ([]int32, error) {
					for i := range batch {
						into = append(into, int32(batch[i].Sequence%64))
					}
					return into, nil
				},
				Settled: func(n int) {
					if left -= n; left <= 0 {
						enough()
					}
				},
			})
			if left > 0 {
				b.Fatal(err)
			}
		}
		ours := float64(messages*b.N) / b.Elapsed().Seconds()
		b.ReportMetric(ours, "msg/s")
		b.ReportMetric(ours/plain, "of-plain")
	})
}

// fill publishes messages to the source.
func fill(b *testing.B, js jetstream.JetStream, messages int) {
	b.Helper()
	payload := make([]byte, 256)
	for i := range messages {
		if _, err := js.PublishAsync(fmt.Sprintf("orders.%d", i%64), payload, jetstream.WithStallWait(patience)); err != nil {
			b.Fatal(err)
		}
	}
	<-js.PublishAsyncComplete()
}

// benchShard opens the shard of a pool of its own.
func benchShard(b *testing.B, url, name string) broker.Shard {
	b.Helper()
	s := &v1alpha1.WorkerSettings{
		Pool:   v1alpha1.PoolIdentity{Namespace: "shop", Name: name},
		Source: v1alpha1.Source{NATS: &v1alpha1.NATSSource{Servers: []string{url}, Stream: source}},
	}
	s.SetDefaults()
	connection, err := nats.Connect(nats.Config{Settings: s, Log: slog.New(slog.NewTextHandler(io.Discard, nil))})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		if err := connection.Close(); err != nil {
			b.Error(err)
		}
	})
	mine := claim
	mine.Name = name
	if err := connection.Claim(b.Context(), mine); err != nil {
		b.Fatal(err)
	}
	shard, err := connection.OpenShard(b.Context(), shardGrant(1))
	if err != nil {
		b.Fatal(err)
	}
	return shard
}
