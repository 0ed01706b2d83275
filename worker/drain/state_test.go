// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package drain

import (
	"slices"
	"testing"
	"time"
)

// TestTransitions walks every pair of state and trigger, those that change nothing included.
func TestTransitions(t *testing.T) {
	want := map[HeldState]string{
		Closed:   "wanted>Opening",
		Barred:   "",
		Opening:  "unwanted>Closed opened>Running openedForced>Fencing superseded>Refused",
		Fencing:  "unwanted>Closed outlasted>Running superseded>Refused",
		Running:  "unwanted>Draining superseded>Draining",
		Draining: "emptied>Closed",
		Refused:  "unwanted>Closed",
	}
	for s := range heldStates {
		got := ""
		for trigger := range triggers {
			if next := s.on(trigger); next != stay {
				if got != "" {
					got += " "
				}
				got += trigger.String() + ">" + next.to.String()
			}
		}
		if got != want[s] {
			t.Errorf("%v goes %q, want %q", s, got, want[s])
		}
	}
}

// TestNothingLeavesHeldSilently: whoever leaves a state in which calls may run has told the runner to end them, or
// was told that none run.
func TestNothingLeavesHeldSilently(t *testing.T) {
	for _, s := range []HeldState{Running, Draining} {
		for trigger, next := range transitions[s] {
			if !next.to.Holds() && next.do != AbortUnit && trigger != emptied {
				t.Errorf("%v leaves %v for %v and tells nobody", trigger, s, next.to)
			}
		}
	}
}

func TestTokensOrder(t *testing.T) {
	tokens := []Token{{1, 1}, {1, 2}, {1, MaxIncarnation}, {2, 1}, {3, 0}}
	if !slices.IsSortedFunc(tokens, func(a, b Token) int { return int(a.Number() - b.Number()) }) {
		t.Errorf("numbers of %v do not grow", tokens)
	}
	if tokens[3].Less(tokens[2]) || !tokens[2].Less(tokens[3]) {
		t.Errorf("a new epoch must come after every incarnation of the one before")
	}
}

func TestNamesAreComplete(t *testing.T) {
	for e := range Exit + 1 {
		if e.String() == "" {
			t.Errorf("effect %d has no name", uint8(e))
		}
	}
	if got := HeldState(99).String(); got != "HeldState(99)" {
		t.Errorf("an unknown state is named %q", got)
	}
}

// running returns a machine that holds one lane, confirmed at dawn.
func running(t *testing.T) *Machine {
	t.Helper()
	m := New(Config{Fence: 10 * time.Second, Born: dawn})
	for _, e := range []Event{
		Started{Spec: Spec{Revision: 1, Grants: []Grant{{Unit: Unit{Lane, 0}, Epoch: 1}}}},
		Raised{1},
		Opened{Unit{Lane, 0}, Token{1, 1}, dawn},
	} {
		m.Step(dawn, e, nil)
	}
	return m
}

func TestMayStartAllocatesNothing(t *testing.T) {
	m := running(t)
	now := dawn.Add(time.Second)
	allocs := testing.AllocsPerRun(100, func() {
		if !m.MayStart(Unit{Lane, 0}, now) || m.MayStart(Unit{Shard, 0}, now) {
			t.Fatal("the hold check is wrong")
		}
	})
	if allocs != 0 {
		t.Errorf("MayStart allocates %v times", allocs)
	}
}

func TestDeadlineIsAlwaysAhead(t *testing.T) {
	m := running(t)
	if got := New(Config{}).Deadline(dawn); !got.IsZero() {
		t.Errorf("an idle machine waits for %v", got)
	}
	now := dawn
	for range 100 {
		next := m.Deadline(now)
		if !next.After(now) {
			t.Fatalf("at %v the deadline is %v", now, next)
		}
		now = next
		m.Step(now, Ticked{}, nil)
	}
}

func BenchmarkMayStart(b *testing.B) {
	m := New(Config{Fence: 10 * time.Second, Born: dawn})
	var grants []Grant
	for i := range int32(256) {
		grants = append(grants, Grant{Unit: Unit{Lane, i}, Epoch: 1})
	}
	m.Step(dawn, Started{Spec: Spec{Revision: 1, Grants: grants}}, nil)
	m.Step(dawn, Raised{1}, nil)
	for _, g := range grants {
		m.Step(dawn, Opened{g.Unit, Token{1, 1}, dawn}, nil)
	}
	b.ReportAllocs()
	i := int32(0)
	for b.Loop() {
		if !m.MayStart(Unit{Lane, i & 255}, dawn) {
			b.Fatal("not held")
		}
		i++
	}
}
