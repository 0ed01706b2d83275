// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package lane

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const gone int32 = 99 // a slot that no test offers

func TestAssignStories(t *testing.T) {
	for _, c := range []struct {
		name           string
		current, slots []int32
		want           []int32
	}{
		{"no lanes", nil, []int32{1, 2}, []int32{}},
		{"no slots: nobody owns anything", []int32{1, None, 2}, nil, []int32{None, None, None}},
		{"negative numbers are no slots", []int32{-1, -2, 1}, []int32{-1, -2}, []int32{None, None, None}},
		{"one slot takes all", []int32{None, gone, 7}, []int32{7}, []int32{7, 7, 7}},
		{"in balance: nothing moves", []int32{4, 9, 4, 9, 4}, []int32{9, 4}, []int32{4, 9, 4, 9, 4}},
		{"in balance with the larger share at the higher number", []int32{9, 9, 4}, []int32{4, 9}, []int32{9, 9, 4}},
		{"a slot named twice is one slot", []int32{4, 9, 4, 9}, []int32{4, 9, 4, 4}, []int32{4, 9, 4, 9}},
		{"a leaver's lanes fill the stayers by rank", []int32{4, 9, gone, gone}, []int32{4, 9}, []int32{4, 9, 9, 4}},
		{"the larger share stays where it is held", []int32{9, 9, gone}, []int32{4, 9}, []int32{9, 9, 4}},
		{"equal slots: the larger share goes to the lowest number", []int32{4, 9, None}, []int32{9, 4}, []int32{4, 9, 4}},
		{"more slots than lanes: those with a lane keep it", []int32{9, 4}, []int32{1, 2, 4, 9}, []int32{9, 4}},
	} {
		t.Run(c.name, func(t *testing.T) {
			if diff := cmp.Diff(c.want, Assign(c.current, c.slots)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// upTo is the slots 0 to n-1 as numbers with gaps.
func upTo(n int) []int32 {
	slots := make([]int32, n)
	for i := range slots {
		slots[i] = int32(3 * i)
	}
	return slots
}

func unowned(lanes int) []int32 { return slices.Repeat([]int32{None}, lanes) }

// The figures that the choice of this algorithm rests on: a ring of 100 points a
// slot reaches 1.72 times the mean here, rendezvous hashing alone 1.64.
func TestTheTwentyFirstWorkerMovesItsShareOnly(t *testing.T) {
	before := Assign(unowned(256), upTo(20))
	after := Assign(before, upTo(21))
	if moved := moves(before, after); moved != 12 {
		t.Errorf("%d of 256 lanes moved, want 12 (4.7%%)", moved)
	}
	for _, slot := range upTo(21) {
		if lanes := count(after, slot); lanes < 12 || lanes > 13 {
			t.Errorf("slot %d holds %d lanes, want 12 or 13 (1.07 times the mean)", slot, lanes)
		}
	}
}

// A slot whose pod is replaced too slowly is gone and comes back: both ways only
// its own share of the lanes may move.
func TestAWorkerThatLeavesAndComesBackMovesItsShareTwice(t *testing.T) {
	all := upTo(10)
	before := Assign(unowned(64), all)
	without := Assign(before, all[:9])
	back := Assign(without, all)
	if moved := moves(before, without); moved != 6 {
		t.Errorf("%d lanes moved as it left, want its 6", moved)
	}
	if moved := moves(without, back); moved != 6 {
		t.Errorf("%d lanes moved as it came back, want 6", moved)
	}
}

// A leaver's lanes are meant to spread over all that stay, so that no single
// worker takes the whole load; the same holds for the first choice of all lanes.
func TestLanesPreferAllSlotsAlike(t *testing.T) {
	const lanes, slots = 20_000, 20
	favourites := map[int32]int{}
	second := map[int32]int{}
	for lane := range int32(lanes) {
		ranked := upTo(slots)
		slices.SortFunc(ranked, func(a, b int32) int {
			if score(lane, a) > score(lane, b) {
				return -1
			}
			return 1
		})
		favourites[ranked[0]]++
		if ranked[0] == 0 {
			second[ranked[1]]++
		}
	}
	// Five standard deviations: 1000 +- 155 first choices, 52 +- 36 second ones.
	for _, slot := range upTo(slots) {
		if n := favourites[slot]; n < 845 || n > 1155 {
			t.Errorf("slot %d is the first choice of %d lanes, want about 1000", slot, n)
		}
		if n := second[slot]; slot != 0 && (n < 16 || n > 88) {
			t.Errorf("slot %d inherits %d lanes of slot 0, want about 52", slot, n)
		}
	}
}

func BenchmarkAssignOneJoins(b *testing.B) {
	before := Assign(unowned(10_000), upTo(500))
	joined := upTo(501)
	b.ReportAllocs()
	for b.Loop() {
		Assign(before, joined)
	}
}

func BenchmarkAssignOneLeaves(b *testing.B) {
	before := Assign(unowned(10_000), upTo(500))
	left := upTo(499)
	b.ReportAllocs()
	for b.Loop() {
		Assign(before, left)
	}
}

func BenchmarkAssignFromEmpty(b *testing.B) {
	lanes, slots := unowned(10_000), upTo(500)
	b.ReportAllocs()
	for b.Loop() {
		Assign(lanes, slots)
	}
}
