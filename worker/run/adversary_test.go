// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package run_test

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"convoy.dev/convoy/worker/broker/brokertest"
	"convoy.dev/convoy/worker/deliver"
	"convoy.dev/convoy/worker/drain"
	"convoy.dev/convoy/worker/lane"
	"convoy.dev/convoy/worker/run"
)

var (
	adversarySeed = flag.Uint64("adversary.seed", 0, "the adversaries play the schedule of this seed alone")
	adversaryRuns = flag.Uint64("adversary.runs", 0, "how many schedules each adversary plays, instead of a few dozen")
)

// adversary does what may happen to a worker, at random and all at once. The handler judges: no key overlaps or is out of
// order, and in the end nothing is lost.
type adversary struct {
	*world
	seed            uint64
	dice            *rand.Rand
	process         *process
	revision, epoch int64
	// ways are what it may do, each as likely as the others.
	ways []func()
	// hot says that one key has as many messages as all others together.
	hot bool
}

const adversaryLanes = 3

// adversaries plays a schedule for each seed: settings are the world's, and what may happen beside the usual; settle waits until
// nothing is left.
func adversaries(t *testing.T, runs uint64, settings func(a *adversary), settle func(a *adversary)) {
	t.Helper()
	first, last := uint64(1), runs
	if *adversaryRuns > 0 {
		last = *adversaryRuns
	}
	if *adversarySeed > 0 {
		first, last = *adversarySeed, *adversarySeed
	}
	for seed := first; seed <= last; seed++ {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			story(t, adversaryLanes, func(w *world) {
				a := &adversary{world: w, seed: seed, dice: rand.New(rand.NewPCG(seed, 0))}
				w.barrier = timeout
				w.handler.does = a.work
				a.ways = []func(){
					a.bring, a.bring, a.bring, a.regrant, a.restart, w.broker.Stop, w.broker.Start, a.fail, a.leaveAlone, a.remake, a.handlerGoes, func() {},
				}
				settings(a)
				a.process = w.start()
				a.regrant()
				for range 60 {
					a.ways[a.dice.IntN(len(a.ways))]()
					a.pass(time.Duration(a.dice.Int64N(int64(3 * time.Second))))
				}
				a.mend()
				settle(a)
				a.endsClean()
			})
		})
	}
}

func TestAgainstAnAdversary(t *testing.T) {
	adversaries(t, 60, func(a *adversary) { a.memory = int(a.seed%3) * 200 }, func(a *adversary) {
		a.allDone()
		a.pass(3 * time.Second)
	})
}

// work is how long a call takes and what comes of it: the same for each attempt, in whatever order the calls come.
func (a *adversary) work(k string, n int, c *deliver.Call) (time.Duration, deliver.Outcome) {
	dice := rand.New(rand.NewPCG(a.seed, lane.Hash(fmt.Sprint(k, n, c.Attempt))))
	takes := time.Duration(dice.Int64N(int64(20 * time.Millisecond)))
	switch dice.IntN(20) {
	case 0:
		return takes, deliver.Outcome{Kind: deliver.Failed}
	case 1:
		return takes, deliver.Outcome{Kind: deliver.TimedOut}
	case 2:
		return time.Duration(dice.Int64N(int64(2 * timeout))), deliver.Outcome{Kind: deliver.Done}
	default:
		return takes, deliver.Outcome{Kind: deliver.Done}
	}
}

// bring publishes messages of a dozen keys. The first may have as many as all others together.
func (a *adversary) bring() {
	for range a.dice.IntN(80) {
		k := a.dice.IntN(12)
		if a.hot && a.dice.IntN(2) == 0 {
			k = 0
		}
		if name := fmt.Sprint("k", k); a.routing.Lanes > 0 {
			a.send(name)
		} else {
			a.publish(int32(k)%adversaryLanes, name)
		}
	}
}

func (a *adversary) restart() {
	a.process.crash()
	a.process = a.start()
}

// fail has an operation of the broker fail a few times.
func (a *adversary) fail() {
	last := brokertest.DeadLetter
	if a.routing.Lanes > 0 {
		last = brokertest.Measure + 1
	}
	operation := brokertest.Operation(a.dice.IntN(int(last)))
	a.broker.Fail(brokertest.Fault{Operation: operation, Times: 1 + a.dice.IntN(3), Late: a.dice.IntN(2) == 0})
}

func (a *adversary) leaveAlone() { a.api.goAway(a.dice.IntN(2) == 0) }

// remake deletes the worker's object by hand, and the controller makes it again.
func (a *adversary) remake() {
	a.api.remove()
	a.pass(time.Duration(a.dice.Int64N(int64(time.Second))))
	a.api.create(podUID)
	a.regrant()
}

func (a *adversary) handlerGoes() {
	down := a.dice.IntN(2) == 0
	a.handler.set(func() { a.handler.down = down })
}

// regrant grants some of the lanes, and the shard, each at a new epoch: the worker may be draining it.
func (a *adversary) regrant() { a.grantSome(func() bool { return a.dice.IntN(3) > 0 }) }

func (a *adversary) grantSome(granted func() bool) {
	a.revision++
	a.epoch++
	spec := drain.Spec{Revision: a.revision, Quarantine: fence + timeout}
	for number := range int32(adversaryLanes) {
		if granted() {
			spec.Grants = append(spec.Grants, drain.Grant{Unit: drain.Unit{Index: number}, Epoch: a.epoch})
		}
	}
	if a.routing.Lanes > 0 && granted() {
		spec.Grants = append(spec.Grants, drain.Grant{Unit: drain.Unit{Kind: drain.Shard}, Epoch: a.epoch})
	}
	a.api.spec(spec)
}

// mend mends everything, and gives the worker everything.
func (a *adversary) mend() {
	a.broker.Start()
	a.api.goAway(false)
	a.handler.set(func() { a.handler.down, a.handler.does = false, nil })
	a.grantSome(func() bool { return true })
}

// endsClean stops the worker, which leaves nothing.
func (a *adversary) endsClean() {
	if left := a.process.metric("convoy_worker_messages_in_memory", ""); left != 0 {
		a.t.Errorf("%v messages are left in memory", left)
	}
	a.process.worker.Stop()
	if ending := a.process.wait(); ending != run.Resigned {
		a.t.Errorf("ended as %v", ending)
	}
	for number := range int32(adversaryLanes) {
		if saved := a.broker.Saved(number); !saved.Final || saved.Progress.Outstanding > 0 || len(saved.Progress.Ranges) > 0 {
			a.t.Errorf("lane %d ends with %+v", number, saved)
		}
	}
}
