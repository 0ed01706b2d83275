// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package nats_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"convoy.dev/convoy/api/v1alpha1"
	"convoy.dev/convoy/worker/broker"
	"convoy.dev/convoy/worker/broker/nats"
	"convoy.dev/convoy/worker/order"
)

// electionPatience bounds the wait for leaders, whom a cluster elects in some seconds, or in many on a busy machine.
const electionPatience = 3 * time.Minute

// divided is a cluster whose servers talk to each other through proxies: each has one to every other.
type divided struct {
	*cluster
	between map[[2]int]*proxy
}

func serveDivided(t *testing.T) *divided {
	t.Helper()
	d := &divided{newCluster(t), map[[2]int]*proxy{}}
	for i, j := range d.servers {
		j.options.Cluster.NoAdvertise = true
		j.options.Cluster.Advertise = "127.0.0.1:1" // Nobody: servers must not tell each other how to get around the proxies.
		for k, other := range d.servers {
			if k == i {
				continue
			}
			p := proxied(t, other.routes())
			d.between[[2]int{i, k}] = p
			j.options.Routes = append(j.options.Routes, route(p.address()))
		}
	}
	d.start(t)
	return d
}

// around are the proxies between one server and the others.
func (d *divided) around(server int) []*proxy {
	var all []*proxy
	for pair, p := range d.between {
		if slices.Contains(pair[:], server) {
			all = append(all, p)
		}
	}
	return all
}

// elected makes a call again until there are leaders who answer it.
func elected(t *testing.T, doing string, call func(context.Context) error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), electionPatience)
	defer cancel()
	for {
		once, end := context.WithTimeout(ctx, 3*time.Second)
		err := call(once)
		end()
		if err == nil {
			return
		}
		if ctx.Err() != nil {
			t.Fatalf("%s: %v", doing, err)
		}
		wait(ctx, 50*time.Millisecond)
	}
}

// zombie is a worker that is on the wrong side. It asks for its lane all the time, and tries to write for it.
type zombie struct {
	t    *testing.T
	b    *nats.Broker
	lane broker.Lane
	// cut and opened are set once its server is cut off, and once the next owner has opened the lane.
	cut, opened atomic.Bool
	// asked counts questions that began after that.
	asked atomic.Int64
}

// haunt runs until ctx ends.
func (z *zombie) haunt(ctx context.Context) {
	for ctx.Err() == nil {
		cut, opened := z.cut.Load(), z.opened.Load()
		once, end := context.WithTimeout(ctx, 2*time.Second)
		unconfirmed, err := z.b.Confirm(once, []broker.Grant{grant(1, 1)})
		if err == nil && len(unconfirmed) == 0 && cut {
			z.t.Errorf("a server that is cut off has confirmed a lane; the next owner had opened it: %v", opened)
		}
		end()
		if opened {
			z.asked.Add(1)
			once, end := context.WithTimeout(ctx, 100*time.Millisecond)
			if err := z.lane.Flush(once, &order.Progress{LowWater: 999, Taken: 999}, true); err == nil {
				z.t.Error("a server that is cut off has taken progress")
			}
			end()
		}
		wait(ctx, 20*time.Millisecond)
	}
}

// partition is a pool with two workers, each at its side of a cluster that is about to be divided.
type partition struct {
	*divided
	t *testing.T
	// alone is the server that will be: the leader of the pool's records. majority is a client of the others.
	alone    int
	majority jetstream.JetStream
	zombie   *zombie
	next     *nats.Broker
	// lane is that of the next owner.
	lane broker.Lane
}

// TestPartition cuts the leader of the pool's records off from the other servers, together with a worker that holds a lane.
// The leader does not know that it is deposed, and still has the worker's record; but it cannot confirm it. So the worker's
// hold runs out, while the next owner opens the lane and goes on at the other side. What the worker wrote meanwhile never
// counts, also when the servers are together again.
func TestPartition(t *testing.T) {
	p := &partition{t: t, divided: serveDivided(t)}
	p.prepare()
	p.publish("a", "b", "c")
	p.begin()
	for _, between := range p.around(p.alone) {
		between.part()
	}
	p.zombie.cut.Store(true)
	haunting, release := context.WithCancel(t.Context())
	ended := make(chan struct{})
	go func() { defer close(ended); p.zombie.haunt(haunting) }()
	p.takeOver()
	elected(t, "asking in vain", func(context.Context) error {
		if n := p.zombie.asked.Load(); n < 3 {
			return fmt.Errorf("the zombie has asked %d times", n)
		}
		return nil
	})
	release()
	<-ended
	for _, between := range p.around(p.alone) {
		between.join()
	}
	p.together()
}

// at are the settings of a worker that knows these servers.
func (p *partition) at(servers ...int) *v1alpha1.WorkerSettings {
	return p.servers[0].settings(func(s *v1alpha1.WorkerSettings) {
		s.Source.NATS.Servers = nil
		for _, i := range servers {
			s.Source.NATS.Servers = append(s.Source.NATS.Servers, "nats://"+p.servers[i].address())
		}
	})
}

