// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package nats_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go/jetstream"

	"convoy.dev/convoy/api/v1alpha1"
	"convoy.dev/convoy/worker/broker"
	"convoy.dev/convoy/worker/broker/nats"
	"convoy.dev/convoy/worker/drain"
	"convoy.dev/convoy/worker/key"
)

// shardGrant is the shard for an epoch.
func shardGrant(epoch int64) broker.Grant {
	return broker.Grant{Kind: drain.Shard, Token: drain.Token{Epoch: epoch, Incarnation: 1}, Worker: fmt.Sprint("router-", epoch)}
}

// shardOf opens the shard.
func shardOf(t *testing.T, b *nats.Broker, epoch int64) broker.Shard {
	t.Helper()
	var shard broker.Shard
	err := insist(t, func(ctx context.Context) (err error) {
		if err := b.Claim(ctx, claim); err != nil {
			return err
		}
		shard, err = b.OpenShard(ctx, shardGrant(epoch))
		return err
	})
	if err != nil {
		t.Fatalf("opening the shard: %v", err)
	}
	return shard
}

// everywhere places messages in the lanes in turn, but no more than so many in all.
func everywhere(most int) func(context.Context, []broker.Message, []int32) ([]int32, error) {
	return func(_ context.Context, messages []broker.Message, into []int32) ([]int32, error) {
		for i := range messages[:min(len(messages), most)] {
			into = append(into, int32(messages[i].Sequence%lanes))
			most--
		}
		return into, nil
	}
}

// all is more messages than any test has.
const all = 1 << 30

// routes has messages routed until so many more are durable.
func routes(t *testing.T, shard broker.Shard, n int) {
	t.Helper()
	err := insist(t, func(ctx context.Context) error {
		ctx, enough := context.WithCancel(ctx)
		defer enough()
		err := shard.Route(ctx, broker.Routing{Place: everywhere(all), Settled: func(settled int) {
			if n -= settled; n <= 0 {
				enough()
			}
		}})
		if n <= 0 && errors.Is(err, context.Canceled) {
			return nil
		}
		return err
	})
	if err != nil {
		t.Fatalf("routing: %v", err)
	}
}

// background routes until the test or the caller ends it, and hands over what ended it.
func background(t *testing.T, shard broker.Shard, place func(context.Context, []broker.Message, []int32) ([]int32, error)) (end func() error) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- shard.Route(ctx, broker.Routing{Place: place}) }()
	return func() error {
		cancel()
		return <-ended
	}
}

