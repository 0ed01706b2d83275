// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import "fmt"

// summary counts what came of the checks.
type summary struct {
	clean, removed, failed int
	states                 int
}

func (s *summary) add(o outcome) {
	if o.check.clean() {
		s.clean++
		s.states += o.report.states
	} else {
		s.removed++
	}
	if o.wrong != "" {
		s.failed++
	}
}

func (s *summary) String() string {
	return fmt.Sprintf("%d clean checks over %d states, %d rules removed, %d failures", s.clean, s.states, s.removed, s.failed)
}

// line tells one outcome: model, check, bounds or switch, verdict, states, memory, seconds.
func line(o outcome) string {
	subject, verdict := o.check.bounds, "clean"
	if !o.check.clean() {
		subject, verdict = o.check.removal, "found"
	}
	if o.wrong != "" {
		verdict = "FAILED: " + o.wrong
	}
	return fmt.Sprintf("%-9s %-15s %-51s %-6s %10d states %6.0f MiB %6.1f s",
		o.check.model, o.check.kind, subject, verdict, o.report.states, o.report.memory, o.took.Seconds())
}
