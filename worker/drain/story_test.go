// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package drain

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "rewrite the stories in testdata with what the machine does now")

// TestStories plays every story of testdata. A line that begins with ">" is an event at a time, the lines below it
// are what the machine did.
func TestStories(t *testing.T) {
	names, err := filepath.Glob("testdata/*.txt")
	if err != nil || len(names) == 0 {
		t.Fatalf("no stories in testdata: %v", err)
	}
	for _, name := range names {
		t.Run(strings.TrimSuffix(filepath.Base(name), ".txt"), func(t *testing.T) {
			want, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			got := tell(t, string(want))
			if *update {
				if err := os.WriteFile(name, []byte(got), 0o644); err != nil {
					t.Fatal(err)
				}
				return
			}
			if diff := cmp.Diff(string(want), got); diff != "" {
				t.Errorf("the story goes another way (-told +happened); -update rewrites it:\n%s", diff)
			}
		})
	}
}

var dawn = time.Date(2030, 1, 1, 0, 0, 0, 0, time.UTC)

// tell plays the events of a story and returns it with what the machine did.
func tell(t *testing.T, story string) string {
	t.Helper()
	var out strings.Builder
	var m *Machine
	for line := range strings.Lines(story) {
		line = strings.TrimSpace(line)
		switch {
		case line == "" || strings.HasPrefix(line, "#"):
			fmt.Fprintln(&out, line)
		case strings.HasPrefix(line, ">"):
			fmt.Fprintln(&out, line)
			words := strings.Fields(line[1:])
			if words[1] == "process" {
				m = New(parseConfig(t, words[2:]))
				continue
			}
			at := dawn.Add(parseDuration(t, words[0]))
			for _, e := range m.Step(at, parseEvent(t, m, words[1:]), nil) {
				fmt.Fprintln(&out, "    "+describe(e))
			}
			if words[1] == "may" {
				fmt.Fprintf(&out, "    %v\n", m.MayStart(parseUnit(t, words[2]), at))
			}
		}
	}
	return out.String()
}

func describe(e Effect) string {
	switch e.Type {
	case RaiseIncarnation, WriteReport:
		return fmt.Sprintf("%v: %s", e.Type, describeReport(e.Report))
	case Confirm:
		return fmt.Sprintf("%v: %s", e.Type, describeGrants(e.Grants))
	case Exit:
		return e.Type.String()
	default:
		return fmt.Sprintf("%v: %s token %v", e.Type, unitName(e.Unit), e.Token)
	}
}

func describeReport(r Report) string {
	words := []string{fmt.Sprintf("incarnation %d, observed %d", r.Incarnation, r.Observed)}
	if r.Resigned {
		words = append(words, "resigned")
	}
	for _, h := range r.Held {
		word := fmt.Sprintf("%s@%d %v", unitName(h.Unit), h.Epoch, h.State)
		if h.State == Refused {
			word += fmt.Sprintf(" floor %d", h.Floor)
		}
		if h.Waits != "" {
			word += fmt.Sprintf(" waits for %q", h.Waits)
		}
		words = append(words, word)
	}
	return strings.Join(words, ", ")
}

func describeGrants(grants []Grant) string {
	var words []string
	for _, g := range grants {
		words = append(words, fmt.Sprintf("%s@%d", unitName(g.Unit), g.Epoch))
	}
	return strings.Join(words, " ")
}

func unitName(u Unit) string {
	return map[Kind]string{Lane: "lane", Shard: "shard"}[u.Kind] + strconv.Itoa(int(u.Index))
}

func parseConfig(t *testing.T, words []string) Config {
	t.Helper()
	c := Config{Fence: 10 * time.Second, Born: dawn, Protocol: Protocol{1, 1}}
	for _, word := range words {
		switch name, value, _ := strings.Cut(word, "="); name {
		case "barrier":
			c.Barrier = parseDuration(t, value)
		case "predecessor":
			c.Predecessor = true
		case "resigned":
			c.Predecessor, c.Resigned = true, true
		case "born":
			c.Born = dawn.Add(parseDuration(t, value))
		default:
			t.Fatalf("unknown setting %q", word)
		}
	}
	return c
}

