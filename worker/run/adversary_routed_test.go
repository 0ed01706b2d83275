// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package run_test

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"convoy.dev/convoy/api/v1alpha1"
	"convoy.dev/convoy/worker/broker"
	"convoy.dev/convoy/worker/deliver"
	"convoy.dev/convoy/worker/drain"
	"convoy.dev/convoy/worker/order"
	"convoy.dev/convoy/worker/run"
)

// routedAdversary plays with Routed lanes, in every setting: messages are routed, fail for good, are parked, released, discarded,
// diverted or dead-lettered; others take lanes and shard.
type routedAdversary struct {
	*adversary
	actions  int
	discards bool
}

func TestAgainstAnAdversaryWithRoutedLanes(t *testing.T) {
	var r *routedAdversary
	adversaries(t, 48, func(a *adversary) {
		r = &routedAdversary{adversary: a}
		r.settings()
		a.ways = append(a.ways[:len(a.ways)-1], r.act, r.takeShard, r.takeLane, r.replace)
	}, func(*adversary) { r.settle() })
}

// settings are drawn from the seed, so that a few dozen of them have every pair.
func (r *routedAdversary) settings() {
	dice := rand.New(rand.NewPCG(r.seed, 1))
	r.routing = run.Routing{Lanes: adversaryLanes, MaxBacklog: []int64{20, 200, 1000}[dice.IntN(3)]}
	r.maxKeys = []int{3, 100}[dice.IntN(2)]
	r.batch = []int{1, 5}[dice.IntN(2)]
	r.memory = dice.IntN(2) * 200
	if r.hot = dice.IntN(2) == 0; r.hot {
		r.buffer, r.lookAhead = 16, 40
	}
	r.failure = []order.Policy{order.Park, order.Park, order.DeadLetter, order.Block}[dice.IntN(4)]
	r.discards = r.failure == order.Park && dice.IntN(2) == 0
	r.handler.released, r.handler.skips = true, r.discards || r.failure == order.DeadLetter
	calls := rand.New(rand.NewPCG(r.seed, 2)) // The handler's lock is held.
	r.handler.does = func(_ string, _ int, c *deliver.Call) (time.Duration, deliver.Outcome) { return answer(calls, c) }
}

// answer is what comes of a call: a message that fails for good may succeed when it is released.
func answer(dice *rand.Rand, c *deliver.Call) (time.Duration, deliver.Outcome) {
	takes := time.Duration(dice.Int64N(int64(20 * time.Millisecond)))
	switch dice.IntN(24) {
	case 0:
		return takes, deliver.Outcome{Kind: deliver.Failed}
	case 1:
		return takes, deliver.Outcome{Kind: deliver.TimedOut}
	case 2:
		return time.Duration(dice.Int64N(int64(2 * timeout))), deliver.Outcome{Kind: deliver.Done}
	case 3:
		return takes, deliver.Outcome{Kind: deliver.Failed, Permanent: true}
	case 4:
		if c.Len() > 1 {
			return takes, deliver.Outcome{Kind: deliver.Failed, Completed: 1 + dice.IntN(c.Len()-1)}
		}
	}
	return takes, deliver.Outcome{Kind: deliver.Done}
}

// act has what is parked released, or discarded.
func (r *routedAdversary) act() {
	r.actions++
	if r.api.object == nil {
		return
	}
	o := releases(fmt.Sprint(r.actions))
	if r.discards && r.dice.IntN(2) == 0 {
		o.Type = v1alpha1.ActionDiscard
	}
	r.api.order(o)
}

// takeShard lets another worker have the shard for a while, and takeLane a lane.
func (r *routedAdversary) takeShard() {
	r.epoch++
	r.broker.TakeShard("other", r.epoch)
	r.pass(time.Duration(r.dice.Int64N(int64(2 * time.Second))))
	r.regrant()
}

func (r *routedAdversary) takeLane() {
	r.epoch++
	r.broker.SetRecord(int32(r.dice.IntN(adversaryLanes)), broker.Record{Token: drain.Token{Epoch: r.epoch, Incarnation: 1}, Worker: "other"})
	r.pass(time.Duration(r.dice.Int64N(int64(2 * time.Second))))
	r.regrant()
}

// replace has a new pod take over from this one, which drains.
func (r *routedAdversary) replace() {
	r.broker.Start()
	r.api.goAway(false)
	r.process.worker.Stop()
	if r.process.wait() == run.Resigned {
		r.api.remove()
		r.api.create(podUID)
		r.marks = r.t.TempDir()
	}
	r.process = r.start()
	r.regrant()
}

// settle releases what is parked until nothing is left, and looks for what is lost.
func (r *routedAdversary) settle() {
	sent := 0
	for _, n := range r.next {
		sent += n
	}
	for round := 0; r.left() > 0 || r.routedSoFar() < sent; round++ {
		if round == 300 {
			r.t.Fatalf("%d of %d messages are routed, %d are not completed", r.routedSoFar(), sent, r.left())
		}
		r.actions++
		r.api.order(releases(fmt.Sprint(r.actions)))
		r.pass(5 * time.Second)
	}
	r.pass(10 * time.Second)
	r.lanesHave(adversaryLanes, sent)
	if r.discards || r.batch > 1 {
		return // Some may never have been begun, or only as those behind the first of a call.
	}
	r.handler.set(func() {
		for k, n := range r.next {
			for i := 1; i <= n; i++ {
				if r.handler.keys[k] == nil || r.handler.keys[k].attempts[i] == 0 {
					r.t.Errorf("message %d of %s was never begun", i, k)
				}
			}
		}
	})
}

// left counts what is neither completed nor on its way into a lane.
func (r *routedAdversary) left() int {
	left := 0
	for number := range int32(adversaryLanes) {
		left += r.broker.Saved(number).Progress.Outstanding + len(r.broker.Parked(number))
	}
	return left
}

func (r *routedAdversary) routedSoFar() int {
	routed := 0
	for number := range int32(adversaryLanes) {
		routed += len(r.broker.Routed(number))
	}
	return routed
}
