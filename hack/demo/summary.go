// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"slices"
	"time"

	"convoy.dev/convoy/hack/e2e/checker"
)

// maxShown bounds the violations that are shown.
const maxShown = 20

// summarise says what came of it.
func summarise(report checker.Report, took time.Duration) {
	fmt.Printf("\ndemo: %d messages in %.0f s: %d lost, %d violations; %d rejections, %d retries of failed calls, %d replays after a crash\n",
		report.Published, took.Seconds(), report.Backlog(), report.Violations, report.Rejections, report.Retries, report.Replays)
	if report.Replays > 0 {
		fmt.Printf("demo: replays reach back %v at most\n", report.ReplayReach.Round(time.Millisecond))
	}
	fmt.Println("demo: how long a lane stood still when it moved, from its last call at the former owner to the first at the next; and all lanes at once:")
	for _, act := range acts {
		if lengths := pausesIn(report, act.name); len(lengths) > 0 {
			fmt.Printf("        %-40s %3d hand-overs, median %v, longest %v; all %v\n", act.name, len(lengths),
				lengths[len(lengths)/2].Round(time.Millisecond), lengths[len(lengths)-1].Round(time.Millisecond),
				report.Still[act.name].Round(time.Millisecond))
		}
	}
	for _, v := range report.Words[:min(len(report.Words), maxShown)] {
		fmt.Printf("        !! %v\n", v)
	}
}

// pausesIn are the lengths of the pauses in an act, ascending.
func pausesIn(report checker.Report, act string) []time.Duration {
	var lengths []time.Duration
	for _, pause := range report.Pauses {
		if pause.Phase == act {
			lengths = append(lengths, pause.Length)
		}
	}
	slices.Sort(lengths)
	return lengths
}
