// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package peer

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"
	"github.com/synadia-io/orbit.go/pcgroups"

	"convoy.dev/convoy/hack/bench/plant"
)

const (
	// partitions is how many there are of the group, and how many lanes of Convoy.
	partitions = 16
	// keys share the messages evenly. There are more than anybody handles in the time of a round.
	keys, messages = 1000, 100_000
	rounds         = 3
	// warmUp is not counted, measured is.
	warmUp, measured = time.Second, 4 * time.Second
)

func TestMain(m *testing.M) {
	plant.Main()
	os.Exit(m.Run())
}

// BenchmarkPeer has one process handle the same stream, by calls of the same handler over HTTP: as a group with one member, as
// one with a member for each partition, and as a worker of Convoy with the defaults of a pool: whose lanes are the partitions, and
// whose lanes are Routed, so that every message is copied first. Figures are medians of rounds in turn; the ratios are to the larger
// group.
func BenchmarkPeer(b *testing.B) {
	kinds := []kind{group("member", 1), group("members", partitions), worker("native", "{lane}.orders.>"), worker("routed")}
	for _, work := range []time.Duration{0, 10 * time.Millisecond} {
		b.Run(fmt.Sprintf("handler=%v", work), func(b *testing.B) {
			served := fill(b)
			rates := make([][]float64, len(kinds))
			for round := range rounds {
				for i, k := range kinds {
					rates[i] = append(rates[i], measure(b, work, func(h *handler) (stop func()) { return k.start(b, served, h, round) }))
				}
			}
			for i, k := range kinds {
				slices.Sort(rates[i])
				b.ReportMetric(rates[i][rounds/2], k.name+"-msg/s")
			}
			for i, k := range kinds[2:] {
				b.ReportMetric(rates[2+i][rounds/2]/rates[1][rounds/2], k.name+"-ratio")
			}
			b.ReportMetric(0, "ns/op") // It would be the time that all rounds take.
		})
	}
}

// kind is a way to handle the stream: start begins, at the stream's first message whatever the round, and stop ends it.
type kind struct {
	name  string
	start func(b *testing.B, served *plant.Server, h *handler, round int) (stop func())
}

// note is a message: the number is that of the key's message, from 1.
type note struct {
	Key    string `json:"order_id"`
	Number int    `json:"number"`
}

// fill starts a server and fills its source. The stream writes each message's partition into its subject, as the group needs it.
func fill(b *testing.B) *plant.Server {
	b.Helper()
	served, err := plant.Serve(context.WithoutCancel(b.Context()), b.TempDir()) // It is closed after the end of the benchmark's context.
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		if err := served.Close(); err != nil {
			b.Error(err)
		}
	})
	info, err := served.JetStream.Stream(b.Context(), plant.Source)
	if err != nil {
		b.Fatal(err)
	}
	config := info.CachedInfo().Config
	config.SubjectTransform = &jetstream.SubjectTransformConfig{
		Source: "orders.*", Destination: fmt.Sprintf("{{partition(%d,1)}}.orders.{{wildcard(1)}}", partitions),
	}
	if _, err := served.JetStream.UpdateStream(b.Context(), config); err != nil {
		b.Fatal(err)
	}
	for i := range messages {
		n := note{fmt.Sprint("order-", i%keys), 1 + i/keys}
		data, err := json.Marshal(n)
		if err != nil {
			b.Fatal(err)
		}
		if err := served.Publish(n.Key, data); err != nil {
			b.Fatal(err)
		}
	}
	<-served.JetStream.PublishAsyncComplete()
	return served
}

// handler is the user's code: it checks that the messages of each key come in order, one at a time.
type handler struct {
	work time.Duration

	lock    sync.Mutex
	last    map[string]int
	running map[string]bool
	handled int
	wrong   int
	first   chan struct{} // closed with the first message
}

