// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package order

import (
	"flag"
	"fmt"
	"hash/fnv"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "write what the stories say now into testdata")

// TestStories plays the scripts in testdata. A script is a list of commands, each followed by "----", what the
// sequencer wants done, and an empty line; lines that begin with # are for the reader. The commands are the cases of
// story.play. Positions and sequences are the same numbers; a key written x#7 has the hash 7.
func TestStories(t *testing.T) {
	files, err := filepath.Glob("testdata/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatal("no stories", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txt"), func(t *testing.T) {
			want, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			got := tell(t, string(want), map[string]int{})
			if *update {
				if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
					t.Fatal(err)
				}
				return
			}
			if diff := cmp.Diff(string(want), got); diff != "" {
				t.Errorf("the story goes differently (-want +got):\n%s", diff)
			}
		})
	}
}

// tell plays a script and returns it with what really happens. It counts the changes of state in seen.
func tell(t *testing.T, script string, seen map[string]int) string {
	t.Helper()
	s := &story{t: t, seen: seen, calls: map[string]CallID{}, store: map[string][]Sequence{}}
	var out strings.Builder
	answer := false
	for line := range strings.Lines(script) {
		line = strings.TrimSuffix(line, "\n")
		switch {
		case answer:
			answer = line != ""
		case line == "----":
			answer = true
		case line == "" || strings.HasPrefix(line, "#"):
			fmt.Fprintln(&out, line)
		default:
			fmt.Fprintf(&out, "%s\n----\n%s\n", line, s.do(line))
		}
	}
	return out.String()
}

type story struct {
	t      *testing.T
	config Config
	seq    *Sequencer
	now    Instant
	out    strings.Builder
	calls  map[string]CallID
	names  int
	// pending are store operations, reads what was asked for, in order; store is the parking store by lane and key.
	pending, reads []Effect
	store          map[string][]Sequence
	keys           map[Position]string
	parked         []ParkedKey
	attempts       []Attempt
	effects        []Effect
	seen           map[string]int
}

func hashOf(key string) uint64 {
	if _, number, ok := strings.Cut(key, "#"); ok {
		n, _ := strconv.ParseUint(number, 10, 64)
		return n
	}
	h := fnv.New64a()
	h.Write([]byte(key))
	return h.Sum64()
}

// arguments are the words of a command: name=value, or plain.
type arguments struct {
	t     *testing.T
	named map[string]string
	plain []string
}

func (s *story) parse(line string) (string, *arguments) {
	words := strings.Fields(line)
	a := &arguments{t: s.t, named: map[string]string{}}
	for _, word := range words[1:] {
		if name, value, ok := strings.Cut(word, "="); ok {
			a.named[name] = value
		} else {
			a.plain = append(a.plain, word)
		}
	}
	return words[0], a
}

func (a *arguments) number(name string) int {
	if a.named[name] == "" {
		return 0
	}
	return a.parse(a.named[name])
}

// parse reads a number or a duration.
func (a *arguments) parse(value string) int {
	if n, err := strconv.Atoi(value); err == nil {
		return n
	}
	d, err := time.ParseDuration(value)
	if err != nil {
		a.t.Fatalf("neither a number nor a duration: %q", value)
	}
	return int(d)
}

func (a *arguments) has(word string) bool { return slices.Contains(a.plain, word) }

// do plays one command and tells what follows.
func (s *story) do(line string) string {
	s.out.Reset()
	command, a := s.parse(line)
	if result := s.play(command, a); result != "" {
		s.say("%s", result)
	}
	if s.seq != nil {
		s.seq.trace = func(from State, on trigger, to State) { s.seen[fmt.Sprintf("%v %v %v", from, on, to)]++ }
		s.effects = s.seq.Poll(s.now, s.effects)
		for _, e := range s.effects {
			s.tellEffect(e)
		}
	}
	if s.out.Len() == 0 {
		s.say("nothing")
	}
	return s.out.String()
}

func (s *story) say(format string, args ...any) { fmt.Fprintf(&s.out, format+"\n", args...) }

func (s *story) play(command string, a *arguments) string {
	lane := int32(a.number("lane"))
	switch command {
	case "config":
		return s.configure(a)
	case "crash":
		s.seq, _ = New(s.config)
		s.pending, s.reads, s.calls = nil, nil, map[string]CallID{}
	case "parked":
		s.park(lane, a)
	case "tried":
		s.attempts = append(s.attempts, Attempt{
			Position: Position(a.number("position")), Sequence: Sequence(a.number("sequence")),
			Hash: hashOf(a.plain[0]), Key: a.plain[0], Attempts: uint32(a.number("attempts")),
		})
	case "open":
		return s.open(lane, a)
	case "message":
		return s.message(lane, a)
	case "time":
		s.now += Instant(a.parse(a.plain[0]))
	case "pause":
		return told(s.seq.Pause(lane))
	case "resume":
		return told(s.seq.Resume(lane))
	case "revoke":
		return told(s.seq.Revoke(lane))
	case "fenced":
		return told(s.seq.Fenced(lane))
	case "release":
		return told(s.seq.Release(lane, hashOf(a.plain[0]), a.plain[0]))
	case "discard":
		return told(s.seq.Discard(lane, hashOf(a.plain[0]), a.plain[0]))
	case "peek":
		return s.peek(lane, a)
	case "store", "read", "flush":
		s.answer(command, lane, a)
	case "done", "failed", "timedout", "notstarted":
		return s.conclude(command, a)
	default:
		return s.ask(command, lane)
	}
	return ""
}

