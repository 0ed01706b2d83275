// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"strings"
	"testing"
)

const cleanOutput = `
(Spin Version 6.5.2 -- 6 December 2019)
	+ Partial Order Reduction

Full statespace search for:
	never claim         	- (not selected)
	assertion violations	+
	invalid end states	+

State-vector 172 byte, depth reached 212, errors: 0
  8857538 states, stored
 25112103 states, matched
 33969641 transitions (= stored+matched)

Stats on memory usage (in Megabytes):
 1689.441	equivalent memory usage for states (stored*(State-vector + overhead))
 1448.572	total actual memory usage

pan: elapsed time 72.7 seconds
`

func TestParse(t *testing.T) {
	cases := []struct {
		name, output string
		want         report
	}{
		{"clean", cleanOutput, report{states: 8857538, memory: 1448.572, found: nothing}},
		{"many states are told in powers of ten", strings.Replace(cleanOutput, "8857538 states, stored", "1.5e+08 states, stored", 1),
			report{states: 150_000_000, memory: 1448.572, found: nothing}},
		{"a depth that was too small", "error: max search depth too small\n" + cleanOutput,
			report{states: 8857538, memory: 1448.572, found: nothing, cut: "max search depth too small"}},
		{"memory ran out", "pan: reached -DMEMLIM bound\nWarning: Search not completed\n" + cleanOutput,
			report{states: 8857538, memory: 1448.572, found: nothing, cut: "reached -DMEMLIM bound"}},
		{"not completed for a reason of its own", "Warning: Search not completed\n" + cleanOutput,
			report{states: 8857538, memory: 1448.572, found: nothing, cut: "search not completed"}},
		{"a double owner", failing("pan:1: assertion violated (!(busy[1])) (at depth 70)"),
			report{errors: 1, states: 8857538, memory: 1448.572, found: assertion}},
		{"never settles", failing("pan:1: acceptance cycle (at depth 13)"),
			report{errors: 1, states: 8857538, memory: 1448.572, found: unsettled}},
		{"a process is stuck in a step", failing("pan:1: invalid end state (at depth 9)"),
			report{errors: 1, states: 8857538, memory: 1448.572, found: deadlock}},
		{"an error of another kind", failing("pan:1: indexing x[3] - size is 3 (at depth 9)"),
			report{errors: 1, states: 8857538, memory: 1448.572, found: other}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			got, err := parse(c.output)
			if err != nil {
				t.Fatal(err)
			}
			if got != c.want {
				t.Errorf("parse() = %+v, want %+v", got, c.want)
			}
		})
	}
}

// failing is the report of a search that the given line has ended.
func failing(line string) string {
	return line + "\npan: wrote x.pml.trail\nWarning: Search not completed\n" + strings.Replace(cleanOutput, "errors: 0", "errors: 1", 1)
}

func TestParseRefusesOutputWithoutCounts(t *testing.T) {
	for _, output := range []string{"", "pan: error: too many processes -- current max is 10 procs (-DNFAIR=3)", "State-vector 172 byte, errors: 0"} {
		if r, err := parse(output); err == nil {
			t.Errorf("parse(%q) = %+v, want an error", output, r)
		}
	}
}

func TestJudge(t *testing.T) {
	clean, removed, stuck := check{}, check{removal: "MUT_X"}, check{removal: "MUT_X", kind: rests}
	cases := []struct {
		name   string
		check  check
		report report
		want   string
	}{
		{"clean and exhaustive", clean, report{found: nothing}, ""},
		{"clean, but cut short", clean, report{found: nothing, cut: "max search depth too small"}, "not exhaustive: max search depth too small"},
		{"a clean model errs", clean, report{errors: 1, found: assertion}, "assertion violated"},
		{"a removal is found", removed, report{errors: 1, found: assertion}, ""},
		{"a removal is found, though the depth was small", removed, report{errors: 1, found: assertion, cut: "max search depth too small"}, ""},
		{"a removal survives", removed, report{found: nothing}, "survives"},
		{"a removal is not found in time", removed, report{found: nothing, cut: "out of memory"}, "not found before the search was cut: out of memory"},
		{"safety finds something else", removed, report{errors: 1, found: deadlock}, `found, but as "invalid end state", not as "assertion violated"`},
		{"progress finds it", stuck, report{errors: 1, found: unsettled}, ""},
		{"progress finds a double owner", stuck, report{errors: 1, found: assertion}, `found, but as "assertion violated", not as "never settles"`},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			if got := judge(c.check, c.report); got != c.want {
				t.Errorf("judge() = %q, want %q", got, c.want)
			}
		})
	}
}
