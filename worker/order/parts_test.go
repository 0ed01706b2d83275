// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package order

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// TestLedgerIsASet holds the ledger against a set of positions, through a ring so small that stragglers and their
// compaction are common.
func TestLedgerIsASet(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var g ledger
		prior := rapid.SliceOfDistinct(rapid.Uint64Range(2, 400), rapid.ID[uint64]).Draw(t, "completed before")
		slices.Sort(prior)
		opening := Progress{LowWater: 1}
		for _, p := range prior {
			if n := len(opening.Ranges); n > 0 && opening.Ranges[n-1].To+1 == Position(p) {
				opening.Ranges[n-1].To++
			} else if Position(p) == opening.LowWater+1 && n == 0 {
				opening.LowWater++
			} else {
				opening.Ranges = append(opening.Ranges, Range{Position(p), Position(p)})
			}
		}
		g.open(&opening, 4)
		type open struct {
			position Position
			ordinal  uint64
		}
		var outstanding []open
		done := map[Position]bool{}
		next := opening.LowWater
		t.Repeat(map[string]func(*rapid.T){
			"add": func(t *rapid.T) {
				next += Position(rapid.IntRange(1, 3).Draw(t, "step"))
				if g.completedBefore(next) != opening.Covers(next) {
					t.Fatalf("%d completed before: %v", next, !opening.Covers(next))
				}
				if opening.Covers(next) {
					g.skip(next)
					done[next] = true
					return
				}
				o := open{next, g.add(next)}
				if rapid.Bool().Draw(t, "forget the ordinal") {
					o.ordinal = noEntry
				}
				outstanding = append(outstanding, o)
			},
			"complete": func(t *rapid.T) {
				if len(outstanding) == 0 {
					t.Skip("nothing outstanding")
				}
				i := rapid.IntRange(0, len(outstanding)-1).Draw(t, "which")
				g.complete(outstanding[i].position, outstanding[i].ordinal)
				done[outstanding[i].position] = true
				outstanding = slices.Delete(outstanding, i, i+1)
			},
			"": func(t *rapid.T) {
				var p Progress
				g.snapshot(&p)
				for _, o := range outstanding {
					if p.Covers(o.position) {
						t.Fatalf("%d is outstanding, not in %v", o.position, p)
					}
				}
				for position := range done {
					if !p.Covers(position) {
						t.Fatalf("%d is completed, but not in %v", position, p)
					}
				}
				for _, r := range opening.Ranges {
					if !p.Covers(r.To) {
						t.Fatalf("%v was completed before, but is not in %v", r, p)
					}
				}
				for i, r := range p.Ranges {
					if r.From > r.To || r.From <= p.LowWater || (i > 0 && r.From <= p.Ranges[i-1].To+1) {
						t.Fatalf("ranges %v touch above %d", p.Ranges, p.LowWater)
					}
				}
				if len(p.Ranges) > len(outstanding)+len(opening.Ranges)+1 {
					t.Fatalf("%d ranges for %d outstanding", len(p.Ranges), len(outstanding))
				}
				if p.Outstanding != len(outstanding) || p.Taken != next {
					t.Fatalf("outstanding %d, taken %d; want %d, %d", p.Outstanding, p.Taken, len(outstanding), next)
				}
			},
		})
	})
}

// TestIndexIsAMap holds the open addressing against a map, with few hashes and few homes.
func TestIndexIsAMap(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s, err := New(Config{})
		if err != nil {
			t.Fatal(err)
		}
		type id struct {
			lane int32
			hash uint64
			name string
		}
		want := map[id]int32{}
		t.Repeat(map[string]func(*rapid.T){
			"toggle": func(t *rapid.T) {
				k := id{rapid.Int32Range(1, 2).Draw(t, "lane"), rapid.Uint64Range(0, 40).Draw(t, "hash"), rapid.SampledFrom([]string{"", "a", "b"}).Draw(t, "name")}
				if ki, ok := want[k]; ok {
					s.index.remove(mix(k.lane, k.hash), ki)
					s.keys.give(ki)
					delete(want, k)
					return
				}
				ki := s.keys.take()
				*s.keys.at(ki) = key{hash: k.hash, name: k.name, lane: k.lane}
				s.index.insert(mix(k.lane, k.hash), ki)
				want[k] = ki
			},
			"": func(t *rapid.T) {
				for lane := int32(1); lane <= 2; lane++ {
					for hash := range uint64(41) {
						for _, name := range []string{"", "a", "b"} {
							if got := s.find(lane, hash, name); got != want[id{lane, hash, name}] {
								t.Fatalf("lane %d hash %d %q: found %d, want %d", lane, hash, name, got, want[id{lane, hash, name}])
							}
						}
					}
				}
				if s.index.count != len(want) {
					t.Fatalf("count %d, want %d", s.index.count, len(want))
				}
			},
		})
	})
}

// TestSpillIsAQueue holds the chunks of offsets against a slice, also across distances that no offset can hold.
func TestSpillIsAQueue(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s, err := New(Config{})
		if err != nil {
			t.Fatal(err)
		}
		var q spill
		var want []Position
		next := Position(1 << 60)
		t.Repeat(map[string]func(*rapid.T){
			"push": func(t *rapid.T) {
				for range rapid.IntRange(1, 40).Draw(t, "how many") {
					next += Position(rapid.SampledFrom([]uint64{1, 7, 1 << 20, 1 << 33}).Draw(t, "step"))
					s.pushSpill(&q, next)
					want = append(want, next)
				}
			},
			"pop": func(t *rapid.T) {
				for range min(len(want), rapid.IntRange(1, 40).Draw(t, "how many")) {
					if got := s.popSpill(&q); got != want[0] {
						t.Fatalf("popped %d, want %d", got, want[0])
					}
					want = want[1:]
				}
			},
			"put back": func(t *rapid.T) {
				var back spill
				var older []Position
				for range min(len(want), rapid.IntRange(1, 30).Draw(t, "how many")) {
					older = append(older, s.popSpill(&q))
				}
				for _, position := range older {
					s.pushSpill(&back, position)
				}
				s.prependSpill(&q, back)
			},
			"": func(t *rapid.T) {
				if int(q.count) != len(want) || (len(want) == 0 && s.chunks.live() > 0) {
					t.Fatalf("%d in the queue, want %d; %d chunks", q.count, len(want), s.chunks.live())
				}
			},
		})
	})
}

func TestTransitionsSayEachWayOnce(t *testing.T) {
	seen := map[string]bool{}
	for _, tr := range transitions {
		name := tr.from.String() + " " + tr.on.String()
		if seen[name] {
			t.Errorf("%s stands twice", name)
		}
		seen[name] = true
		for _, to := range tr.to {
			if allowed[tr.from][tr.on]&(1<<to) == 0 {
				t.Errorf("%s to %v is not allowed", name, to)
			}
		}
	}
}

func TestLimitCutsFromTheTop(t *testing.T) {
	p := Progress{LowWater: 3, Ranges: []Range{{5, 6}, {8, 9}, {11, 20}}}
	p.Limit(2)
	if diff := cmp.Diff([]Range{{5, 6}, {8, 9}}, p.Ranges); diff != "" {
		t.Error(diff)
	}
}
