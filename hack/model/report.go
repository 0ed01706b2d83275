// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
)

// finding is what a verifier has come upon first.
type finding string

const (
	nothing   finding = "nothing"
	assertion finding = "assertion violated"
	unsettled finding = "never settles"
	deadlock  finding = "invalid end state"
	other     finding = "another error"
)

// report is what a verifier's output says.
type report struct {
	errors int
	states int     // stored
	memory float64 // MiB
	found  finding
	// cut says why the search was not exhaustive; empty if it was. An error cuts a search short, too, and is not said here.
	cut string
}

var (
	errorsLine = regexp.MustCompile(`errors: (\d+)`)
	statesLine = regexp.MustCompile(`(?m)^\s*(\S+) states, stored`)
	memoryLine = regexp.MustCompile(`(?m)^\s*(\S+)\s+total actual memory usage`)
)

// cuts are the words by which a verifier says that it did not see everything.
var cuts = []string{"max search depth too small", "out of memory", "reached -DMEMLIM bound", "hash table is full", "too many processes", "VECTORSZ"}

// parse reads a verifier's output. The report's numbers must be there: an output without them is an error.
func parse(output string) (report, error) {
	r := report{found: nothing}
	for _, words := range cuts {
		if strings.Contains(output, words) {
			r.cut = words
		}
	}
	count, states := errorsLine.FindStringSubmatch(output), statesLine.FindStringSubmatch(output)
	if count == nil || states == nil {
		return r, fmt.Errorf("reading the verifier's report: no counts in %q", lastLine(output))
	}
	var err error
	if r.errors, err = strconv.Atoi(count[1]); err != nil {
		return r, fmt.Errorf("reading the number of errors: %w", err)
	}
	stored, err := strconv.ParseFloat(states[1], 64)
	if err != nil {
		return r, fmt.Errorf("reading the number of states: %w", err)
	}
	r.states = int(stored)
	if memory := memoryLine.FindStringSubmatch(output); memory != nil {
		if r.memory, err = strconv.ParseFloat(memory[1], 64); err != nil {
			return r, fmt.Errorf("reading the memory used: %w", err)
		}
	}
	if r.errors > 0 {
		r.found = firstFinding(output)
	} else if r.cut == "" && strings.Contains(output, "Search not completed") {
		r.cut = "search not completed"
	}
	return r, nil
}

// firstFinding names the error that a verifier reports: the line that starts with "pan:1:".
func firstFinding(output string) finding {
	for line := range strings.Lines(output) {
		if !strings.HasPrefix(line, "pan:1:") {
			continue
		}
		switch {
		case strings.Contains(line, "assertion violated"):
			return assertion
		case strings.Contains(line, "acceptance cycle"):
			return unsettled
		case strings.Contains(line, "invalid end state"):
			return deadlock
		}
	}
	return other
}

func lastLine(text string) string {
	lines := strings.Split(strings.TrimSpace(text), "\n")
	return lines[len(lines)-1]
}

// judge says why the report fails the check; empty when it passes.
func judge(c check, r report) string {
	if c.clean() {
		switch {
		case r.errors > 0:
			return string(r.found)
		case r.cut != "":
			return "not exhaustive: " + r.cut
		}
		return ""
	}
	want := assertion
	if c.kind != safety {
		want = unsettled
	}
	switch {
	case r.found == want:
		return ""
	case r.found == nothing && r.cut != "":
		return "not found before the search was cut: " + r.cut
	case r.found == nothing:
		return "survives"
	default:
		return fmt.Sprintf("found, but as %q, not as %q", r.found, want)
	}
}
