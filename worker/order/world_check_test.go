// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package order

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"runtime/debug"
	"slices"
	"strings"
	"testing"
)

var (
	worldSeed = flag.Uint64("order.seed", 0, "run the random world of this seed alone, with its story")
	worldTail = flag.Int("order.tail", 120, "how much of a failed world's story to print")
	worldRuns = flag.Int("order.runs", 0, "run so many random worlds, instead of the first hundred")
)

func printSequences(c *worldConvoy, open Sequence) string {
	return fmt.Sprintf("%d open, in the store %v, cause %v", open, c.store, c.cause)
}

// TestWorldKeepsItsPromises runs worlds under an adversary of their own; each step is judged against the truth.
func TestWorldKeepsItsPromises(t *testing.T) {
	first, runs := uint64(1), 100
	switch {
	case *worldSeed != 0:
		first, runs = *worldSeed, 1
	case *worldRuns != 0:
		first, runs = rand.Uint64()%1_000_000, *worldRuns
	}
	t.Logf("seeds %d to %d", first, first+uint64(runs)-1)
	for seed := first; seed < first+uint64(runs); seed++ {
		runWorld(t, seed, 3000)
	}
}

// TestWorldsGoEverywhere holds the random worlds to their purpose: every way through the table and every effect is seen
// in a fixed set of them, and two rare ones in a story.
func TestWorldsGoEverywhere(t *testing.T) {
	seen := map[string]int{}
	for seed := range uint64(200) {
		for what, n := range runWorld(t, seed+1, 1500).seen {
			seen[what] += n
		}
	}
	script, err := os.ReadFile("testdata/suspects-moved.txt")
	if err != nil {
		t.Fatal(err)
	}
	tell(t, string(script), seen)
	checkSeen(t, seen)
}

// runWorld runs the world of a seed, and once more with its story if it fails.
func runWorld(t *testing.T, seed uint64, steps int) *world {
	t.Helper()
	w := newWorld(seed)
	if err := w.run(steps); err != nil {
		again := newWorld(seed)
		again.verbose = true
		told := again.run(steps)
		t.Fatalf("-order.seed=%d, %+v: %v (told again: %v)\n%s", seed, w.config, err, told, strings.Join(again.log[max(0, len(again.log)-*worldTail):], "\n"))
	}
	return w
}

func (w *world) run(steps int) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("panic: %v\n%s", p, debug.Stack())
		}
	}()
	for n := 0; n < steps && w.err == nil; n++ {
		w.step()
	}
	if w.err == nil {
		w.rest()
	}
	return w.err
}

// checkSeen holds the worlds to their purpose: every way through the table and every effect must have been seen.
func checkSeen(t *testing.T, seen map[string]int) {
	t.Helper()
	for _, tr := range transitions {
		for _, to := range tr.to {
			if seen[fmt.Sprintf("%v %v %v", tr.from, tr.on, to)] == 0 {
				t.Errorf("no world went from %v to %v when %v", tr.from, to, tr.on)
			}
		}
	}
	for _, name := range effectNames[1:] {
		if seen[name] == 0 {
			t.Errorf("no world had the effect %s", name)
		}
	}
	if seen["discarded"] == 0 {
		t.Error("no world discarded a message")
	}
}

