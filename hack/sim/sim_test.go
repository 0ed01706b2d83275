// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package sim

import (
	"flag"
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var (
	firstSeed = flag.Uint64("sim.seed", 1, "the first seed of TestEveryRuleHolds")
	schedules = flag.Uint64("sim.runs", 0, "how many schedules; 0: 2,000, or 400 with the race detector on")
)

// howMany schedules a test goes through. The race detector makes each about eight times as long, and has little to
// find: a schedule is one goroutine. So with it on the same seeds are gone through, but a fifth of them.
func howMany() uint64 {
	switch {
	case *schedules > 0:
		return *schedules
	case raceDetector:
		return 400
	}
	return 2000
}

func TestEveryRuleHolds(t *testing.T) {
	t.Logf("%d schedules from seed %d; others: make sim SEED=... RUNS=...", howMany(), *firstSeed)
	var events, calls int
	Many(*firstSeed, howMany(), func(r Result) bool {
		events += r.Steps
		calls += r.Calls
		if r.Violation != nil {
			t.Error(r)
		}
		return !t.Failed()
	})
	t.Logf("%d events, %d calls of handlers", events, calls)
	if uint64(calls) < 20*howMany() {
		t.Errorf("%d calls in %d schedules: the handlers have too little to do", calls, howMany())
	}
}

// Each of these seeds once broke a rule; what was mended is said with it.
func TestMendedHolesStayMended(t *testing.T) {
	for _, hole := range mendedHoles {
		t.Run(fmt.Sprintf("%d", hole.seed), func(t *testing.T) {
			t.Parallel()
			if r := Run(hole.seed); r.Violation != nil {
				t.Errorf("once: %s\nnow: %v", hole.what, r)
			}
		})
	}
}

func TestSameSeedIsTheSameScheduleByteForByte(t *testing.T) {
	for seed := *firstSeed; seed < *firstSeed+20; seed++ {
		if diff := cmp.Diff(Tell(seed), Tell(seed)); diff != "" {
			t.Fatalf("seed %d told two stories (-first +second):\n%s", seed, diff)
		}
	}
}

func TestSeedsDiffer(t *testing.T) {
	if Tell(*firstSeed) == Tell(*firstSeed+1) {
		t.Errorf("seeds %d and %d tell the same story", *firstSeed, *firstSeed+1)
	}
}

// A story told is the schedule that was judged: telling must not change what happens.
func TestTellingChangesNothing(t *testing.T) {
	for seed := *firstSeed; seed < *firstSeed+20; seed++ {
		told, untold := once(seed, &faults{}, true), once(seed, &faults{}, false)
		told.story = ""
		if told.Violation != nil {
			told.Violation.Story = nil
		}
		if diff := cmp.Diff(told, untold, cmp.AllowUnexported(Result{})); diff != "" {
			t.Fatalf("seed %d went otherwise when told (-told +untold):\n%s", seed, diff)
		}
	}
}

// A rule taken away is found out. Those that need thousands of schedules are left to make soak, and with the race
// detector on those that need hundreds.
func TestMissingRulesAreFoundOut(t *testing.T) {
	for _, m := range rulesTakenAway {
		if m.within > 500 && raceDetector || m.within > 1000 {
			continue
		}
		t.Run(m.name, func(t *testing.T) {
			f := m.seek(*firstSeed, m.within, func(Finding) {})
			if !f.Found {
				t.Errorf("%v; from seed %d", f, *firstSeed)
			}
			t.Log(f)
		})
	}
}

// Every kind of trouble must really occur, or a schedule proves less than it says.
func TestEveryActionIsTaken(t *testing.T) {
	taken := [actions]int{}
	for seed := *firstSeed; seed < *firstSeed+200; seed++ {
		w := newWorld(seed, &faults{}, false)
		w.adversary.begin()
		w.until(w.settings.Active)
		for a, n := range w.adversary.taken {
			taken[a] += n
		}
	}
	for a, n := range taken {
		if n < 20 {
			t.Errorf("%v: %d times in 200 schedules", action(a), n)
		}
	}
}