// ServeHTTP implements http.Handler.
func (h *handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	var n note
	if err := json.NewDecoder(r.Body).Decode(&n); err != nil {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	h.lock.Lock()
	if n.Number != h.last[n.Key]+1 || h.running[n.Key] {
		h.wrong++
	}
	if h.running[n.Key] = true; len(h.last) == 0 {
		close(h.first)
	}
	h.last[n.Key] = n.Number
	h.lock.Unlock()
	if h.work > 0 {
		<-time.NewTimer(h.work).C
	}
	h.lock.Lock()
	h.running[n.Key] = false
	h.handled++
	h.lock.Unlock()
}

func (h *handler) count() (handled, wrong int) {
	h.lock.Lock()
	defer h.lock.Unlock()
	return h.handled, h.wrong
}

// measure counts what is handled, from a while after the first message on.
func measure(b *testing.B, work time.Duration, start func(*handler) (stop func())) (rate float64) {
	b.Helper()
	h := &handler{work: work, last: map[string]int{}, running: map[string]bool{}, first: make(chan struct{})}
	defer start(h)()
	<-h.first
	<-time.NewTimer(warmUp).C
	began := time.Now()
	before, _ := h.count()
	<-time.NewTimer(measured).C
	handled, wrong := h.count()
	rate = float64(handled-before) / time.Since(began).Seconds()
	if wrong > 0 || handled == messages {
		b.Errorf("%d of %d messages came out of order; there are %d", wrong, handled, messages)
	}
	return rate
}

// worker is a worker of Convoy, whose lanes are these subjects, or Routed.
func worker(name string, subjects ...string) kind {
	return kind{"convoy-" + name, func(b *testing.B, served *plant.Server, h *handler, round int) (stop func()) {
		b.Helper()
		p, err := plant.Start(b.Context(), plant.Config{
			Pool: fmt.Sprint(name, round), Directory: b.TempDir(), Server: served, Lanes: partitions, Native: subjects, Handler: h,
		})
		if err != nil {
			b.Fatal(err)
		}
		return func() {
			if err := p.Stop(); err != nil {
				b.Error(err)
			}
		}
	}}
}

// group is a group with all its members, each of which has one message at a time, as order wants it.
func group(name string, members int) kind {
	return kind{fmt.Sprint("group-", members, "-", name), func(b *testing.B, served *plant.Server, h *handler, round int) (stop func()) {
		b.Helper()
		group := fmt.Sprintf("%s-%d", name, round)
		var names []string
		for i := range members {
			names = append(names, fmt.Sprint("member-", i))
		}
		if _, err := pcgroups.CreateStatic(b.Context(), served.JetStream, plant.Source, group, partitions, nil, names, nil); err != nil {
			b.Fatal(err)
		}
		server := httptest.NewServer(h)
		client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: partitions}}
		take := func(m jetstream.Msg) {
			if err := call(b.Context(), client, server.URL, m.Data()); err == nil {
				_ = m.Ack() // Without it the message comes again, which the handler sees.
			}
		}
		var joined []pcgroups.ConsumerGroupConsumeContext
		for _, name := range names {
			consuming, err := pcgroups.StaticConsume(b.Context(), served.JetStream, plant.Source, group, name, take,
				jetstream.ConsumerConfig{AckPolicy: jetstream.AckExplicitPolicy, MaxAckPending: 1, AckWait: time.Minute})
			if err != nil {
				b.Fatal(err)
			}
			joined = append(joined, consuming)
		}
		return func() {
			for _, consuming := range joined {
				consuming.Stop()
				if err := <-consuming.Done(); err != nil {
					b.Error(err)
				}
			}
			client.CloseIdleConnections()
			server.Close()
		}
	}}
}

// call calls the handler as Convoy does, less the headers.
func call(ctx context.Context, client *http.Client, url string, data []byte) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, url, bytes.NewReader(data))
	if err != nil {
		return err
	}
	answer, err := client.Do(request)
	if err != nil {
		return err
	}
	_, err = io.Copy(io.Discard, answer.Body)
	if closed := answer.Body.Close(); err == nil {
		err = closed
	}
	if err == nil && answer.StatusCode != http.StatusOK {
		err = fmt.Errorf("calling the handler: %s", answer.Status)
	}
	return err
}
