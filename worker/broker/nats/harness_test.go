// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package nats_test

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"net/url"
	"strconv"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	client "github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"convoy.dev/convoy/api/v1alpha1"
	"convoy.dev/convoy/worker/broker"
	"convoy.dev/convoy/worker/broker/brokertest"
	"convoy.dev/convoy/worker/broker/nats"
	"convoy.dev/convoy/worker/key"
	"convoy.dev/convoy/worker/order"
)

// patience bounds what a test waits for; no test that passes waits so long.
const patience = 30 * time.Second

// jet is a real server with JetStream on files, on a port of its own that stays the same across restarts.
type jet struct {
	options *server.Options
	server  *server.Server
}

// serve starts a server with changes to its options.
func serve(t *testing.T, changes ...func(*server.Options)) *jet {
	t.Helper()
	brokertest.Leaks(t)
	j := &jet{options: &server.Options{
		Host: "127.0.0.1", Port: server.RANDOM_PORT, JetStream: true, StoreDir: t.TempDir(), NoSigs: true, NoLog: true,
	}}
	for _, change := range changes {
		change(j.options)
	}
	j.start(t)
	t.Cleanup(j.stop)
	return j
}

func (j *jet) start(t *testing.T) {
	t.Helper()
	running, err := server.NewServer(j.options.Clone())
	if err != nil {
		t.Fatalf("starting a server: %v", err)
	}
	j.server = running
	go running.Start()
	if !running.ReadyForConnections(patience) {
		t.Fatal("the server does not start")
	}
	j.options.Port = running.Addr().(*net.TCPAddr).Port
}

func (j *jet) address() string { return fmt.Sprintf("127.0.0.1:%d", j.options.Port) }

func (j *jet) stop() {
	j.server.Shutdown()
	j.server.WaitForShutdown()
}

// restart stops the server and starts it again with its files.
func (j *jet) restart(t *testing.T) {
	t.Helper()
	j.stop()
	j.start(t)
}

// admin returns a JetStream client that survives restarts.
func (j *jet) admin(t *testing.T, options ...client.Option) jetstream.JetStream {
	t.Helper()
	options = append(options, client.MaxReconnects(-1), client.ReconnectWait(10*time.Millisecond))
	conn, err := client.Connect(j.server.ClientURL(), options...)
	if err != nil {
		t.Fatalf("connecting: %v", err)
	}
	t.Cleanup(conn.Close)
	js, err := jetstream.New(conn)
	if err != nil {
		t.Fatal(err)
	}
	return js
}

// lanes is how many lanes the source of a test has, source its name.
const (
	lanes  = 4
	source = "ORDERS"
)

// makeSource makes a stream with one subject a lane and more.
func makeSource(t *testing.T, js jetstream.JetStream, changes ...func(*jetstream.StreamConfig)) {
	t.Helper()
	config := jetstream.StreamConfig{Name: source, Subjects: []string{"orders.>"}, AllowDirect: true}
	for _, change := range changes {
		change(&config)
	}
	if _, err := js.CreateStream(t.Context(), config); err != nil {
		t.Fatalf("making the source: %v", err)
	}
}

// settings are those of a pool that reads the server's source.
func (j *jet) settings(changes ...func(*v1alpha1.WorkerSettings)) *v1alpha1.WorkerSettings {
	s := &v1alpha1.WorkerSettings{
		Cluster: "cluster", Pool: v1alpha1.PoolIdentity{Namespace: "shop", Name: "orders", UID: "1"},
		Source: v1alpha1.Source{NATS: &v1alpha1.NATSSource{Servers: []string{fmt.Sprintf("nats://127.0.0.1:%d", j.options.Port)}, Stream: source}},
		Lanes: v1alpha1.Lanes{Type: new(v1alpha1.LanesNative), Native: &v1alpha1.NativeLanes{
			NATS: &v1alpha1.NATSNativeLanes{Subjects: []string{"orders.{lane}", "orders.{lane}.more.>"}, Count: lanes},
		}},
	}
	for _, change := range changes {
		change(s)
	}
	s.SetDefaults()
	return s
}

var claim = broker.Claim{Cluster: "cluster", Namespace: "shop", Name: "orders", UID: "1", Fingerprint: "print"}

