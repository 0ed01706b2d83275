// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package nats_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	client "github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"convoy.dev/convoy/api/v1alpha1"
	"convoy.dev/convoy/worker/broker"
	"convoy.dev/convoy/worker/broker/nats"
	"convoy.dev/convoy/worker/key"
	"convoy.dev/convoy/worker/order"
)

// useUp publishes to the source until JetStream takes nothing more, not even little.
func useUp(t *testing.T, js jetstream.JetStream) {
	t.Helper()
	for _, size := range []int{64 << 10, 1 << 10, 0} {
		for {
			if _, err := js.Publish(t.Context(), "orders.1", make([]byte, size)); err != nil {
				break
			}
		}
	}
}

// TestNoRoom fills what JetStream may take of the disk, of the servers or of the account. Routing waits, what cannot be written
// says what a person can do, lanes can be read all the same; and all goes on by itself once there is room.
func TestNoRoom(t *testing.T) {
	const room = 4 << 20
	for of, c := range map[string]struct {
		options func(*server.Options)
		limits  func(*server.Account) error
		mend    string
	}{
		"the servers": {func(o *server.Options) { o.JetStreamMaxStore = room }, func(*server.Account) error { return nil }, "give the NATS servers more room"},
		"the account": {func(*server.Options) {}, func(a *server.Account) error {
			return a.UpdateJetStreamLimits(map[string]server.JetStreamAccountLimits{"": {MaxStore: room, MaxMemory: -1, MaxStreams: -1, MaxConsumers: -1}})
		}, "raise the JetStream limits of the account"},
	} {
		t.Run(of, func(t *testing.T) {
			j := serve(t, c.options)
			js := j.admin(t)
			makeSource(t, js)
			b := connect(t, j.settings(routed))
			shard := shardOf(t, b, 1)
			send(t, js, source, texts(4)...)
			routes(t, shard, 4)
			lane, _ := owned(t, b, grant(1, 1))
			if err := c.limits(j.server.GlobalAccount()); err != nil {
				t.Fatal(err)
			}
			useUp(t, js)
			err := shard.Route(t.Context(), broker.Routing{Place: everywhere(all)})
			if !errors.Is(err, broker.ErrStoreFull) || broker.KindOf(err) != broker.Retryable || !strings.Contains(err.Error(), c.mend) {
				t.Errorf("routing: %v, want it to wait for room, and to say %q", err, c.mend)
			}
			for doing, call := range writes(t, b, lane) {
				t.Log(doing)
				lasting(t, call, broker.CauseFull, c.mend)
			}
			reads(t, lane, 1)
			stream, err := js.Stream(t.Context(), source)
			if err != nil {
				t.Fatal(err)
			}
			if err := stream.Purge(t.Context()); err != nil {
				t.Fatal(err)
			}
			flush(t, lane, 1, false)
			send(t, js, source, texts(3)...)
			finishes(t, js, shard, 7)
		})
	}
}

// writes are the errors of what an owner writes.
func writes(t *testing.T, b *nats.Broker, lane broker.Lane) map[string]error {
	t.Helper()
	_, confirming := b.Confirm(t.Context(), []broker.Grant{grant(1, 1)})
	_, opening := b.Open(t.Context(), grant(2, 1))
	_, parking := lane.LoadParked(t.Context())
	return map[string]error{
		"confirming": confirming, "opening": opening, "parking": parking,
		"flushing":       lane.Flush(t.Context(), &order.Progress{LowWater: 1, Taken: 1}, false),
		"dead-lettering": lane.DeadLetter(t.Context(), broker.DeadLetter{}),
	}
}

// TestLeadersChange has other servers lead the lane stream, and the source, while messages are sent and routed.
func TestLeadersChange(t *testing.T) {
	c := serveCluster(t)
	j := c.servers[0]
	js := j.admin(t)
	elected(t, "making the source", func(ctx context.Context) error {
		_, err := js.CreateOrUpdateStream(ctx, jetstream.StreamConfig{Name: source, Subjects: []string{"orders.>"}, Replicas: replicas, AllowDirect: true})
		return err
	})
	shard := shardOf(t, connect(t, j.settings(routed, func(s *v1alpha1.WorkerSettings) { s.Source.NATS.Servers = c.urls() })), 1)
	end, conn := keepsRouting(t, shard), dialled(t, j)
	changed, sent := make(chan struct{}), 0
	go func() {
		defer close(changed)
		for _, stream := range []string{laneStream, source, laneStream} {
			stepDown(t, conn, js, stream)
		}
	}()
	for over := false; !over; sent++ {
		id := jetstream.WithMsgID(strconv.Itoa(sent)) // Its answer is lost now and then.
		elected(t, "publishing", func(ctx context.Context) error { _, err := js.Publish(ctx, "orders.1", []byte("x"), id); return err })
		select {
		case <-changed:
			over = true
		default:
		}
	}
	t.Logf("%d messages were sent", sent)
	elected(t, "routing all", func(context.Context) error {
		if n := len(inLanes(t, js)); n < sent {
			return fmt.Errorf("%d of %d messages are routed", n, sent)
		}
		return nil
	})
	end()
	exactly(t, js, sent)
}

