// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package sim

import (
	"fmt"
	"time"

	"convoy.dev/convoy/worker/order"
)

// Settings are everything that differs between schedules but the order of events. They are drawn from the seed.
// Times are about a tenth of a real pool's.
type Settings struct {
	Lanes, Shards, Nodes int
	Workers, MaxWorkers  int // wanted at the start, and at most

	Timeout          time.Duration // delivery.timeoutSeconds
	Fence            time.Duration // handoff.fenceSeconds
	DrainTimeout     time.Duration
	UnreachableAfter time.Duration // 0: never
	SlotGrace        time.Duration
	Grace            time.Duration // the pods' terminationGracePeriodSeconds

	RestartAll  bool    // the kubelet honours RestartAllContainers
	IgnoresTerm float64 // how many handlers ignore SIGTERM
	NamesAgain  float64 // how often a new pod gets the name of one that is gone

	Messages, Keys int           // per lane
	Producing      time.Duration // over how long the messages appear
	Slow           float64       // calls that take long
	Fail           float64       // calls that fail, to be retried
	Reject         float64       // messages that are refused for good: parked or dead-lettered
	LoseConnection float64       // calls whose connection is lost while the handler goes on
	StuckKey       bool          // one key fails for ever until the adversary has rested for a while

	OnFailure     order.Policy
	KeyedProgress bool // progress is keyed by the token; otherwise it is written on condition of the epoch record

	API    apiManners
	Broker brokerManners

	Active   time.Duration // how long the adversary acts
	Pace     time.Duration // mean time between two of its acts
	Weights  [actions]int  // how gladly it does each
	Shutdown bool          // ends with a scale-down to zero instead of a working pool
}

// draw makes the settings of a schedule. Many schedules have few kinds of trouble and much of each: that finds more
// than a little of everything.
func draw(d *dice) Settings {
	s := Settings{
		Lanes: d.between(1, 6), Nodes: d.between(2, 4), Workers: d.between(1, 3), MaxWorkers: 4,
		Timeout: d.span(500*time.Millisecond, 4*time.Second), Fence: d.span(400*time.Millisecond, 2*time.Second),
		DrainTimeout: d.span(time.Second, 6*time.Second), SlotGrace: d.span(100*time.Millisecond, time.Second),
		RestartAll: d.chance(0.6), IgnoresTerm: pick(d, []float64{0, 0, 0.3, 1}),
		NamesAgain: pick(d, []float64{0, 0, 0.2}),
		Messages:   d.between(6, 24), Keys: d.between(1, 5), Producing: d.span(time.Second, 20*time.Second),
		Slow: pick(d, []float64{0.02, 0.2, 0.5}), Fail: pick(d, []float64{0, 0.05, 0.2}),
		Reject: pick(d, []float64{0, 0, 0.03}), LoseConnection: pick(d, []float64{0, 0.05, 0.2}),
		StuckKey: d.chance(0.15), KeyedProgress: d.chance(0.5),
		OnFailure: pick(d, []order.Policy{order.Park, order.Park, order.DeadLetter, order.Block}),
		Active:    d.span(6*time.Second, 30*time.Second), Pace: d.span(200*time.Millisecond, 3*time.Second),
		Shutdown: d.chance(0.08),
	}
	if d.chance(0.3) {
		s.Shards = d.between(1, 2)
	}
	if !d.chance(0.1) {
		s.UnreachableAfter = d.span(500*time.Millisecond, 6*time.Second)
	}
	s.Grace = s.DrainTimeout + d.span(0, 2*time.Second)
	if d.chance(0.2) {
		s.Grace = d.span(100*time.Millisecond, time.Second)
	}
	s.API = apiManners{
		slow: d.span(2*time.Millisecond, 40*time.Millisecond), slowest: d.span(100*time.Millisecond, 6*time.Second),
		late: pick(d, []float64{0, 0.02, 0.1}), lost: pick(d, []float64{0, 0.01, 0.05}),
		watchLag: pick(d, []time.Duration{20 * time.Millisecond, 100 * time.Millisecond, time.Second}),
	}
	s.Broker = brokerManners{
		slow: d.span(time.Millisecond, 20*time.Millisecond), slowest: d.span(100*time.Millisecond, 8*time.Second),
		late: pick(d, []float64{0, 0.01, 0.05}), lost: pick(d, []float64{0, 0.01, 0.03}),
	}
	few := d.chance(0.6)
	for a := range s.Weights {
		if action(a) == remakePool {
			s.Weights[a] = min(s.Weights[loseTable], s.Weights[stripAndDelete]) // as rare as the two together
			continue
		}
		s.Weights[a] = d.between(0, 4)
		if few && !d.chance(0.25) {
			s.Weights[a] = 0
		}
	}
	return s
}

func (s Settings) String() string {
	return fmt.Sprintf("%d lanes, %d shards, %d nodes, %d workers; timeout %v, fence %v, drain %v, unreachable %v, slot grace %v, grace %v; restart all %t",
		s.Lanes, s.Shards, s.Nodes, s.Workers, s.Timeout, s.Fence, s.DrainTimeout, s.UnreachableAfter, s.SlotGrace, s.Grace, s.RestartAll)
}
