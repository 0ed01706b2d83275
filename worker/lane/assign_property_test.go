// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package lane

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// slotNumbers have gaps, the least and the greatest number among them.
var slotNumbers = []int32{0, 1, 2, 3, 5, 8, 9, 13, 40, 41, 42, 500, 1 << 20, 1<<31 - 1}

func drawSlots(t *rapid.T) []int32 {
	return rapid.SliceOfDistinct(rapid.SampledFrom(slotNumbers), rapid.ID[int32]).Draw(t, "slots")
}

// checkAssign calls Assign and checks what holds for every input.
func checkAssign(t rapid.TB, current, slots []int32) []int32 {
	gave, offered := slices.Clone(current), slices.Clone(slots)
	next := Assign(current, slots)
	if diff := cmp.Diff(referenceAssign(current, slots), next); diff != "" {
		t.Fatalf("Assign(%v, %v) differs from the reference (-want +got):\n%s", current, slots, diff)
	}
	if len(slots) > 0 && !balanced(next, slots) {
		t.Fatalf("Assign(%v, %v) = %v is out of balance", current, slots, next)
	}
	if again := Assign(next, slots); !slices.Equal(again, next) {
		t.Fatalf("Assign of its own result %v with slots %v gives %v", next, slots, again)
	}
	result := slices.Clone(next)
	for lane := range next {
		next[lane] = gone
	}
	if !slices.Equal(current, gave) || !slices.Equal(slots, offered) {
		t.Fatalf("Assign(%v, %v) shares memory with its arguments or changed them", gave, offered)
	}
	return result
}

// checkLeastMovement is for slots that are not empty.
func checkLeastMovement(t rapid.TB, current, next, slots []int32) {
	if moved, fewest := moves(current, next), fewestMoves(current, slots); moved != fewest {
		t.Fatalf("Assign(%v, %v) = %v moves %d lanes, %d would do", current, slots, next, moved, fewest)
	}
}

// checkOnlyJoinersAndLeavers checks guarantee 4's second half: from a balanced
// assignment nothing moves between two slots that stay.
func checkOnlyJoinersAndLeavers(t rapid.TB, current, before, next, slots []int32) {
	for lane, to := range next {
		from := current[lane]
		left, joined := !slices.Contains(slots, from), !slices.Contains(before, to)
		if from != to && !left && !joined {
			t.Fatalf("lane %d moved from slot %d to slot %d, which both stay (%v -> %v)", lane, from, to, before, slots)
		}
	}
}

// Each step replaces the slots by any other set: none, one or many join, leave,
// or do both at once.
func TestJoinsAndLeavesMoveTheLeast(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		current := unowned(rapid.IntRange(0, 70).Draw(t, "lanes"))
		var before []int32
		for range rapid.IntRange(1, 12).Draw(t, "steps") {
			slots := drawSlots(t)
			next := checkAssign(t, current, slots)
			if len(slots) > 0 {
				checkLeastMovement(t, current, next, slots)
			}
			checkOnlyJoinersAndLeavers(t, current, before, next, slots)
			current, before = next, slots
		}
	})
}

// Small steps from large assignments, as pools make them: the draw above rarely
// keeps most of the slots.
func TestOneJoinsOrLeaves(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		slots := drawSlots(t)
		current := checkAssign(t, unowned(rapid.IntRange(0, 300).Draw(t, "lanes")), slots)
		for range rapid.IntRange(1, 20).Draw(t, "steps") {
			slot := rapid.SampledFrom(slotNumbers).Draw(t, "joins or leaves")
			before := slots
			if at := slices.Index(before, slot); at >= 0 {
				slots = slices.Delete(slices.Clone(before), at, at+1)
			} else {
				slots = append(slices.Clone(before), slot)
			}
			next := checkAssign(t, current, slots)
			if len(slots) > 0 {
				checkLeastMovement(t, current, next, slots)
			}
			checkOnlyJoinersAndLeavers(t, current, before, next, slots)
			current = next
		}
	})
}

// Assignments that no sequence of calls leads to: a table restored from an old
// copy, edited by hand, or left behind by a mere part of its moves.
func TestAnyAssignmentIsMendedWithTheFewestMoves(t *testing.T) {
	anySlot := rapid.OneOf(rapid.SampledFrom(slotNumbers), rapid.SampledFrom([]int32{None, None, -2, gone}))
	rapid.Check(t, func(t *rapid.T) {
		current := rapid.SliceOfN(anySlot, 0, 60).Draw(t, "current")
		slots := drawSlots(t)
		next := checkAssign(t, current, slots)
		if len(slots) > 0 {
			checkLeastMovement(t, current, next, slots)
		}
	})
}

func TestSlotsAreASet(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		current := rapid.SliceOfN(rapid.SampledFrom(slotNumbers), 0, 40).Draw(t, "current")
		slots := drawSlots(t)
		shuffled := rapid.Permutation(slots).Draw(t, "shuffled")
		noise := rapid.SliceOf(rapid.SampledFrom([]int32{None, -7})).Draw(t, "noise")
		other := slices.Concat(shuffled, noise, slots)
		if diff := cmp.Diff(Assign(current, slots), Assign(current, other)); diff != "" {
			t.Fatalf("the order or repetition of slots matters:\n%s", diff)
		}
	})
}

// Every assignment of up to five lanes over three slots and None, with every set
// of these slots, against a trial of all possible results.
func TestFewestMovesOfEverySmallCase(t *testing.T) {
	for lanes := range 6 {
		for code := range power(4, lanes) {
			current := make([]int32, lanes)
			for lane := range current {
				current[lane] = int32(code/power(4, lane)%4) - 1
			}
			for _, slots := range [][]int32{{0}, {1}, {2}, {0, 1}, {0, 2}, {1, 2}, {0, 1, 2}, {2, 1, 7}, {8, 7, 1}} {
				next := checkAssign(t, current, slots)
				if moved, fewest := moves(current, next), fewestMovesByTrial(current, slots); moved != fewest {
					t.Fatalf("Assign(%v, %v) = %v moves %d lanes, %d would do", current, slots, next, moved, fewest)
				}
			}
		}
	}
}

func power(base, exponent int) int {
	product := 1
	for range exponent {
		product *= base
	}
	return product
}
