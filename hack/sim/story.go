// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package sim

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// about says whom a line of the story concerns; empty fields concern everybody.
type about struct {
	pod  string
	lane string // "lane 3", "shard 0"
	key  string
}

// line is one event of a schedule, in words.
type line struct {
	at    time.Duration
	about about
	text  string
}

// story is what happened in a schedule. It is told only when asked for: a schedule that broke a rule is run again
// from its seed, and tells.
type story struct {
	on    bool
	lines []line
}

func (s *story) tell(at time.Duration, whom about, format string, args ...any) {
	if s.on {
		s.lines = append(s.lines, line{at: at, about: whom, text: fmt.Sprintf(format, args...)})
	}
}

func (l line) String() string {
	var whom []string
	for _, part := range []string{l.about.pod, l.about.lane, l.about.key} {
		if part != "" {
			whom = append(whom, part)
		}
	}
	return fmt.Sprintf("%9.3fs  %-24s %s", l.at.Seconds(), strings.Join(whom, " "), l.text)
}

// String is the whole story, for comparing two runs byte for byte.
func (s *story) String() string {
	var b strings.Builder
	for _, l := range s.lines {
		b.WriteString(l.String())
		b.WriteByte('\n')
	}
	return b.String()
}

// last are the last n lines that concern what was violated.
func (s *story) last(n int, v *Violation) []string {
	var told []string
	for _, l := range slices.Backward(s.lines) {
		if len(told) == n {
			break
		}
		if v.concerns(l.about) {
			told = append(told, l.String())
		}
	}
	slices.Reverse(told)
	return told
}

// Violation is a broken rule.
type Violation struct {
	Rule  Rule
	At    time.Duration
	Text  string
	Pods  []string
	Lanes []string
	Keys  []string
	Story []string // the last events that concern it
}

// concerns says whether a line belongs to the violation's story. Lines about nobody in particular do.
func (v *Violation) concerns(a about) bool {
	switch {
	case a == about{}:
		return true
	case len(v.Keys) == 0 && len(v.Lanes) == 0 && len(v.Pods) > 0:
		return slices.Contains(v.Pods, a.pod)
	case a.key != "" && len(v.Keys) > 0:
		return slices.Contains(v.Keys, a.key)
	case a.lane != "" && len(v.Lanes) > 0:
		return slices.Contains(v.Lanes, a.lane)
	case a.pod != "" && len(v.Pods) > 0:
		return slices.Contains(v.Pods, a.pod)
	default:
		return true
	}
}