// connect returns a connection that is closed when the test ends.
func connect(t *testing.T, s *v1alpha1.WorkerSettings) *nats.Broker {
	t.Helper()
	b, err := nats.Connect(nats.Config{Settings: s, Client: t.Name(), Log: slog.New(slog.NewTextHandler(t.Output(), nil))})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := b.Close(); err != nil {
			t.Errorf("closing: %v", err)
		}
	})
	return b
}

// publish appends to a lane, on both of its subjects in turn.
func publish(t *testing.T, js jetstream.JetStream, lane int32, messages ...key.Message) []order.Position {
	t.Helper()
	return publishTo(t, js, fmt.Sprintf("orders.%d", lane), messages...)
}

func publishTo(t *testing.T, js jetstream.JetStream, first string, messages ...key.Message) []order.Position {
	t.Helper()
	at := make([]order.Position, 0, len(messages))
	for i, message := range messages {
		subject := first
		if i%2 == 1 {
			subject += fmt.Sprintf(".more.%d", i)
		}
		ctx, cancel := context.WithTimeout(t.Context(), patience)
		ack, err := js.PublishMsg(ctx, &client.Msg{Subject: subject, Data: message.Data, Header: message.Headers}, jetstream.WithRetryAttempts(100))
		cancel()
		if err != nil {
			t.Errorf("publishing: %v", err)
			return at
		}
		at = append(at, order.Position(ack.Sequence))
	}
	return at
}

// trim removes messages of a stream up to a position.
func trim(t *testing.T, js jetstream.JetStream, name string, through order.Position) {
	t.Helper()
	stream, err := js.Stream(t.Context(), name)
	if err != nil {
		t.Fatal(err)
	}
	if err := stream.Purge(t.Context(), jetstream.WithPurgeSequence(uint64(through)+1)); err != nil {
		t.Fatal(err)
	}
}

// damage writes what no version of Convoy would over the epoch record of a lane.
func damage(t *testing.T, js jetstream.JetStream, prefix string, lane int32) {
	t.Helper()
	if err := insist(t, func(ctx context.Context) error {
		_, err := js.Publish(ctx, fmt.Sprintf("%s.epoch.%d", prefix, lane), []byte("hello, world"))
		return err
	}); err != nil {
		t.Fatal(err)
	}
}

// letters reads the dead letters of a stream.
func letters(t *testing.T, js jetstream.JetStream, stream string) []broker.DeadLetter {
	t.Helper()
	var s jetstream.Stream
	if err := insist(t, func(ctx context.Context) (err error) { s, err = js.Stream(ctx, stream); return err }); err != nil {
		t.Fatalf("looking at the dead letters: %v", err)
	}
	var found []broker.DeadLetter
	for at := uint64(1); at <= s.CachedInfo().State.LastSeq; at++ {
		var m *jetstream.RawStreamMsg
		if err := insist(t, func(ctx context.Context) (err error) { m, err = s.GetMsg(ctx, at); return err }); err != nil {
			t.Fatalf("reading dead letter %d: %v", at, err)
		}
		letter := broker.DeadLetter{
			Message:  broker.Message{Message: key.Message{Data: m.Data, Headers: m.Header}, Sequence: order.Sequence(parse(t, m, "Convoy-Sequence"))},
			Attempts: uint32(parse(t, m, "Convoy-Attempts")),
		}
		letter.Key, letter.Reason = unescape(t, m, "Convoy-Key"), unescape(t, m, "Convoy-Reason")
		found = append(found, letter)
	}
	return found
}

func parse(t *testing.T, m *jetstream.RawStreamMsg, header string) uint64 {
	t.Helper()
	n, err := strconv.ParseUint(m.Header.Get(header), 10, 64)
	if err != nil {
		t.Errorf("the header %s of a dead letter: %v", header, err)
	}
	return n
}

func unescape(t *testing.T, m *jetstream.RawStreamMsg, header string) string {
	t.Helper()
	text, err := url.PathUnescape(m.Header.Get(header))
	if err != nil {
		t.Errorf("the header %s of a dead letter: %v", header, err)
	}
	return text
}