// stepDown has another server lead a stream. The old leader may be elected again, and is then asked again.
func stepDown(t *testing.T, conn *client.Conn, js jetstream.JetStream, stream string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), electionPatience)
	defer cancel()
	before := leader(ctx, js, stream)
	for now := before; now == before || now == ""; now = leader(ctx, js, stream) {
		if now == before {
			_, err := conn.RequestWithContext(ctx, "$JS.API.STREAM.LEADER.STEPDOWN."+stream, nil)
			t.Logf("asking %s to give %s up: %v", before, stream, err)
		}
		if wait(ctx, time.Second); ctx.Err() != nil {
			t.Errorf("%s still leads %s", before, stream)
			return
		}
	}
}

// leader is the server that leads a stream, "" while there is none.
func leader(ctx context.Context, js jetstream.JetStream, stream string) string {
	at, err := js.Stream(ctx, stream)
	if err != nil {
		return ""
	}
	return at.CachedInfo().Cluster.Leader
}

// TestLaneStreamIsDeletedUnderReader ends a reader with what a person has to know, and no message counts as taken by retention.
func TestLaneStreamIsDeletedUnderReader(t *testing.T) {
	j := serve(t)
	js := j.admin(t)
	makeSource(t, js)
	b := connect(t, j.settings(routed))
	shard := shardOf(t, b, 1)
	send(t, js, source, texts(4)...)
	routes(t, shard, 4)
	lane, _ := owned(t, b, grant(1, 1))
	ended, read := make(chan error, 1), make(chan struct{})
	go func() {
		ended <- lane.Read(t.Context(), 0, func([]broker.Message) error { close(read); return nil })
	}()
	<-read
	if err := js.DeleteStream(t.Context(), laneStream); err != nil {
		t.Fatal(err)
	}
	lasting(t, <-ended, broker.CauseNotFound, "the stream convoy_shop_orders_lanes is gone, and with it what was routed and not completed")
	if _, err := lane.Fetch(t.Context(), 2); errors.Is(err, broker.ErrGone) || broker.KindOf(err) != broker.Permanent {
		t.Errorf("fetching: %v", err)
	}
}

// TestParkStreamIsDeleted says that what was parked is gone, whatever the owner does next.
func TestParkStreamIsDeleted(t *testing.T) {
	j := begun(t)
	lane, _ := parker(t, claimed(t, j.settings()), 1, "k")
	for _, step := range parkScript("k")[:3] {
		if err := step.do(t.Context(), lane); err != nil {
			t.Fatal(err)
		}
	}
	if err := j.admin(t).DeleteStream(t.Context(), "convoy_shop_orders_park"); err != nil {
		t.Fatal(err)
	}
	_, err := lane.ReadParked(t.Context(), "k", 0, 1)
	for doing, err := range map[string]error{
		"reading": err, "parking": lane.Park(t.Context(), "k", parkable(30)), "parking again": lane.Park(t.Context(), "k", parkable(30)),
		"removing": lane.Unpark(t.Context(), "k", 20, false), "marking": lane.MarkParked(t.Context(), broker.ParkedKey{Key: "k"}),
	} {
		t.Log(doing)
		lasting(t, err, broker.CauseNotFound, "the stream convoy_shop_orders_park is gone, and with it what was parked")
	}
}

// viaProxy are the settings of a pool that reaches the server through a proxy.
func viaProxy(p *proxy) func(*v1alpha1.WorkerSettings) {
	return func(s *v1alpha1.WorkerSettings) { s.Source.NATS.Servers = []string{"nats://" + p.address()} }
}

// TestServerIsSlow has the answers come when the router has given them up.
func TestServerIsSlow(t *testing.T) {
	j := serve(t)
	js := j.admin(t)
	makeSource(t, js)
	p := proxied(t, j.address())
	shard := shardOf(t, connect(t, j.settings(routed, viaProxy(p))), 1)
	send(t, js, source, texts(20)...)
	l := p.link()
	l.down.closeBefore(`"stream":"`+laneStream+`"`, 2)
	err := shard.Route(t.Context(), broker.Routing{Place: everywhere(all)})
	if broker.KindOf(err) != broker.Retryable || !strings.Contains(err.Error(), "no answer within 5s") {
		t.Errorf("routing: %v", err)
	}
	if err := l.down.release(l.client); err != nil {
		t.Fatal(err)
	}
	finishes(t, js, shard, 20)
	exactly(t, js, 20)
}

// TestSlowConsumer does not read what the server sends, until the server ends the connection.
func TestSlowConsumer(t *testing.T) {
	j := serve(t, func(o *server.Options) { o.WriteDeadline, o.MaxPayload = time.Second, 32<<20 })
	js := j.admin(t)
	makeSource(t, js)
	p := proxied(t, j.address())
	shard := shardOf(t, connect(t, j.settings(routed, viaProxy(p))), 1)
	send(t, js, source, texts(1)...)
	routes(t, shard, 1)
	large := make([]key.Message, 400)
	for i := range large {
		large[i].Data = make([]byte, 64<<10)
	}
	send(t, js, source, large...)
	l := p.link()
	if err := l.server.(*net.TCPConn).SetReadBuffer(4 << 10); err != nil {
		t.Fatal(err)
	}
	held := make(chan struct{})
	goOn := sync.OnceFunc(func() { close(held) })
	t.Cleanup(goOn)
	l.down.holdBefore("$JS.ACK."+source, held)
	end := background(t, shard, everywhere(all))
	until(t, "the server ends the connection", func() bool { return j.server.NumSlowConsumers() > 0 })
	goOn()
	shut(t, l.client)
	if err := end(); broker.KindOf(err) != broker.Retryable {
		t.Errorf("routing: %v", err)
	}
	finishes(t, js, shard, 401)
	exactly(t, js, 401)
}