// inLanes are the sequences of the source that the lane stream has, in the order of the stream.
func inLanes(t *testing.T, js jetstream.JetStream) []int {
	t.Helper()
	stream, err := js.Stream(t.Context(), laneStream)
	if err != nil {
		t.Fatal(err)
	}
	var found []int
	for at := uint64(1); at <= stream.CachedInfo().State.LastSeq; at++ {
		m, err := stream.GetMsg(t.Context(), at)
		if errors.Is(err, jetstream.ErrMsgNotFound) {
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		if strings.HasPrefix(m.Subject, "convoy.shop.orders.lane.") {
			var epoch, incarnation, sequence int
			if _, err := fmt.Sscanf(m.Header.Get("Convoy-Routed"), "%d.%d.%d", &epoch, &incarnation, &sequence); err != nil {
				t.Fatalf("message %d: %v", at, err)
			}
			found = append(found, sequence)
		}
	}
	return found
}

// exactly checks that the lanes have the messages of the source from 1 to n, each once and in order.
func exactly(t *testing.T, js jetstream.JetStream, n int) {
	t.Helper()
	want := make([]int, n)
	for i := range want {
		want[i] = i + 1
	}
	if got := inLanes(t, js); !slices.Equal(got, want) {
		t.Errorf("the lanes have %v, want 1 to %d", got, n)
	}
}

// keepsRouting routes until the caller ends it. A router that fails is followed by another, as in a worker.
func keepsRouting(t *testing.T, shard broker.Shard) (end func()) {
	t.Helper()
	ctx, enough := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() {
		for {
			err := shard.Route(ctx, broker.Routing{Place: everywhere(all)})
			if ctx.Err() != nil || broker.KindOf(err) != broker.Retryable {
				ended <- err
				return
			}
			wait(ctx, 20*time.Millisecond)
		}
	}()
	return func() {
		enough()
		if err := <-ended; broker.KindOf(err) != broker.Retryable {
			t.Errorf("routing: %v", err)
		}
	}
}

// finishes routes until the lanes have n messages, some of which may still be on their way to them.
func finishes(t *testing.T, js jetstream.JetStream, shard broker.Shard, n int) {
	t.Helper()
	end := keepsRouting(t, shard)
	until(t, "the lanes have all", func() bool { return len(inLanes(t, js)) >= n })
	end()
}

// texts are n messages.
func texts(n int) []key.Message {
	all := make([]key.Message, n)
	for i := range all {
		all[i].Data = fmt.Append(nil, i)
	}
	return all
}

// count counts a text in what is kept.
func (g *gate) count(text string) int {
	g.mu.Lock()
	defer g.mu.Unlock()
	return bytes.Count(g.kept, []byte(text))
}

// TestLateMessagesOfRouter has a router that is cut off with messages on their way, which come when its successor has routed
// some, but not all, of the same messages: each of the late ones then expects a place that the stream has yet to reach, or
// has reached.
func TestLateMessagesOfRouter(t *testing.T) {
	const late = 20
	for already := range late + 2 {
		j := serve(t)
		js := j.admin(t)
		makeSource(t, js)
		p := proxied(t, j.address())
		cut := connect(t, j.settings(routed, func(s *v1alpha1.WorkerSettings) {
			s.Source.NATS.Servers = []string{"nats://" + p.address()}
		}))
		old := shardOf(t, cut, 1)
		send(t, js, source, texts(1)...)
		routes(t, old, 1)
		// It is held up with the first until all have come, so that it sends many at once.
		first, come := make(chan struct{}), make(chan struct{})
		end := background(t, old, func(ctx context.Context, messages []broker.Message, into []int32) ([]int32, error) {
			if messages[0].Sequence == 2 {
				close(first)
				<-come
			}
			return everywhere(all)(ctx, messages, into)
		})
		send(t, js, source, texts(1)...)
		<-first
		p.link().up.closeBefore("Convoy-Routed", 1)
		send(t, js, source, texts(late-1)...)
		until(t, "the old router has all messages", func() bool { return delivered(t, js) == late+1 })
		if _, err := cut.Sample(t.Context()); err != nil { // Its answer comes behind the messages.
			t.Fatal(err)
		}
		close(come)
		until(t, "its messages are on their way", func() bool { return p.link().up.count("Convoy-Routed") == late })

		next := shardOf(t, connect(t, j.settings(routed)), 2)
		stop := background(t, next, everywhere(already))
		until(t, "the new router has routed some", func() bool { return len(inLanes(t, js)) == min(1+already, 1+late) })
		if err := p.link().up.release(p.link().server); err != nil {
			t.Fatal(err)
		}
		if err := end(); broker.KindOf(err) == broker.Permanent {
			t.Errorf("the old router ended with %v", err)
		}
		if err := stop(); !errors.Is(err, context.Canceled) && broker.KindOf(err) != broker.Retryable {
			t.Errorf("the new router ended with %v", err)
		}
		send(t, js, source, texts(1)...)
		finishes(t, js, next, late+2)
		exactly(t, js, late+2)
	}
}

// delivered is the sequence of the newest message that a consumer of the source was sent.
func delivered(t *testing.T, js jetstream.JetStream) (newest uint64) {
	t.Helper()
	for _, info := range consumers(t, js) {
		newest = max(newest, info.Delivered.Stream)
	}
	return newest
}

// TestRouterIsCutOff cuts the connection of a router before each of its writes, and before each answer to one.
func TestRouterIsCutOff(t *testing.T) {
	const n = 6
	for _, answers := range []bool{false, true} {
		for cut := 1; cut <= n+1; cut++ {
			j := serve(t)
			js := j.admin(t)
			makeSource(t, js)
			p := proxied(t, j.address())
			shard := shardOf(t, connect(t, j.settings(routed, func(s *v1alpha1.WorkerSettings) {
				s.Source.NATS.Servers = []string{"nats://" + p.address()}
			})), 1)
			send(t, js, source, texts(n)...)
			l := p.link()
			gate := &l.up
			if answers {
				gate = &l.down
				gate.closeBefore(`"stream":"`+laneStream+`"`, cut)
			} else {
				gate.closeBefore("Convoy-Routed", cut)
			}
			end := background(t, shard, everywhere(all))
			until(t, "something is kept", gate.keeps)
			shut(t, l.client)
			shut(t, l.server)
			if err := end(); broker.KindOf(err) == broker.Permanent {
				t.Errorf("cut before write %d, answers: %v: %v", cut, answers, err)
			}
			send(t, js, source, texts(1)...)
			finishes(t, js, shard, n+1)
			exactly(t, js, n+1)
		}
	}
}

// lasting checks that an error is Permanent, has a cause and says something.
func lasting(t *testing.T, err error, cause broker.Cause, says string) {
	t.Helper()
	var p *broker.PermanentError
	if !errors.As(err, &p) || p.Cause != cause || !strings.Contains(err.Error(), says) {
		t.Errorf("the error is %v, want a Permanent one (cause %d) that says %q", err, cause, says)
	}
}

// TestLaneStreamIsLost tells what was lost, and never begins with another stream in silence.
func TestLaneStreamIsLost(t *testing.T) {
	j := serve(t)
	js := j.admin(t)
	makeSource(t, js)
	b := connect(t, j.settings(routed))
	shard := shardOf(t, b, 1)
	send(t, js, source, texts(10)...)
	end := background(t, shard, everywhere(all))
	until(t, "all is routed", func() bool { return len(inLanes(t, js)) == 10 })
	stream, err := js.Stream(t.Context(), laneStream)
	if err != nil {
		t.Fatal(err)
	}
	config := stream.CachedInfo().Config
	if err := js.DeleteStream(t.Context(), laneStream); err != nil {
		t.Fatal(err)
	}
	send(t, js, source, texts(1)...)
	if err := end(); broker.KindOf(err) == broker.Permanent {
		t.Errorf("routing to a stream that is not there: %v, want it Retryable: a leader may be elected", err)
	}
	lasting(t, shard.Route(t.Context(), broker.Routing{Place: everywhere(all)}), broker.CauseNotFound, "is gone")
	lasting(t, connect(t, j.settings(routed)).Claim(t.Context(), claim), broker.CauseNotFound, "is gone")
	if _, err := js.CreateStream(t.Context(), config); err != nil {
		t.Fatal(err)
	}
	lasting(t, shard.Route(t.Context(), broker.Routing{Place: everywhere(all)}), broker.CauseOther, "was made anew")
	lane, err := b.Open(t.Context(), grant(1, 1))
	if err != nil {
		t.Fatal(err)
	}
	_, err = lane.Load(t.Context())
	lasting(t, err, broker.CauseOther, "was made anew")
}

// TestLastMessageIsDeleted finds that nothing says any more how far routing came.
func TestLastMessageIsDeleted(t *testing.T) {
	j := serve(t)
	js := j.admin(t)
	makeSource(t, js)
	b := connect(t, j.settings(routed))
	shard := shardOf(t, b, 1)
	send(t, js, source, texts(3)...)
	routes(t, shard, 3)
	stream, err := js.Stream(t.Context(), laneStream)
	if err != nil {
		t.Fatal(err)
	}
	if err := stream.Purge(t.Context()); err != nil {
		t.Fatal(err)
	}
	lasting(t, shard.Route(t.Context(), broker.Routing{Place: everywhere(all)}), broker.CauseOther, "was deleted")
	if _, err := b.Sample(t.Context()); err == nil {
		t.Error("the backlog was counted")
	}
}

// TestForeignMessage stops at a message that no router wrote, and goes on once it is removed.
func TestForeignMessage(t *testing.T) {
	j := serve(t)
	js := j.admin(t)
	makeSource(t, js)
	b := connect(t, j.settings(routed))
	shard := shardOf(t, b, 1)
	send(t, js, source, texts(4)...)
	routes(t, shard, 4)
	ack, err := js.Publish(t.Context(), "convoy.shop.orders.lane.1", []byte("x"))
	if err != nil {
		t.Fatal(err)
	}
	lasting(t, shard.Route(t.Context(), broker.Routing{Place: everywhere(all)}), broker.CauseOther, "not as routing writes it")
	lane, _ := owned(t, b, grant(1, 1))
	err = lane.Read(t.Context(), 0, func([]broker.Message) error { return nil })
	lasting(t, err, broker.CauseOther, fmt.Sprintf("reading message %d", ack.Sequence))
	remove(t, js, ack.Sequence)
	send(t, js, source, texts(4)...)
	routes(t, shard, 4)
	if got := len(reads(t, lane, 2)); got != 2 {
		t.Errorf("the lane has %d messages, want 2", got)
	}
}

// remove removes a message of the lane stream by hand.
func remove(t *testing.T, js jetstream.JetStream, sequence uint64) {
	t.Helper()
	stream, err := js.Stream(t.Context(), laneStream)
	if err != nil {
		t.Fatal(err)
	}
	if err := stream.DeleteMsg(t.Context(), sequence); err != nil {
		t.Fatal(err)
	}
}

// TestLastRoutedMessageIsRemoved routes it again, unless a lane has taken it.
func TestLastRoutedMessageIsRemoved(t *testing.T) {
	j := serve(t)
	js := j.admin(t)
	makeSource(t, js)
	b := connect(t, j.settings(routed))
	shard := shardOf(t, b, 1)
	send(t, js, source, texts(5)...)
	routes(t, shard, 5)
	remove(t, js, 6) // The first message is the router's own.
	routes(t, shard, 1)
	lane, _ := owned(t, b, grant(1, 1))
	last := reads(t, lane, 2)[1].Position
	flush(t, lane, last, false)
	remove(t, js, uint64(last))
	lasting(t, shard.Route(t.Context(), broker.Routing{Place: everywhere(all)}), broker.CauseOther, "was deleted, which says how far")
}

// TestStoreIsFull waits for room, and loses nothing.
func TestStoreIsFull(t *testing.T) {
	j := serve(t)
	js := j.admin(t)
	makeSource(t, js)
	s := j.settings(routed)
	s.Lanes.Routed.Store.MaxBytes = new(int64(1 << 20))
	b := connect(t, s)
	shard := shardOf(t, b, 1)
	large := make([]key.Message, 40)
	for i := range large {
		large[i].Data = make([]byte, 64<<10)
	}
	send(t, js, source, large...)
	err := shard.Route(t.Context(), broker.Routing{Place: everywhere(all)})
	if !errors.Is(err, broker.ErrStoreFull) || broker.KindOf(err) != broker.Retryable {
		t.Fatalf("routing: %v, want %v", err, broker.ErrStoreFull)
	}
	fill, err := shard.Measure(t.Context())
	if err != nil || fill.Limit != 1<<20 || fill.Bytes < 1<<19 || fill.Bytes > fill.Limit {
		t.Errorf("the fill is %+v, %v", fill, err)
	}
	routed := len(inLanes(t, js))
	if routed < 5 || routed > 16 {
		t.Fatalf("%d messages are routed", routed)
	}
	stream, err := js.Stream(t.Context(), laneStream)
	if err != nil {
		t.Fatal(err)
	}
	for lane := range lanes {
		if err := stream.Purge(t.Context(), jetstream.WithPurgeSubject(fmt.Sprint("convoy.shop.orders.lane.", lane)), jetstream.WithPurgeKeep(1)); err != nil {
			t.Fatal(err)
		}
	}
	routes(t, shard, 5)
	if got := inLanes(t, js); got[len(got)-1] < routed+5 || !slices.IsSorted(got) {
		t.Errorf("%v are routed", got)
	}
}

// TestRouterIsDenied names the lane that the pool's user may not publish to.
func TestRouterIsDenied(t *testing.T) {
	_, b := allowedFor(t, documented(t), routed, func(p *server.Permissions) {
		p.Publish.Deny = []string{"convoy.shop.orders.lane.*"}
	})
	shard := shardOf(t, b, 1)
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	lasting(t, shard.Route(ctx, broker.Routing{Place: everywhere(all)}), broker.CauseDenied, "convoy.shop.orders.lane.")
}
