// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package lane

import "slices"

// referenceAssign is the second implementation: the rules of the package comment
// one after another, by looking at everything again before every single step.
func referenceAssign(current, slots []int32) []int32 {
	next := slices.Clone(current)
	for lane, slot := range next {
		if slot < 0 || !slices.Contains(slots, slot) {
			next[lane] = None
		}
	}
	share := referenceShares(next, slots)
	for slot := range share {
		for count(next, slot) > share[slot] {
			next[worstRanked(next, slot)] = None
		}
	}
	for lane := range next {
		if next[lane] == None {
			next[lane] = bestRanked(next, int32(lane), share)
		}
	}
	return next
}

// referenceShares hands out the larger shares one at a time.
func referenceShares(next, slots []int32) map[int32]int {
	share := map[int32]int{}
	for _, slot := range slots {
		if slot >= 0 {
			share[slot] = 0
		}
	}
	for slot := range share {
		share[slot] = len(next) / len(share)
	}
	if len(share) == 0 {
		return share
	}
	chosen := map[int32]bool{}
	for range len(next) % len(share) {
		winner := None
		for slot := range share {
			if chosen[slot] {
				continue
			}
			held, most := count(next, slot), count(next, winner)
			if winner == None || held > most || held == most && slot < winner {
				winner = slot
			}
		}
		chosen[winner] = true
		share[winner]++
	}
	return share
}

func worstRanked(next []int32, slot int32) int {
	worst := -1
	for lane := range next {
		if next[lane] == slot && (worst < 0 || score(int32(lane), slot) < score(int32(worst), slot)) {
			worst = lane
		}
	}
	return worst
}

func bestRanked(next []int32, lane int32, share map[int32]int) int32 {
	best := None
	for slot := range share {
		if count(next, slot) == share[slot] {
			continue
		}
		if best == None || score(lane, slot) > score(lane, best) {
			best = slot
		}
	}
	return best
}

func count(assignment []int32, slot int32) int {
	lanes := 0
	for _, s := range assignment {
		if s == slot {
			lanes++
		}
	}
	return lanes
}

// balanced says whether every lane has one of the slots and no two slots differ
// by more than one lane. Slots are distinct and not negative.
func balanced(assignment, slots []int32) bool {
	least, most, total := len(assignment), 0, 0
	for _, slot := range slots {
		lanes := count(assignment, slot)
		least, most, total = min(least, lanes), max(most, lanes), total+lanes
	}
	return total == len(assignment) && (len(assignment) == 0 || most-least <= 1)
}

// moves is the number of lanes whose slot differs. A lane that gets its first
// slot counts as moved, and so does one that loses its slot.
func moves(from, to []int32) int {
	changed := 0
	for lane := range from {
		if from[lane] != to[lane] {
			changed++
		}
	}
	return changed
}

// fewestMoves is the least number of moves to any balanced assignment, by
// counting. A slot keeps at most the rounded-down share, and one lane more if it
// is among those with the rounded-up share, of which there are a fixed number.
func fewestMoves(current, slots []int32) int {
	if len(slots) == 0 {
		return len(current)
	}
	floor, larger := len(current)/len(slots), len(current)%len(slots)
	kept, above := 0, 0
	for _, slot := range slots {
		held := count(current, slot)
		kept += min(held, floor)
		if held > floor {
			above++
		}
	}
	return len(current) - kept - min(above, larger)
}

// fewestMovesByTrial tries every assignment there is.
func fewestMovesByTrial(current, slots []int32) int {
	fewest := len(current) + 1
	trial := make([]int32, len(current))
	var from func(lane int)
	from = func(lane int) {
		if lane < len(trial) {
			for _, slot := range slots {
				trial[lane] = slot
				from(lane + 1)
			}
			return
		}
		if balanced(trial, slots) {
			fewest = min(fewest, moves(current, trial))
		}
	}
	from(0)
	return fewest
}
