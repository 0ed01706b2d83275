// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package brokertest

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"time"

	"github.com/google/go-cmp/cmp"

	"convoy.dev/convoy/worker/broker"
	"convoy.dev/convoy/worker/drain"
	"convoy.dev/convoy/worker/order"
)

const shardKind = drain.Shard

// laneFor is the lane of a message of these checks: by its sequence, unevenly.
func (r *routes) laneFor(m *broker.Message) int32 {
	return int32((m.Sequence*m.Sequence + m.Sequence/3) % order.Sequence(r.Lanes))
}

// place sends each message to its lane.
func (r *routes) place(_ context.Context, messages []broker.Message, into []int32) ([]int32, error) {
	for i := range messages {
		into = append(into, r.laneFor(&messages[i]))
	}
	return into, nil
}

// route routes until so many messages are durable, in all calls on this router together.
func (o *testRouter) route(most int, place func(context.Context, []broker.Message, []int32) ([]int32, error)) {
	o.t.Helper()
	o.must("routing", func(ctx context.Context) error {
		if o.settled >= most {
			return nil
		}
		ctx, enough := context.WithCancel(ctx)
		defer enough()
		err := o.shard.Route(ctx, broker.Routing{Place: place, Settled: func(n int) {
			if o.settled += n; o.settled >= most {
				enough()
			}
		}})
		if o.settled >= most && errors.Is(err, context.Canceled) {
			return nil
		}
		return err
	})
}

// sends appends numbered messages to the source.
func (r *routes) sends(first, n int) { r.send(r.t, numbered(first, n)...) }

// lanesHave checks that the lanes have exactly the numbered messages from 0 on, each in its lane, in order. Numbers that are passed over are left out.
func (r *routes) lanesHave(n int, passed func(int) bool) {
	r.t.Helper()
	want := make([][]string, r.Lanes)
	for i := range n {
		if passed == nil || !passed(i) {
			lane := r.laneFor(&broker.Message{Sequence: order.Sequence(i + 1)})
			want[lane] = append(want[lane], fmt.Sprint(i))
		}
	}
	for lane := range r.Lanes {
		o := r.own(lane, 1)
		got := o.read(len(want[lane]))
		r.same(fmt.Sprintf("lane %d", lane), data(got), want[lane])
		for i := range got {
			if fmt.Sprint(got[i].Sequence-1) != string(got[i].Data) {
				r.t.Errorf("message %s of lane %d has the sequence %d", got[i].Data, lane, got[i].Sequence)
			}
		}
		r.nothingMore(o)
		o.flush(true)
	}
}

// nothingMore checks that a lane has no message behind what its owner has read.
func (r *routes) nothingMore(o *owner) {
	r.t.Helper()
	ctx, enough := context.WithTimeout(r.t.Context(), 50*time.Millisecond)
	defer enough()
	err := o.lane.Read(ctx, o.after, func(batch []broker.Message) error {
		return &broker.PermanentError{Err: fmt.Errorf("message %s at %d", batch[0].Data, batch[0].Position)}
	})
	if err == nil || broker.KindOf(err) == broker.Permanent {
		r.t.Errorf("lane %d has more: %v", o.number, err)
	}
}

func (r *routes) inOrder() {
	messages := numbered(0, 300)
	messages[7].Headers = map[string][]string{
		"Trace": {"a", "b"}, "convoy-Routed": {"x"}, "Nats-Msg-Id": {"id"}, "nats-rollup": {"all"}, "Convoy-Kept-A": {"y"}, "Status": {"404"},
	}
	messages[8].Data = nil
	r.send(r.t, messages...)
	o := r.router(1)
	o.route(300, func(ctx context.Context, messages []broker.Message, into []int32) ([]int32, error) {
		for i := range messages {
			if messages[i].Sequence == 8 {
				messages[i].Trace = "of 8"
			}
		}
		return r.place(ctx, messages, into)
	})
	lane := r.laneFor(&broker.Message{Sequence: 8})
	got := r.own(lane, 1).read(8)
	at := slices.IndexFunc(got, func(m broker.Message) bool { return m.Sequence == 8 })
	if at < 0 || !cmp.Equal(got[at].Headers, messages[7].Headers) {
		r.t.Errorf("message 8 among %+v, want the headers %v", got, messages[7].Headers)
	}
	for i := range got {
		if traced := got[i].Trace == "of 8"; traced != (i == at) || !traced && got[i].Trace != "" {
			r.t.Errorf("message %d has the trace %q", got[i].Sequence, got[i].Trace)
		}
	}
	messages[8].Data = []byte("8")
	empty := r.own(r.laneFor(&broker.Message{Sequence: 9}), 2).read(8)
	at = slices.IndexFunc(empty, func(m broker.Message) bool { return m.Sequence == 9 })
	if at < 0 || len(empty[at].Data) > 0 || len(empty[at].Headers) > 0 {
		r.t.Errorf("message 9 among %+v, want it empty", empty)
	}
}

