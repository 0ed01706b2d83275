// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package sim

import (
	"fmt"
	"runtime/debug"
	"strings"
)

// Result is what came of one schedule.
type Result struct {
	Seed      uint64
	Steps     int            // events
	Plans     int            // plans made
	Calls     int            // calls that reached a handler
	Tables    int            // tables written
	Excused   map[string]int // pods deleted with lanes that are nobody's fault of ours, by the excuse
	Violation *Violation     // nil when every rule held
	story     string
}

// storyLines is how much of a story is shown.
const storyLines = 70

// Run goes through the schedule of a seed. The same seed gives the same schedule. One that breaks a rule is gone
// through once more, to tell its story.
func Run(seed uint64) Result { return run(seed, &faults{}) }

func run(seed uint64, f *faults) Result {
	r := once(seed, f, false)
	if r.Violation == nil {
		return r
	}
	return once(seed, f, true)
}

func once(seed uint64, f *faults, told bool) (r Result) {
	w := newWorld(seed, f, told)
	defer func() {
		if p := recover(); p != nil {
			w.check.fail(Panicked, about{}, "%v\n%s", p, debug.Stack())
		}
		r = Result{Seed: seed, Steps: w.clock.steps, Plans: w.plans, Calls: w.check.calls, Tables: len(w.tables), Excused: w.check.excused, Violation: w.check.broken}
		if told {
			r.story = w.story.String()
			if r.Violation != nil {
				r.Violation.Story = w.story.last(storyLines, r.Violation)
			}
		}
	}()
	w.run()
	return r
}

// String is a readable account: one line when every rule held, otherwise the story and how to hear it again.
func (r Result) String() string {
	if r.Violation == nil {
		return fmt.Sprintf("seed %d: every rule held (%d events, %d plans, %d tables, %d calls)", r.Seed, r.Steps, r.Plans, r.Tables, r.Calls)
	}
	v := r.Violation
	var b strings.Builder
	fmt.Fprintf(&b, "seed %d broke %s at %.3fs: %s\n", r.Seed, v.Rule, v.At.Seconds(), v.Text)
	fmt.Fprintf(&b, "settings: %v\n", draw(newDice(r.Seed)))
	fmt.Fprintf(&b, "the last %d events that concern it:\n", len(v.Story))
	for _, l := range v.Story {
		fmt.Fprintf(&b, "  %s\n", l)
	}
	fmt.Fprintf(&b, "to see it again: go run ./hack/sim/cmd/sim -seed %d -runs 1\n", r.Seed)
	return b.String()
}

// Tell is the whole story of a seed's schedule, for reading and for comparing two runs byte for byte.
func Tell(seed uint64) string {
	r := once(seed, &faults{}, true)
	return fmt.Sprintf("%ssteps %d, plans %d, calls %d, %v\n", r.story, r.Steps, r.Plans, r.Calls, r.Violation != nil)
}
