// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package faults

import (
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"convoy.dev/convoy/api/v1alpha1"
	"convoy.dev/convoy/hack/faults/proxy"
	"convoy.dev/convoy/worker/drain"
)

// beyond is longer than a worker may go on without the broker.
const beyond = (fenceSeconds + 1) * time.Second

// maxInFlight is how many calls a worker makes at once, which bounds those that it can send too late: the pool's default.
const maxInFlight = 32

// fault is something that is done to a world and taken back. Of its places the first, which routes if lanes are Routed,
// has the harm, and the second stays whole.
type fault struct {
	name string
	do   func(*world, *rand.Rand)
	// stale is how many calls of the past are to be expected.
	stale int
	// ofHandlers says that only handlers have the harm, which do not know what lanes are made of.
	ofHandlers bool
}

var faults = []fault{
	{name: "a worker is killed", do: (*world).killWorker},
	{name: "a worker is killed again while it starts", do: (*world).killWorkerOften},
	{name: "a handler is killed", do: (*world).killHandler, ofHandlers: true},
	{name: "a handler is frozen for longer than a call may take", do: (*world).freezeHandler, ofHandlers: true},
	{name: "a handler is slow to start", do: (*world).delayHandler, ofHandlers: true},
	{name: "the broker is killed", do: (*world).killBroker},
	{name: "the broker is frozen for longer than the fence", do: (*world).freezeBroker},
	{name: "the network is slow", do: (*world).slowNetwork},
	{name: "the network breaks again and again", do: (*world).cutNetwork},
	{name: "nothing comes through to the broker", do: func(w *world, _ *rand.Rand) { w.holdNetwork(proxy.Up) }},
	{name: "nothing comes back from the broker", do: func(w *world, _ *rand.Rand) { w.holdNetwork(proxy.Down) }},
	{name: "a worker without the broker loses its lanes", do: (*world).partition},
	{name: "a frozen worker loses its lanes", do: (*world).freezeWorker, stale: maxInFlight},
	{name: "lanes have two workers", do: (*world).grantTwice},
	{name: "a table from a backup takes the place of the newest", do: (*world).restoreTable},
	{name: "a worker is stopped and another takes its place", do: (*world).replaceWorker},
}

// laneTypes are all that lanes can be made of.
var laneTypes = []v1alpha1.LaneType{v1alpha1.LanesNative, v1alpha1.LanesRouted}

func TestFaults(t *testing.T) {
	for _, laneType := range laneTypes {
		t.Run(string(laneType), func(t *testing.T) {
			seed := rand.Uint64()
			t.Logf("seed %d", seed)
			w := newWorld(t, laneType)
			w.populate(2, load{seed: seed, orders: 400, rate: 200})
			chance := rand.New(rand.NewPCG(seed, seed))
			w.proves("nothing is wrong", 0)
			for _, f := range faults {
				if f.ofHandlers && laneType == v1alpha1.LanesRouted {
					continue
				}
				f.do(w, chance)
				w.proves(f.name, f.stale)
			}
			w.rest()
			w.proves("the rest", 0)
			w.judge("the end", w.collector.Finish())
		})
	}
}

func (w *world) killWorker(*rand.Rand) {
	w.places[0].worker.kill()
	w.places[0].worker.start()
}

func (w *world) killWorkerOften(chance *rand.Rand) {
	for range 5 {
		w.pass(time.Duration(chance.Int64N(int64(400 * time.Millisecond))))
		w.places[chance.IntN(2)].worker.kill()
		for _, p := range w.places {
			if p.worker.cmd == nil {
				p.worker.start()
			}
		}
	}
}

func (w *world) killHandler(*rand.Rand) {
	w.places[0].handler.kill()
	w.pass(time.Second)
	w.places[0].handler.start()
}

func (w *world) freezeHandler(*rand.Rand) {
	w.places[0].handler.freeze()
	w.pass((callSeconds + 1) * time.Second)
	w.places[0].handler.thaw()
}

func (w *world) delayHandler(*rand.Rand) {
	p := w.places[0]
	p.worker.kill()
	p.handler.kill()
	p.worker.start()
	w.pass((callSeconds + 1) * time.Second)
	p.handler.start()
}

func (w *world) killBroker(*rand.Rand) {
	for _, away := range []time.Duration{0, beyond} {
		w.rest()
		w.broker.kill()
		w.pass(away)
		w.broker.start()
		w.brokerAnswers()
		w.flow()
	}
}

