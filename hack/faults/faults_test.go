// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package faults

import (
	"math/rand/v2"
	"testing"
	"time"

	"convoy.dev/convoy/hack/faults/proxy"
	"convoy.dev/convoy/worker/drain"
)

// beyond is longer than a worker may go on without the broker.
const beyond = (fenceSeconds + 1) * time.Second

// maxInFlight is how many calls a worker makes at once, which bounds those that it can send too late: the pool's default.
const maxInFlight = 32

func TestFaults(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	w := newWorld(t)
	w.populate(load{seed: seed, orders: 400, rate: 200})
	chance := rand.New(rand.NewPCG(seed, seed))
	w.proves("nothing is wrong", 0)
	for _, fault := range []struct {
		name string
		do   func(*world, *rand.Rand)
		// stale is how many calls of the past are to be expected.
		stale int
	}{
		{"a worker is killed", (*world).killWorker, 0},
		{"a worker is killed again while it starts", (*world).killWorkerOften, 0},
		{"a handler is killed", (*world).killHandler, 0},
		{"a handler is frozen for longer than a call may take", (*world).freezeHandler, 0},
		{"a handler is slow to start", (*world).delayHandler, 0},
		{"the broker is killed", (*world).killBroker, 0},
		{"the broker is frozen for longer than the fence", (*world).freezeBroker, 0},
		{"the network is slow", (*world).slowNetwork, 0},
		{"the network breaks again and again", (*world).cutNetwork, 0},
		{"nothing comes through to the broker", func(w *world, _ *rand.Rand) { w.holdNetwork(proxy.Up) }, 0},
		{"nothing comes back from the broker", func(w *world, _ *rand.Rand) { w.holdNetwork(proxy.Down) }, 0},
		{"a worker without the broker loses its lanes", (*world).partition, 0},
		{"a frozen worker loses its lanes", (*world).freezeWorker, maxInFlight},
		{"a lane has two workers", (*world).grantTwice, 0},
		{"an epoch was given before", (*world).grantOld, 0},
		{"a worker is stopped", (*world).stopWorker, 0},
	} {
		fault.do(w, chance)
		w.proves(fault.name, fault.stale)
	}
	w.rest()
	w.proves("the rest", 0)
	w.judge("the end", w.collector.Finish())
}

func (w *world) killWorker(*rand.Rand) {
	w.places[0].worker.kill()
	w.places[0].worker.start()
}

func (w *world) killWorkerOften(chance *rand.Rand) {
	for range 5 {
		w.pass(rand.N(400 * time.Millisecond))
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
	w.move(w.places[0], w.places[1], 0)
	w.move(w.places[1], w.places[0], 0)
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

// grantTwice is what a table that was put back does: a lane goes to another worker, and its owner is not asked.
func (w *world) grantTwice(*rand.Rand) {
	owner, other := w.places[0], w.places[1]
	const lane = 0
	w.grant(other, true, lane)
	w.until("the newest grant runs", func() bool { return w.runs(other, lane) })
	w.until("the former owner finds out", func() bool {
		for _, h := range w.report(owner).Held {
			if h.Index == lane && h.State == drain.Running {
				return false
			}
		}
		return true
	})
	w.revoke(owner, lane)
	w.until("the former owner lets it go", func() bool { return w.released(owner, []int32{lane}) })
	w.move(other, owner, lane)
}

// grantOld gives an epoch that the broker is above, as a table from a backup would: it is refused, with the floor.
func (w *world) grantOld(*rand.Rand) {
	owner, other := w.places[0], w.places[1]
	const lane = 1
	highest := w.epochs[lane]
	w.revoke(owner, lane)
	w.until("it is free", func() bool { return w.released(owner, []int32{lane}) })
	w.epochs[lane] = highest - 2
	w.grant(other, false, lane)
	w.until("the grant is refused", func() bool {
		for _, h := range w.report(other).Held {
			if h.Index == lane && h.State == drain.Refused {
				w.epochs[lane] = h.Floor
				return true
			}
		}
		return false
	})
	if w.epochs[lane] != highest {
		w.t.Errorf("the floor is %d, want %d", w.epochs[lane], highest)
	}
	w.revoke(other, lane)
	w.until("it is let go", func() bool { return w.released(other, []int32{lane}) })
	w.grant(owner, false, lane)
}

// stopWorker stops a worker for good; it drains and resigns, and the other one has its lanes.
func (w *world) stopWorker(*rand.Rand) {
	p := w.places[0]
	p.worker.stop()
	if report := w.report(p); !report.Resigned || len(report.Held) > 0 {
		w.t.Errorf("a worker that was stopped reports %+v", report)
	}
	w.move(p, w.places[1])
}