// ask plays the commands that only look.
func (s *story) ask(command string, lane int32) string {
	switch command {
	case "credit":
		return fmt.Sprint("credit ", s.seq.Credit(lane))
	case "deadline":
		at, ok := s.seq.Deadline()
		return fmt.Sprintf("deadline in %v (%v)", time.Duration(at-s.now), ok)
	case "progress":
		var p Progress
		s.seq.Snapshot(lane, &p)
		return tellProgress(&p)
	case "waits":
		w, ok := s.seq.Waits(lane)
		if !ok {
			return "it does not drain"
		}
		return fmt.Sprintf("waits for %s, %d calls since %v, %d store operations", w.Key, w.Calls, time.Duration(w.Started), w.Stores)
	case "keys":
		return fmt.Sprintf("%d keys, %d calls", s.seq.Len(), s.seq.Running())
	}
	s.t.Fatalf("no command %q", command)
	return ""
}

func (s *story) peek(lane int32, a *arguments) string {
	c, known := s.seq.Peek(lane, hashOf(a.plain[0]), a.plain[0], 3)
	if !known {
		return "nothing of it"
	}
	text := fmt.Sprintf("%v, attempts %d, messages %d: %v", c.State, c.Attempts, c.Messages, c.Sequences)
	if c.Parked > 0 {
		text += fmt.Sprintf(", %d parked", c.Parked)
	}
	if c.Running > 0 {
		text += fmt.Sprintf(", %d in a call since %v", c.Running, time.Duration(c.Started))
	}
	if c.Due > 0 {
		text += fmt.Sprintf(", due in %v", time.Duration(c.Due-s.now))
	}
	return text
}

func told(ok bool) string {
	if ok {
		return ""
	}
	return "refused"
}

func (s *story) configure(a *arguments) string {
	s.config = Config{
		MaxInFlightKeys: a.number("inflight"), Timeout: int64(a.number("timeout")), MaxAttempts: a.number("attempts"), BatchMaxMessages: a.number("batch"),
		BatchMaxBytes: a.number("batchbytes"),
		Buffer:        a.number("buffer"), LookAhead: a.number("lookahead"), ParkMaxKeys: a.number("parkkeys"), ParkMaxMessagesPerKey: a.number("parkmessages"),
		OutageKeys: a.number("outage"), Brake: Brake{MinFailed: a.number("brake")}, Seed: 1,
	}
	s.config.OnFailure = Policy(max(0, slices.Index(policyNames[:], a.named["onfailure"])))
	var err error
	if s.seq, err = New(s.config); err != nil {
		return err.Error()
	}
	return ""
}

func (s *story) open(lane int32, a *arguments) string {
	p := Progress{LowWater: Position(a.number("low")), Attempts: s.attempts}
	for _, span := range strings.FieldsFunc(a.named["ranges"], func(r rune) bool { return r == ',' }) {
		from, to, _ := strings.Cut(span, "-")
		p.Ranges = append(p.Ranges, Range{Position(a.parse(from)), Position(a.parse(to))})
	}
	err := s.seq.Open(Opening{
		Lane: lane, Epoch: uint64(a.number("epoch")), Progress: p, Parked: s.parked,
		Crashed: a.has("crashed"), CarefulThrough: Position(a.number("careful")),
	})
	s.parked, s.attempts = nil, nil
	if err != nil {
		return err.Error()
	}
	return ""
}

// park puts messages of a key into the parking store of a lane to be opened.
func (s *story) park(lane int32, a *arguments) {
	key := a.plain[0]
	var sequences []Sequence
	for _, word := range a.plain[1:] {
		if word != "released" {
			sequences = append(sequences, Sequence(a.parse(word)))
		}
	}
	s.store[fmt.Sprint(lane, "/", key)] = sequences
	s.parked = append(s.parked, ParkedKey{
		Hash: hashOf(key), Key: key, First: sequences[0], Last: sequences[len(sequences)-1],
		Count: len(sequences), Released: a.has("released"),
	})
}

func (s *story) message(lane int32, a *arguments) string {
	for _, word := range a.plain[1:] {
		n := a.parse(word)
		if s.keys == nil {
			s.keys = map[Position]string{}
		}
		s.keys[Position(n)] = a.plain[0]
		if !s.seq.Message(lane, Message{Position: Position(n), Sequence: Sequence(n), Hash: hashOf(a.plain[0]), Key: a.plain[0], Payload: Payload(n), Size: uint32(a.number("size"))}) {
			return "refused " + word
		}
	}
	return ""
}