func (w *world) freezeBroker(*rand.Rand) {
	w.rest()
	w.broker.freeze()
	w.pass(beyond)
	w.broker.thaw()
	w.flow()
}

func (w *world) slowNetwork(*rand.Rand) {
	w.places[0].network.Slow(50 * time.Millisecond)
	w.pass(2 * time.Second)
	moved := w.move(w.places[0], w.places[1], ofEachKind(w.places[0])...)
	w.move(w.places[1], w.places[0], moved...)
	w.places[0].network.Heal()
}

func (w *world) cutNetwork(chance *rand.Rand) {
	for range 10 {
		w.places[chance.IntN(2)].network.Cut()
		w.pass(time.Duration(chance.Int64N(int64(200 * time.Millisecond))))
	}
}

func (w *world) holdNetwork(way proxy.Way) {
	w.places[0].network.Hold(way)
	w.pass(beyond)
	w.places[0].network.Heal()
}

// partition cuts a worker off from the broker while the API server would still reach it; its lanes go to the other one.
func (w *world) partition(*rand.Rand) {
	lost, other := w.places[0], w.places[1]
	lost.network.Hold(proxy.Up, proxy.Down)
	taken := w.seize(lost, other)
	w.until("the lanes run elsewhere", func() bool { return w.runs(other, taken...) })
	lost.network.Heal()
	w.tell(lost)
	w.until("who had them lets them go", func() bool { return w.released(lost, taken) })
	w.move(other, lost, taken...)
}

// freezeWorker is a process that stands still, and does not know it, until its lanes have run elsewhere.
func (w *world) freezeWorker(*rand.Rand) {
	frozen, other := w.places[0], w.places[1]
	frozen.worker.freeze()
	taken := w.seize(frozen, other)
	w.until("the lanes run elsewhere", func() bool { return w.runs(other, taken...) })
	w.pass(time.Second)
	frozen.worker.thaw()
	w.tell(frozen)
	w.until("who had them lets them go", func() bool { return w.released(frozen, taken) })
	w.move(other, frozen, taken...)
}

// grantTwice has units go to another worker while their owner is not asked.
func (w *world) grantTwice(*rand.Rand) {
	owner, other := w.places[0], w.places[1]
	twice := ofEachKind(owner)
	w.grant(other, true, twice...)
	w.until("the newest grant runs", func() bool { return w.runs(other, twice...) })
	w.until("the former owner finds out", func() bool {
		return !slices.ContainsFunc(w.report(owner).Held, func(h drain.Held) bool {
			return h.State == drain.Running && slices.Contains(twice, h.Unit)
		})
	})
	w.revoke(owner, twice...)
	w.until("the former owner lets them go", func() bool { return w.released(owner, twice) })
	w.move(other, owner, twice...)
}

// ofEachKind is a lane that a place has, and a shard if it has one.
func ofEachKind(p *place) []drain.Unit {
	var found []drain.Unit
	for _, g := range p.spec.Grants {
		if len(found) == 0 || g.Kind == drain.Shard {
			found = append(found, g.Unit)
		}
	}
	return found
}

// restoreTable puts an older table back while workers run: what has moved since is granted to its former owner, at the
// epoch of then. All of it is refused, with the floor, and goes on where it is until it can go above that.
func (w *world) restoreTable(*rand.Rand) {
	owner, other := w.places[0], w.places[1]
	backup := slices.Clone(owner.spec.Grants)
	moved := w.move(owner, other)
	w.until("what has moved runs", func() bool { return w.runs(other, moved...) })
	owner.spec.Grants = backup
	w.tell(owner)
	for unit, floor := range w.refused(owner) {
		if floor != w.epochs[unit] {
			w.t.Errorf("the floor of %+v is %d, want %d", unit, floor, w.epochs[unit])
		}
	}
	if !w.runs(other, moved...) {
		w.t.Error("a refused grant has stopped the lane's owner")
	}
	w.revoke(owner)
	w.move(other, owner, moved...)
}

// replaceWorker stops a worker for good: it drains and resigns. The other one has its lanes until the next pod has come.
func (w *world) replaceWorker(*rand.Rand) {
	gone, other := w.places[0], w.places[1]
	gone.worker.stop()
	if report := w.report(gone); !report.Resigned || len(report.Held) > 0 {
		w.t.Errorf("a worker that was stopped reports %+v", report)
	}
	moved := w.move(gone, other)
	gone.handler.kill()
	w.places = w.places[1:]
	next := w.newPlace(gone.number, gone.changes...)
	next.handler.start()
	next.worker.start()
	w.move(other, next, moved...)
}