// prepare makes the source, finds out where the leader is, and connects the workers accordingly.
func (p *partition) prepare() {
	p.t.Helper()
	js := p.servers[0].admin(p.t)
	elected(p.t, "making the source", func(ctx context.Context) error {
		_, err := js.CreateOrUpdateStream(ctx, jetstream.StreamConfig{Name: source, Subjects: []string{"orders.>"}, Replicas: replicas, AllowDirect: true})
		return err
	})
	first := connect(p.t, p.at(0, 1, 2))
	elected(p.t, "claiming", func(ctx context.Context) error { return first.Claim(ctx, claim) })
	elected(p.t, "finding the leader", func(ctx context.Context) error {
		stream, err := js.Stream(ctx, stateStream)
		if err != nil {
			return err
		}
		_, err = fmt.Sscanf(stream.CachedInfo().Cluster.Leader, "server-%d", &p.alone)
		return err
	})
	others := slices.DeleteFunc([]int{0, 1, 2}, func(i int) bool { return i == p.alone })
	p.zombie, p.next = &zombie{t: p.t, b: connect(p.t, p.at(p.alone))}, connect(p.t, p.at(others...))
	p.majority = p.servers[others[0]].admin(p.t)
	for _, b := range []*nats.Broker{p.zombie.b, p.next} {
		elected(p.t, "claiming", func(ctx context.Context) error { return b.Claim(ctx, claim) })
	}
}

// publish appends to lane 1, at the side of the majority.
func (p *partition) publish(texts ...string) {
	p.t.Helper()
	for _, text := range texts {
		elected(p.t, "publishing", func(ctx context.Context) error {
			_, err := p.majority.Publish(ctx, "orders.1", []byte(text), jetstream.WithMsgID(text))
			return err
		})
	}
}

// begin lets the worker that will be a zombie own the lane, and complete its first message.
func (p *partition) begin() {
	p.t.Helper()
	z := p.zombie
	elected(p.t, "opening", func(ctx context.Context) (err error) { z.lane, err = z.b.Open(ctx, grant(1, 1)); return err })
	elected(p.t, "loading", func(ctx context.Context) error { _, err := z.lane.Load(ctx); return err })
	elected(p.t, "flushing", func(ctx context.Context) error {
		return z.lane.Flush(ctx, &order.Progress{LowWater: 1, Taken: 1}, false)
	})
	elected(p.t, "confirming", func(ctx context.Context) error { _, err := z.b.Confirm(ctx, []broker.Grant{grant(1, 1)}); return err })
}

// takeOver lets the next owner open the lane and go on.
func (p *partition) takeOver() {
	p.t.Helper()
	var opening order.Opening
	elected(p.t, "opening at the other side", func(ctx context.Context) (err error) { p.lane, err = p.next.Open(ctx, grant(1, 2)); return err })
	p.zombie.opened.Store(true)
	elected(p.t, "loading at the other side", func(ctx context.Context) (err error) { opening, err = p.lane.Load(ctx); return err })
	if !opening.Crashed || opening.Progress.LowWater != 1 {
		p.t.Errorf("the next owner finds %+v", opening)
	}
	p.publish("d")
	for i, message := range reads(p.t, p.lane, 4) {
		if want := string("abcd"[i]); string(message.Data) != want {
			p.t.Errorf("the next owner reads %s, want %s", message.Data, want)
		}
	}
	elected(p.t, "flushing at the other side", func(ctx context.Context) error {
		return p.lane.Flush(ctx, &order.Progress{LowWater: 4, Taken: 4}, false)
	})
	stale, err := dialled(p.t, p.servers[p.alone]).Request("$JS.API.DIRECT.GET."+stateStream+".convoy.shop.orders.epoch.1", nil, patience)
	if err != nil || !strings.Contains(string(stale.Data), `"epoch":1,`) {
		p.t.Errorf("the server that is cut off has %v: %v; without the old record this test shows nothing", stale, err)
	}
}

// together looks, once the servers talk to each other again, whose words count.
func (p *partition) together() {
	p.t.Helper()
	elected(p.t, "learning of the next owner", func(ctx context.Context) error {
		unconfirmed, err := p.zombie.b.Confirm(ctx, []broker.Grant{grant(1, 1)})
		if err == nil && (len(unconfirmed) != 1 || unconfirmed[0].Record.Epoch != 2) {
			p.t.Errorf("not confirmed are %v", unconfirmed)
		}
		return err
	})
	elected(p.t, "going on", func(ctx context.Context) error {
		unconfirmed, err := p.next.Confirm(ctx, []broker.Grant{grant(1, 2)})
		if len(unconfirmed) > 0 {
			p.t.Errorf("the next owner is not confirmed: %v", unconfirmed)
		}
		return err
	})
	elected(p.t, "flushing the last word", func(ctx context.Context) error {
		return p.lane.Flush(ctx, &order.Progress{LowWater: 4, Taken: 4}, true)
	})
	var lane broker.Lane
	var opening order.Opening
	elected(p.t, "opening once more", func(ctx context.Context) (err error) { lane, err = p.zombie.b.Open(ctx, grant(1, 3)); return err })
	elected(p.t, "loading once more", func(ctx context.Context) (err error) { opening, err = lane.Load(ctx); return err })
	if opening.Crashed || opening.Progress.LowWater != 4 {
		p.t.Errorf("what was written at the wrong side counts: %+v", opening)
	}
}
