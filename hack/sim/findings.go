// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package sim

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// missing is a rule taken away: the simulation must find that out.
type missing struct {
	name   string          // of the test
	rule   string          // what is taken away
	found  []Rule          // any of these shows it
	within uint64          // by so many schedules at the latest, from seed 1
	focus  func(*Settings) // the kind of trouble that needs the rule, if it is a rare one
	make   func() *faults
}

// without is the faults of the rule taken away, with is the same schedules with all rules in place.
func (m missing) without() *faults {
	f := m.make()
	f.focus = m.focus
	return f
}

func (m missing) with() *faults { return &faults{focus: m.focus} }

// Finding says whether a missing rule was found out, how and when.
type Finding struct {
	Name, Rule string
	Found      bool
	Seed       uint64
	Schedules  uint64 // gone through until then
	Violation  *Violation
}

func (f Finding) String() string {
	if !f.Found {
		return fmt.Sprintf("NOT FOUND  %-28s %s: %d schedules", f.Name, f.Rule, f.Schedules)
	}
	return fmt.Sprintf("found      %-28s %s: after %d schedules, seed %d: %s: %s", f.Name, f.Rule, f.Schedules, f.Seed, f.Violation.Rule, f.Violation.Text)
}

// patience is how many times as many schedules a rule is given that is looked for from any seed: with a few times the mean
// one of the many would be missed now and then.
const patience = 10

// seek looks in n schedules for one that shows the rule to be missing; gone is told how it goes after each that does not.
func (m missing) seek(first, n uint64, gone func(Finding)) Finding {
	f := Finding{Name: m.name, Rule: m.rule}
	many(first, n, m.without, func(r Result) bool {
		f.Schedules++
		// The same seed with all rules in place must hold, or it shows nothing.
		if r.Violation != nil && slices.Contains(m.found, r.Violation.Rule) && run(r.Seed, m.with()).Violation == nil {
			f.Found, f.Seed, f.Violation = true, r.Seed, r.Violation
			return false
		}
		gone(f)
		return true
	})
	return f
}

// RemoveRules takes the rules of the table away whose name contains a text, one at a time, and reports each. Gone is called
// after every schedule until then.
func RemoveRules(first uint64, name string, gone, report func(Finding)) {
	for _, m := range rulesTakenAway {
		if strings.Contains(m.name, name) {
			report(m.seek(first, patience*m.within, gone))
		}
	}
}

// trouble makes the adversary do nothing but these things; what is named twice, twice as often.
func trouble(kinds ...action) func(*Settings) {
	return func(s *Settings) {
		s.Weights = [actions]int{}
		for _, a := range kinds {
			s.Weights[a]++
		}
	}
}

// oneWorker has a pool of one worker or two, whose operators see things late: then no other mailbox tells that a table is
// an old one.
func oneWorker(focus func(*Settings)) func(*Settings) {
	return func(s *Settings) {
		focus(s)
		s.Workers, s.MaxWorkers, s.API.watchLag, s.Pace = 1, 2, 2*time.Second, 300*time.Millisecond
	}
}

// The rules that show two owners of a lane, in the order in which a schedule comes upon them.
var overlapping = []Rule{DoubleOwner, GivenUnreleased, KeyOverlap, EpochBack, Skipped, WentBack}