func (r *routes) passes() {
	odd := func(i int) bool { return i%2 == 1 || i >= 40 }
	r.sends(0, 50)
	met := map[order.Sequence]int{}
	place := func(_ context.Context, messages []broker.Message, into []int32) ([]int32, error) {
		for i := range messages {
			met[messages[i].Sequence]++
			if odd(int(messages[i].Sequence) - 1) {
				into = append(into, broker.Pass)
			} else {
				into = append(into, r.laneFor(&messages[i]))
			}
		}
		return into, nil
	}
	r.passedAll(1, place)
	if len(met) != 50 {
		r.t.Errorf("met %d messages", len(met))
	}
	// Those at the end were passed over, and nothing came into a lane behind them: the next router must know all the same.
	clear(met)
	r.sends(50, 3)
	o := r.router(2)
	o.route(3, func(ctx context.Context, messages []broker.Message, into []int32) ([]int32, error) {
		for i := range messages {
			met[messages[i].Sequence]++
		}
		return r.place(ctx, messages, into)
	})
	if _, again := met[50]; again || len(met) != 3 {
		r.t.Errorf("the next router met %v", met)
	}
	r.lanesHave(53, func(i int) bool { return i < 50 && odd(i) })
}

// passedAll routes until the backlog of the shard is zero.
func (r *routes) passedAll(epoch int64, place func(context.Context, []broker.Message, []int32) ([]int32, error)) {
	r.t.Helper()
	ctx, enough := context.WithTimeout(r.t.Context(), patience)
	defer enough()
	var routed sync.WaitGroup
	o, connection := r.router(epoch), r.connect()
	routed.Go(func() {
		if err := o.shard.Route(ctx, broker.Routing{Place: place}); !errors.Is(err, context.Canceled) {
			r.t.Errorf("routing: %v", err)
		}
	})
	for {
		backlog, err := connection.Sample(ctx)
		if err == nil && backlog.Shards[0] == 0 || !pause(ctx, 20*time.Millisecond) {
			break
		}
	}
	enough()
	routed.Wait()
}

func (r *routes) noRoom() {
	r.sends(0, 100)
	o := r.router(1)
	asked := 0
	o.route(100, func(ctx context.Context, messages []broker.Message, into []int32) ([]int32, error) {
		if asked++; asked%3 == 0 {
			return into, nil
		}
		return r.place(ctx, messages[:min(len(messages), 1+20*(asked%2))], into)
	})
	r.lanesHave(100, nil)
}

func (r *routes) placeEnds() {
	r.sends(0, 10)
	own := errors.New("of the test")
	o := r.router(1)
	err := o.shard.Route(r.t.Context(), broker.Routing{Place: func(context.Context, []broker.Message, []int32) ([]int32, error) { return nil, own }})
	if !errors.Is(err, own) {
		r.t.Errorf("routing: %v, want %v", err, own)
	}
	o.route(10, r.place)
	r.lanesHave(10, nil)
}

func (r *routes) goesOn() {
	r.sends(0, 60)
	a := r.router(1)
	a.route(60, r.place)
	r.sends(60, 40)
	b := r.router(2)
	b.route(40, r.place)
	r.lanesHave(100, nil)
}

func (r *routes) superseded() {
	r.sends(0, 50)
	a := r.router(1)
	a.route(50, r.place)
	// a routes on while the next one takes over, which it does when it has something to route.
	ended := make(chan error, 1)
	go func() {
		err := a.shard.Route(r.t.Context(), broker.Routing{Place: r.place})
		for broker.KindOf(err) == broker.Retryable && pause(r.t.Context(), time.Millisecond) {
			err = a.shard.Route(r.t.Context(), broker.Routing{Place: r.place})
		}
		ended <- err
	}()
	b := r.router(2)
	took := make(chan struct{})
	go func() {
		defer close(took)
		b.route(1, r.place)
	}()
	sent := 50
	for over := false; !over; {
		r.sends(sent, 10)
		sent += 10
		select {
		case <-took:
			over = true
		default:
			over = !pause(r.t.Context(), 20*time.Millisecond)
		}
	}
	r.sends(sent, 50)
	r.fenced("routing", <-ended)
	r.passedAll(3, r.place)
	r.lanesHave(sent+50, nil)
}

