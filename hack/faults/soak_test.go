// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package faults

import (
	"flag"
	"math/rand/v2"
	"runtime"
	"testing"
	"time"

	"convoy.dev/convoy/api/v1alpha1"
	"convoy.dev/convoy/hack/e2e/checker"
)

var (
	soakMessages = flag.Int("soak.messages", 5_000, "how many messages the soak publishes, or a few more")
	soakRate     = flag.Int("soak.rate", 1_000, "how many it publishes a second")
	soakSeed     = flag.Uint64("soak.seed", 0, "the chance of the soak; 0 for another one each time")
)

const (
	soakKeys    = 100_000
	soakWorkers = 3
	// soakLull is how long nothing is wrong between two faults, at most.
	soakLull = 4 * time.Second
)

// Messages of many keys, a few of them popular, go through Routed lanes while one fault follows the other. What each does and
// to whom is chance.
func TestSoak(t *testing.T) {
	seed := *soakSeed
	for seed == 0 {
		seed = rand.Uint64()
	}
	t.Logf("seed %d", seed)
	w := newWorld(t, v1alpha1.LanesRouted)
	s := soak{world: w, began: time.Now()}
	w.populate(soakWorkers, load{seed: seed, orders: soakKeys, rate: *soakRate, most: *soakMessages}, patient)
	chance := rand.New(rand.NewPCG(seed, seed))
	for w.collector.Report().Completed < *soakMessages {
		w.pass(time.Duration(chance.Int64N(int64(soakLull))))
		f := faults[chance.IntN(len(faults))]
		chance.Shuffle(len(w.places), func(i, j int) { w.places[i], w.places[j] = w.places[j], w.places[i] })
		f.do(w, chance)
		w.stale += f.stale
		s.faults++
		s.tell(f.name)
	}
	w.rest()
	w.until("what is left is completed", func() bool { return w.collector.Report().Backlog() == 0 })
	w.judge("the end", w.collector.Finish())
	s.tell("the end")
}

// soak is what is counted of a soak.
type soak struct {
	*world
	began  time.Time
	faults int
}

// tell prints how far the soak has come, and ends it if a rule was broken.
func (s *soak) tell(what string) {
	s.t.Helper()
	r := s.collector.Report()
	s.judge(what, r)
	var memory runtime.MemStats
	runtime.ReadMemStats(&memory)
	ran := time.Since(s.began)
	s.t.Logf("%v: %s: %d of %d completed, %.0f a second; %d faults, %d kills; %d calls, %d repeated; worst pause %v; the checker's process has %d MiB",
		ran.Round(time.Second), what, r.Completed, r.Published, float64(r.Completed)/ran.Seconds(), s.faults, s.kills(),
		r.Calls, r.Calls-r.Completed, worst(r.Pauses).Round(time.Millisecond), memory.HeapAlloc>>20)
}

// kills is how often a program of the world was killed.
func (w *world) kills() int {
	sum := 0
	for _, p := range w.programs {
		sum += p.kills
	}
	return sum
}

// worst is the longest pause of a lane, at a change of its owner.
func worst(pauses []checker.Pause) time.Duration {
	var longest time.Duration
	for _, p := range pauses {
		longest = max(longest, p.Length)
	}
	return longest
}