// parseEvent reads one event, such as "seen 7 lane0@3 lane1@4!" (revision 7; "!" marks a forced grant).
func parseEvent(t *testing.T, m *Machine, words []string) Event {
	t.Helper()
	rest := words[1:]
	switch words[0] {
	case "started":
		return Started{Spec: parseSpec(t, before(rest, "report")), Report: parseReport(t, after(rest, "report"))}
	case "seen":
		return Seen{Spec: parseSpec(t, rest)}
	case "missing":
		return Missing{}
	case "waits":
		g := parseGrants(t, rest[:1])[0]
		return Waits{Unit: g.Unit, Epoch: g.Epoch, Key: strings.Join(rest[1:], " ")}
	case "raised":
		return Raised{Incarnation: parseInt(t, rest[0])}
	case "opened":
		return Opened{Unit: parseUnit(t, rest[0]), Token: parseToken(t, rest[1]), Sent: dawn.Add(parseDuration(t, rest[2]))}
	case "refused":
		own := rest[len(rest)-1] == "own"
		return OpenRefused{Unit: parseUnit(t, rest[0]), Token: parseToken(t, rest[1]), Record: parseToken(t, rest[2]), Own: own}
	case "confirmed":
		return Confirmed{Sent: dawn.Add(parseDuration(t, rest[0])), Grants: parseGrants(t, rest[1:])}
	case "superseded":
		g := parseGrants(t, rest[:1])[0]
		return Superseded{Unit: g.Unit, Epoch: g.Epoch, Floor: parseInt(t, rest[1])}
	case "emptied":
		g := parseGrants(t, rest)[0]
		return Emptied{Unit: g.Unit, Epoch: g.Epoch}
	case "written":
		return Written{Report: m.Report()}
	case "ticked", "may":
		return Ticked{}
	case "terminated":
		return Terminated{}
	case "replaced":
		return Replaced{}
	}
	t.Fatalf("unknown event %q", words[0])
	return nil
}

func parseSpec(t *testing.T, words []string) Spec {
	t.Helper()
	return Spec{Revision: parseInt(t, words[0]), Quarantine: 40 * time.Second, Grants: parseGrants(t, words[1:])}
}

func parseReport(t *testing.T, words []string) Report {
	t.Helper()
	var r Report
	for i, word := range words {
		switch {
		case i == 0:
			r.Incarnation = parseInt(t, word)
		case i == 1:
			r.Observed = parseInt(t, word)
		case word == "resigned":
			r.Resigned = true
		default:
			g := parseGrants(t, []string{word})[0]
			r.Held = append(r.Held, Held{Unit: g.Unit, Epoch: g.Epoch, State: Running})
		}
	}
	return r
}

func parseGrants(t *testing.T, words []string) []Grant {
	t.Helper()
	var grants []Grant
	for _, word := range words {
		name, epoch, _ := strings.Cut(word, "@")
		number, forced := strings.CutSuffix(epoch, "!")
		grants = append(grants, Grant{Unit: parseUnit(t, name), Epoch: parseInt(t, number), Forced: forced})
	}
	return grants
}

func parseUnit(t *testing.T, word string) Unit {
	t.Helper()
	if number, ok := strings.CutPrefix(word, "shard"); ok {
		return Unit{Shard, int32(parseInt(t, number))}
	}
	return Unit{Lane, int32(parseInt(t, strings.TrimPrefix(word, "lane")))}
}

func parseToken(t *testing.T, word string) Token {
	t.Helper()
	epoch, incarnation, _ := strings.Cut(word, ".")
	return Token{parseInt(t, epoch), parseInt(t, incarnation)}
}

func parseInt(t *testing.T, word string) int64 {
	t.Helper()
	n, err := strconv.ParseInt(word, 10, 64)
	if err != nil {
		t.Fatalf("reading a number: %v", err)
	}
	return n
}

func parseDuration(t *testing.T, word string) time.Duration {
	t.Helper()
	d, err := time.ParseDuration(word)
	if err != nil {
		t.Fatalf("reading a time: %v", err)
	}
	return d
}

func before(words []string, mark string) []string {
	for i, word := range words {
		if word == mark {
			return words[:i]
		}
	}
	return words
}

func after(words []string, mark string) []string {
	return words[min(len(words), len(before(words, mark))+1):]
}
