// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package drain

import (
	"slices"
	"testing"
	"time"
)

// TestDeadlineNamesEachInstant: a runner that steps only at the deadline misses nothing that time brings.
func TestDeadlineNamesEachInstant(t *testing.T) {
	lane := Unit{Lane, 0}
	spec := func(forced bool) Spec {
		grants := []Grant{{Unit: lane, Epoch: 1, Forced: forced}}
		return Spec{Revision: 1, Quarantine: 3 * time.Second, Grants: grants}
	}
	cases := map[string]struct {
		config Config
		events []Event
		want   time.Duration
	}{
		"the end of the barrier": {
			Config{Fence: 10 * time.Second, Barrier: 7 * time.Second, Born: dawn, Predecessor: true},
			[]Event{Started{Spec: spec(false)}, Raised{1}},
			7 * time.Second,
		},
		"the end of the quarantine, before the next confirmation": {
			Config{Fence: 20 * time.Second, Born: dawn},
			[]Event{
				Started{Spec: spec(true)}, Raised{1}, Opened{lane, Token{1, 1}, dawn},
				Confirmed{dawn.Add(time.Millisecond), []Grant{{Unit: lane, Epoch: 1}}},
			},
			3 * time.Second,
		},
		"the end of the hold, before the next question": {
			// Opened after 9 s of a 10 s fence; the question that follows at once has its next turn after 2.5 s.
			Config{Fence: 10 * time.Second, Born: dawn},
			[]Event{Started{Spec: spec(false)}, Raised{1}, Opened{lane, Token{1, 1}, dawn.Add(-9 * time.Second)}},
			time.Second,
		},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			m := New(c.config)
			for _, e := range c.events {
				m.Step(dawn, e, nil)
			}
			if got := m.Deadline(dawn).Sub(dawn); got != c.want {
				t.Errorf("the deadline is in %v, want %v", got, c.want)
			}
		})
	}
}

// TestExitWaitsForTheReportThatResigns: an earlier report whose answer comes late does not end the process.
func TestExitWaitsForTheReportThatResigns(t *testing.T) {
	exits := func(effects []Effect) bool {
		return slices.ContainsFunc(effects, func(e Effect) bool { return e.Type == Exit })
	}
	m := running(t)
	earlier := m.Report()
	m.Step(dawn, Terminated{}, nil)
	m.Step(dawn, Emptied{Unit{Lane, 0}, 1}, nil)
	if exits(m.Step(dawn, Written{earlier}, nil)) {
		t.Error("the process ends before it is known that it has resigned")
	}
	if !exits(m.Step(dawn, Written{m.Report()}, nil)) {
		t.Error("the process does not end when it is known that it has resigned")
	}
}

// TestReplacedStartsNothing: the answer does not wait for the runner to have ended the process.
func TestReplacedStartsNothing(t *testing.T) {
	m := running(t)
	m.Step(dawn, Replaced{}, nil)
	if m.MayStart(Unit{Lane, 0}, dawn) {
		t.Error("a process that was replaced may start a message")
	}
}

// TestInheritsOnlyWhatWasHeld: what an earlier process was refused does not become held by its end.
func TestInheritsOnlyWhatWasHeld(t *testing.T) {
	m := New(Config{Fence: 10 * time.Second, Barrier: 30 * time.Second, Born: dawn})
	m.Step(dawn, Started{
		Spec: Spec{Revision: 4},
		Report: Report{Observed: 4, Incarnation: 3, Held: []Held{
			{Unit: Unit{Lane, 0}, Epoch: 2, State: Refused, Floor: 5},
			{Unit: Unit{Lane, 1}, Epoch: 2, State: Draining},
		}},
	}, nil)
	got := m.Report()
	if got.Incarnation != 3 {
		t.Errorf("incarnation %d is told before another is raised, want 3", got.Incarnation)
	}
	want := []Held{{Unit: Unit{Lane, 1}, Epoch: 2, State: Barred}}
	if !slices.Equal(got.Held, want) {
		t.Errorf("held is %+v, want %+v", got.Held, want)
	}
}