// storm has routers of rising epochs, each of which ends in the middle of its work without a word, and whose predecessors go
// on meanwhile.
func (r *routes) storm() {
	const n = 2000
	seed := rand.Uint64()
	r.t.Logf("seed %d", seed)
	random := rand.New(rand.NewPCG(seed, 0))
	var zombies sync.WaitGroup
	ctx, enough := context.WithCancel(r.t.Context())
	defer enough()
	for epoch, sent := int64(1), 0; sent < n; epoch++ {
		more := min(n-sent, 50+random.IntN(200))
		r.sends(sent, more)
		sent += more
		o := r.router(epoch)
		zombies.Go(func() {
			for ctx.Err() == nil {
				err := o.shard.Route(ctx, broker.Routing{Place: r.place})
				if broker.KindOf(err) != broker.Retryable {
					return
				}
				pause(ctx, time.Millisecond)
			}
		})
		pause(ctx, time.Duration(random.IntN(20))*time.Millisecond)
	}
	r.passedAll(1<<20, r.place)
	enough()
	zombies.Wait()
	r.lanesHave(n, nil)
}

func (r *routes) restarts() {
	r.sends(0, 200)
	a := r.router(1)
	a.route(50, r.place)
	ctx, enough := context.WithCancel(r.t.Context())
	defer enough()
	var routed sync.WaitGroup
	routed.Go(func() {
		for ctx.Err() == nil {
			if err := a.shard.Route(ctx, broker.Routing{Place: r.place}); broker.KindOf(err) != broker.Retryable {
				r.t.Errorf("routing: %v", err)
				return
			}
		}
	})
	r.Restart(r.t)
	r.sends(200, 5)
	enough()
	routed.Wait()
	r.Restart(r.t)
	r.sends(205, 5)
	r.passedAll(2, r.place)
	r.lanesHave(210, nil)
}

// completed completes and flushes everything, so that an adapter removes what it removes, again and again.
func (r *routes) completed() {
	want := 0
	for epoch := int64(1); epoch <= 4; epoch++ {
		r.sends(want, 80)
		r.passedAll(epoch, r.place)
		before := want
		want += 80
		for lane := range r.Lanes {
			var texts []string
			for i := before; i < want; i++ {
				if r.laneFor(&broker.Message{Sequence: order.Sequence(i + 1)}) == lane {
					texts = append(texts, fmt.Sprint(i))
				}
			}
			o := r.own(lane, epoch)
			r.same(fmt.Sprintf("lane %d for epoch %d", lane, epoch), data(o.read(len(texts))), texts)
			r.nothingMore(o)
			o.complete(o.taken...)
			o.flush(true)
		}
		if epoch%2 == 0 {
			r.Restart(r.t)
		}
	}
}

func (r *routes) backlog() {
	connection := r.connect()
	shows := func(lanes, shard int64) {
		r.t.Helper()
		var got broker.Backlog
		r.must("sampling", func(ctx context.Context) (err error) {
			got, err = connection.Sample(ctx)
			return err
		})
		sum := int64(0)
		for _, n := range got.Lanes {
			sum += n
		}
		if sum != lanes || len(got.Shards) != 1 || got.Shards[0] != shard {
			r.t.Errorf("the backlog is %v, want %d in lanes and %d unrouted", got, lanes, shard)
		}
	}
	r.sends(0, 30)
	shows(0, 30)
	o := r.router(1)
	o.route(30, r.place)
	shows(30, 0)
	r.sends(30, 5)
	shows(30, 5)
	lane := r.own(1, 1)
	lane.complete(lane.read(3)...)
	lane.flush(false)
	shows(27, 5)
	var fill broker.Fill
	r.must("measuring", func(ctx context.Context) (err error) {
		fill, err = o.shard.Measure(ctx)
		return err
	})
	sum := int64(0)
	for _, n := range fill.Lanes {
		sum += n
	}
	if sum != 27 || fill.Bytes == 0 {
		r.t.Errorf("the fill is %+v, want 27 messages", fill)
	}
}

func (r *routes) records() {
	connection := r.connect()
	shard := grantOf(0, 5)
	shard.Kind = shardKind
	if _, err := connection.OpenShard(r.t.Context(), shard); err != nil {
		r.t.Fatal(err)
	}
	if _, err := connection.Open(r.t.Context(), grantOf(0, 2)); err != nil {
		r.t.Errorf("the shard's record stands against a lane: %v", err)
	}
	lower := grantOf(0, 4)
	lower.Kind = shardKind
	_, err := connection.OpenShard(r.t.Context(), lower)
	r.refused(err, token(5), false)
	unconfirmed, err := connection.Confirm(r.t.Context(), []broker.Grant{shard, lower, grantOf(0, 2)})
	if err != nil || len(unconfirmed) != 1 || unconfirmed[0].Kind != shardKind || unconfirmed[0].Token != lower.Token || unconfirmed[0].Record != token(5) {
		r.t.Errorf("confirming: %+v, %v; want the shard at epoch 4 alone", unconfirmed, err)
	}
}
