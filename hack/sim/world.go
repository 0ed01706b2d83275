// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package sim

import (
	"fmt"
	"time"

	"convoy.dev/convoy/worker/lane"
	"convoy.dev/convoy/worker/order"
)

// World is one schedule: everything there is, driven by one source of chance in one goroutine.
type World struct {
	seed     uint64
	settings Settings
	clock    *clock
	dice     *dice
	story    *story
	faults   *faults

	api         *apiServer
	kube        *kubernetes
	broker      *broker
	controllers []*controller
	adversary   *adversary
	check       *checker

	tables   []ledger // every table the controllers have written, for the adversary to restore
	plans    int      // plans made
	resting  bool     // the adversary rests
	calm     bool     // and has rested for so long that even a stuck key succeeds
	remade   int      // how often the pool was deleted by force and made anew
	troubled bool     // the broker, or the way to it, has been away at some time
}

func newWorld(seed uint64, f *faults, told bool) *World {
	d := newDice(seed)
	w := &World{seed: seed, settings: draw(d), clock: &clock{}, dice: d, story: &story{on: told}, faults: f}
	f.settings(&w.settings)
	w.check = newChecker(w)
	w.adversary = &adversary{w: w}
	w.api = newAPIServer(w.clock, d, w.settings.API)
	w.api.podGone = w.collectMailbox
	w.broker = newBroker(w)
	w.kube = newKubernetes(w)
	w.api.pools.put(poolName, poolSpec{wanted: w.settings.Workers})
	w.api.deployments.put(poolName, deploymentObject{replicas: w.settings.Workers, generation: 1, written: 1})
	w.controllers = []*controller{newController(w, "a"), newController(w, "b")}
	w.controllers[0].leads = true
	w.fill()
	return w
}

func (w *World) newProcess() *process { return &process{clock: w.clock, alive: true} }

func (w *World) newClient(p *process) *client {
	return &client{process: p, lag: func() time.Duration {
		lag := w.settings.API.watchLag
		if w.resting {
			lag = min(lag, 50*time.Millisecond)
		}
		return w.dice.span(time.Millisecond, lag)
	}}
}

// wall is the wall-clock time.
func (w *World) wall() time.Time { return wallAt(w.clock.now) }

func (w *World) tell(whom about, format string, args ...any) {
	if w.story.on {
		w.story.tell(w.clock.now, whom, format, args...)
	}
}

// fill lays out every message of the schedule and when it appears.
func (w *World) fill() {
	for n, l := range w.broker.lanes {
		for i := range w.settings.Messages {
			key := fmt.Sprintf("key-%d.%d", n, w.dice.below(w.settings.Keys))
			m := order.Message{Position: order.Position(i + 1), Sequence: order.Sequence(1000 + i), Hash: lane.Hash(key), Key: key, Payload: order.Payload(i + 1)}
			l.messages = append(l.messages, m)
			w.check.expect(int32(n), m)
			w.clock.after(w.dice.span(0, w.settings.Producing), func() { w.broker.publish(int32(n)) })
		}
	}
}

// handling says how long the handler works on a call and what comes of it.
func (w *World) handling(c *call) (time.Duration, outcome) {
	s := &w.settings
	stuck := s.StuckKey && !w.calm && c.key == "key-0.0"
	fail, reject, slow := s.Fail, s.Reject, s.Slow
	if w.resting {
		fail, reject, slow = 0, 0, min(slow, 0.05)
	}
	switch {
	case stuck:
		return s.Timeout, noAnswer
	case w.dice.chance(fail):
		return w.dice.span(time.Millisecond, 50*time.Millisecond), failed
	case w.dice.chance(reject):
		return w.dice.span(time.Millisecond, 20*time.Millisecond), rejected
	case w.dice.chance(slow):
		return w.dice.span(0, s.Timeout*5/4), succeeded
	default:
		return w.dice.span(time.Millisecond, 20*time.Millisecond), succeeded
	}
}

func (w *World) orderConfig() order.Config {
	return order.Config{
		MaxInFlightKeys: 4, Timeout: int64(w.settings.Timeout), MaxAttempts: 3,
		InitialBackoff: int64(20 * time.Millisecond), MaxBackoff: int64(500 * time.Millisecond),
		OnFailure: w.settings.OnFailure, ParkMaxKeys: 8, ParkMaxMessagesPerKey: 64, Buffer: 8, LookAhead: 256,
		ProbeInterval: int64(300 * time.Millisecond), Seed: w.seed,
	}
}

// collectMailbox is what garbage collection does with the mailbox of a pod that is gone.
func (w *World) collectMailbox(uid string) {
	w.clock.after(w.dice.span(50*time.Millisecond, 2*time.Second), func() {
		for _, m := range w.api.mailboxes.all() {
			if m.obj.owner.UID == uid {
				w.api.mailboxes.remove(m.name)
			}
		}
	})
}

// leader is a controller that lives and leads.
func (w *World) leader() *controller {
	for _, c := range w.controllers {
		if c.leads && c.process.alive && !c.process.frozen {
			return c
		}
	}
	return nil
}

// run goes through a schedule: the adversary acts, then rests; the pool must come to rest, too, and stay there.
func (w *World) run() {
	w.adversary.begin()
	w.until(w.settings.Active)
	if w.check.broken == nil {
		w.adversary.rest()
		w.comeToRest()
	}
}

// until runs events up to an instant, or to the first broken rule.
func (w *World) until(end time.Duration) {
	for w.check.broken == nil && w.clock.step(end) {
		if w.clock.steps > maxSteps {
			w.check.fail(NoRest, about{}, "more than %d events", maxSteps)
		}
	}
	w.clock.now = max(w.clock.now, end)
}

// maxSteps is far more than any schedule needs.
const maxSteps = 3_000_000