// check recounts everything the sequencer counts, and holds its memory to its bounds.
func (w *world) check() {
	s := w.seq
	payloads, running, parked, pended, live := map[int32]int32{}, map[int32]int32{}, map[int32]int32{}, map[int32]int32{}, 0
	given := map[int32]int{}
	outstanding := map[int32]int{}
	for ki := 1; ki < len(s.keys.items); ki++ {
		k := &s.keys.items[ki]
		if k.lane == 0 {
			continue
		}
		live++
		payloads[k.lane] += k.front.n
		outstanding[k.lane] += int(k.front.n + k.spill.count)
		if p := s.parkOf(k); p != nil {
			payloads[k.lane] += p.window.n + p.requested
			parked[k.lane]++
		}
		if k.call != 0 {
			running[k.lane]++
		}
		if k.pended {
			pended[k.lane]++
		}
		if k.state == DeadLettering {
			given[k.lane]++
		}
		if p := s.parkOf(k); k.state == Resting && (p == nil || !p.holds()) && (p == nil || !p.returned || k.front.n > 0) && !s.lanes[k.lane].draining {
			w.fail("key %s rests without reason", k.name)
		}
	}
	total := 0
	for _, l := range w.lanes {
		li := s.laneIndex(l.number)
		if li == 0 {
			continue
		}
		at := &s.lanes[li]
		total += int(at.running)
		if at.payloads != payloads[li] || at.running != running[li] || at.parked != parked[li] || at.pended != pended[li] || at.ledger.outstanding != outstanding[li] {
			w.fail("lane %d counts %d payloads, %d running, %d parked, %d pended, %d outstanding; there are %d, %d, %d, %d, %d", l.number,
				at.payloads, at.running, at.parked, at.pended, at.ledger.outstanding, payloads[li], running[li], parked[li], pended[li], outstanding[li])
		}
		if at.inRing != s.mayTurn(at) && w.seq.outage.mayStart(w.now) {
			w.fail("lane %d in the round: %v, may turn: %v", l.number, at.inRing, s.mayTurn(at))
		}
		if bound := w.config.Buffer + 3*w.config.MaxInFlightKeys + int(at.parked) + given[li]; int(at.payloads) > bound {
			w.fail("lane %d holds %d payloads, bound %d", l.number, at.payloads, bound)
		}
		if at.ledger.outstanding > w.config.LookAhead {
			w.fail("lane %d has %d outstanding", l.number, at.ledger.outstanding)
		}
	}
	w.checkPeeks()
	if total != s.Running() || live != s.Len() || live != s.index.count {
		w.fail("counts %d calls, %d and %d keys; there are %d and %d", s.Running(), s.Len(), s.index.count, total, live)
	}
	if s.running+s.held > 2*w.config.MaxInFlightKeys {
		w.fail("%d calls", s.running+s.held)
	}
}

// checkPeeks holds what is told of each key to the truth.
func (w *world) checkPeeks() {
	told := 0
	for at, truth := range w.keys {
		c, known := w.seq.Peek(at.lane, truth.hash, at.name, 4)
		if !known {
			continue
		}
		told++
		place := -1
		for _, sequence := range c.Sequences {
			next := slices.Index(truth.sequences, sequence)
			if next <= place {
				w.fail("key %s of lane %d has %v, told %+v", at.name, at.lane, truth.sequences, c)
			}
			place = next
		}
		if len(c.Sequences) > min(4, c.Messages) || c.Running > c.Messages || (c.Running > 0) != (c.State == Running || c.State == Held) {
			w.fail("key %s of lane %d: told %+v", at.name, at.lane, c)
		}
	}
	if told != w.seq.Len() {
		w.fail("%d keys told of, %d in memory", told, w.seq.Len())
	}
}

// dump shows every key in memory.
func (w *world) dump() string {
	var b strings.Builder
	fmt.Fprintf(&b, "outage %+v, %d alone, %v alone running, next %d\n", w.seq.outage, w.seq.alone.n, w.seq.aloneRunning, w.seq.next)
	for _, l := range w.lanes {
		if li := w.seq.laneIndex(l.number); li != 0 {
			at := w.seq.lanes[li]
			fmt.Fprintf(&b, "lane %d at %d/%d: ready %d in round %v, payloads %d, running %d, storing %d, parked %d, pended %d, ",
				l.number, l.cursor, len(l.messages), at.ready.n, at.inRing, at.payloads, at.running, at.storing, at.parked, at.pended)
			fmt.Fprintf(&b, "brake %v, credit %d, refused %d, version %d flushed %d recording %v\n",
				at.brake.state, w.seq.Credit(l.number), at.refused, at.version, at.flushed, at.recording)
		}
	}
	for i := range w.seq.keys.items {
		if k := &w.seq.keys.items[i]; k.lane != 0 {
			fmt.Fprintf(&b, "lane %d key %s %v front %d spill %d due %d attempts %d counted %v record at %d tried %v",
				w.seq.lanes[k.lane].id, k.name, k.state, k.front.n, k.spill.count, k.due,
				k.attempts, k.counted, k.recordAt, k.tried)
			if p := w.seq.parkOf(k); p != nil {
				fmt.Fprintf(&b, " park %+v", *p)
			}
			fmt.Fprintln(&b)
		}
	}
	return b.String()
}
