// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

// Command sim runs simulated schedules of the ownership protocol against an adversary.
//
//	sim [-seed N] [-runs M] [-story]   M schedules from seed N on (default: a random seed, printed)
//	sim -faults [-only text] [-seed N] takes each safety rule away, or those so named, and looks whether that is found
//
// It ends with status 1 when a rule broke, or when a missing rule was not found out.
package main

import (
	"flag"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"os"
	"slices"
	"time"

	"convoy.dev/convoy/hack/sim"
)

func main() {
	os.Exit(run(os.Args[1:], os.Stdout))
}

func run(args []string, out io.Writer) int {
	flags := flag.NewFlagSet("sim", flag.ExitOnError)
	seed := flags.Uint64("seed", 0, "the first seed; 0: a random one")
	runs := flags.Uint64("runs", 10000, "how many schedules")
	story := flags.Bool("story", false, "tell the whole story of the first seed")
	faults := flags.Bool("faults", false, "take each rule away and look whether that is found")
	only := flags.String("only", "", "with -faults: only rules whose name contains this")
	if err := flags.Parse(args); err != nil {
		fmt.Fprintln(out, err)
		return 2
	}
	if *seed == 0 {
		*seed = rand.Uint64N(1 << 48)
	}
	switch {
	case *story:
		fmt.Fprint(out, sim.Tell(*seed))
		return 0
	case *faults:
		return removeRules(out, *seed, *only)
	}
	return schedules(out, *seed, *runs)
}

// maxShown is how many broken schedules are shown before the run ends.
const maxShown = 5

func schedules(out io.Writer, seed, runs uint64) int {
	fmt.Fprintf(out, "sim: %d schedules from seed %d\n", runs, seed)
	start := time.Now()
	pace := newPace(start)
	var done, events, calls uint64
	broken, excused := 0, map[string]int{}
	sim.Many(seed, runs, func(r sim.Result) bool {
		done++
		events += uint64(r.Steps)
		calls += uint64(r.Calls)
		for excuse, n := range r.Excused {
			excused[excuse] += n
		}
		if r.Violation != nil {
			broken++
			fmt.Fprintln(out, r)
		}
		if now := time.Now(); pace.due(now) {
			fmt.Fprintf(out, "sim: %d of %d schedules, %d broken, %v\n", done, runs, broken, now.Sub(start).Round(time.Second))
		}
		return broken < maxShown
	})
	fmt.Fprintf(out, "sim: %d schedules, %d events, %d calls of handlers, %d broken, in %v; seed %d\n", done, events, calls, broken,
		time.Since(start).Round(time.Millisecond), seed)
	for _, excuse := range slices.Sorted(maps.Keys(excused)) {
		fmt.Fprintf(out, "sim: %d pods deleted with lanes are excused: %s\n", excused[excuse], excuse)
	}
	if broken > 0 {
		return 1
	}
	return 0
}

func removeRules(out io.Writer, seed uint64, only string) int {
	fmt.Fprintf(out, "sim: each rule taken away, from seed %d\n", seed)
	missed := 0
	pace := newPace(time.Now())
	sim.RemoveRules(seed, only, func(f sim.Finding) {
		if pace.due(time.Now()) {
			fmt.Fprintf(out, "looking for %-28s %d schedules\n", f.Name, f.Schedules)
		}
	}, func(f sim.Finding) {
		fmt.Fprintln(out, f)
		if !f.Found {
			missed++
		}
	})
	fmt.Fprintf(out, "sim: %d missing rules were not found out\n", missed)
	if missed > 0 {
		return 1
	}
	return 0
}

// pace says when progress is told: after a second, then more and more rarely, down to once a minute. A soak takes hours, and
// nobody reads a line for every second of it.
type pace struct {
	next time.Time
	wait time.Duration
}

func newPace(now time.Time) *pace { return &pace{next: now.Add(time.Second), wait: time.Second} }

func (p *pace) due(now time.Time) bool {
	if now.Before(p.next) {
		return false
	}
	p.wait = min(2*p.wait, time.Minute)
	p.next = now.Add(p.wait)
	return true
}
