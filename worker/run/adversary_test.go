// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package run_test

import (
	"fmt"
	"math/rand/v2"
	"os"
	"strconv"
	"testing"
	"time"

	"convoy.dev/convoy/worker/broker/brokertest"
	"convoy.dev/convoy/worker/deliver"
	"convoy.dev/convoy/worker/lane"
	"convoy.dev/convoy/worker/order"
	"convoy.dev/convoy/worker/run"
)

// adversary does what may happen to a worker, at random and all at once. The handler judges: no key overlaps or is out of
// order, and in the end nothing is lost.
type adversary struct {
	*world
	seed            uint64
	dice            *rand.Rand
	process         *process
	revision, epoch int64
	lanes           int32
}

// schedules is how many seeds are tried; CONVOY_SEED tries one.
const schedules = 60

func TestAgainstAnAdversary(t *testing.T) {
	first, last := uint64(1), uint64(schedules)
	if named := os.Getenv("CONVOY_SEED"); named != "" {
		seed, err := strconv.ParseUint(named, 10, 64)
		if err != nil {
			t.Fatal(err)
		}
		first, last = seed, seed
	}
	for seed := first; seed <= last; seed++ {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			story(t, 3, func(w *world) {
				a := &adversary{world: w, seed: seed, dice: rand.New(rand.NewPCG(seed, 0)), lanes: 3}
				w.barrier = timeout
				w.failure, w.memory = order.Block, int(seed%3)*200
				w.handler.does = a.work
				a.process = w.start()
				a.regrant()
				for range 60 {
					a.act()
				}
				a.settle()
			})
		})
	}
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

func (a *adversary) act() {
	switch a.dice.IntN(12) {
	case 0, 1, 2:
		for range a.dice.IntN(80) {
			k := a.dice.IntN(12)
			a.publish(int32(k)%a.lanes, fmt.Sprint("k", k))
		}
	case 3:
		a.regrant()
	case 4:
		a.process.crash()
		a.process = a.start()
	case 5:
		a.broker.Stop()
	case 6:
		a.broker.Start()
	case 7:
		operation := brokertest.Operation(a.dice.IntN(int(brokertest.DeadLetter)))
		a.broker.Fail(brokertest.Fault{Operation: operation, Times: 1 + a.dice.IntN(3), Late: a.dice.IntN(2) == 0})
	case 8:
		a.api.goAway(a.dice.IntN(2) == 0)
	case 9:
		a.api.remove()
		a.pass(time.Duration(a.dice.Int64N(int64(time.Second))))
		a.api.create(podUID)
		a.regrant()
	case 10:
		down := a.dice.IntN(2) == 0
		a.handler.set(func() { a.handler.down = down })
	default:
	}
	a.pass(time.Duration(a.dice.Int64N(int64(3 * time.Second))))
}

// regrant grants some of the lanes, each at a new epoch: the worker may be draining it.
func (a *adversary) regrant() {
	a.revision++
	a.epoch++
	var lanes []int32
	for number := range a.lanes {
		if a.dice.IntN(3) > 0 {
			lanes = append(lanes, number)
		}
	}
	a.grant(a.revision, a.epoch, lanes...)
}

// settle mends everything and waits until nothing is left.
func (a *adversary) settle() {
	a.broker.Start()
	a.api.goAway(false)
	a.handler.set(func() { a.handler.down, a.handler.does = false, nil })
	a.revision++
	a.epoch++
	a.grant(a.revision, a.epoch, 0, 1, 2)
	a.allDone()
	a.pass(3 * time.Second)
	if left := a.process.metric("convoy_worker_messages_in_memory", ""); left != 0 {
		a.t.Errorf("%v messages are left in memory", left)
	}
	a.process.worker.Stop()
	if ending := a.process.wait(); ending != run.Resigned {
		a.t.Errorf("ended as %v", ending)
	}
	for number := range a.lanes {
		if saved := a.broker.Saved(number); !saved.Final || len(saved.Progress.Ranges) > 0 {
			a.t.Errorf("lane %d ends with %+v", number, saved)
		}
	}
}
