// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package lane

import (
	"cmp"
	"slices"
)

// None stands for a slot in an assignment where a lane has none.
const None int32 = -1

// Assign gives every lane a slot, starting from the assignment in force.
// current[lane] is the lane's slot or None; the result is read the same way and
// is always a new slice. Slots are the slots that may own lanes: a set of
// numbers from 0 upwards, in any order and not necessarily contiguous. Repeated
// and negative numbers in slots are passed over; a lane whose current slot is not
// in slots is unowned. Without slots every lane of the result is None.
//
// The package comment states which lanes move, and that no fewer could. Shards
// are assigned in the same way, with current indexed by shard.
func Assign(current, slots []int32) []int32 {
	b := newBalance(current, slots)
	b.shed()
	b.place()
	return b.assignment()
}

// nowhere is the place of a lane without a slot.
const nowhere = -1

// balance is one assignment in the making. A slot is known by its place in slots.
type balance struct {
	slots []int32 // ascending, each once
	at    []int   // by lane: the place of its slot, or nowhere
	room  []int   // by place: lanes that the slot may still take; negative: must give up
}

func newBalance(current, slots []int32) *balance {
	b := &balance{slots: distinct(slots), at: make([]int, len(current))}
	place := make(map[int32]int, len(b.slots))
	for at, slot := range b.slots {
		place[slot] = at
	}
	held := make([]int, len(b.slots))
	for lane, slot := range current {
		at, live := place[slot]
		if !live {
			b.at[lane] = nowhere
			continue
		}
		b.at[lane] = at
		held[at]++
	}
	b.room = shares(len(current), held)
	for at, lanes := range held {
		b.room[at] -= lanes
	}
	return b
}

// distinct is the slots in ascending order, each once, without negative numbers.
func distinct(slots []int32) []int32 {
	sorted := slices.Clone(slots)
	slices.Sort(sorted)
	sorted = slices.Compact(sorted)
	from, _ := slices.BinarySearch(sorted, 0)
	return sorted[from:]
}

// shares is the number of lanes that each slot shall hold, given how many it
// holds. It is the one place that knows what balance means: the rest of Assign
// follows any shares that add up to lanes.
//
// Giving the larger shares to the slots that hold most is what makes the number
// of moves minimal: a larger share saves a move exactly where it is already held.
func shares(lanes int, held []int) []int {
	if len(held) == 0 {
		return nil
	}
	floor, larger := lanes/len(held), lanes%len(held)
	byHeld := make([]int, len(held))
	for at := range byHeld {
		byHeld[at] = at
	}
	slices.SortStableFunc(byHeld, func(a, b int) int { return cmp.Compare(held[b], held[a]) })

	all := slices.Repeat([]int{floor}, len(held))
	for _, at := range byHeld[:larger] {
		all[at]++
	}
	return all
}

// shed takes from every slot above its share the lanes that rank it worst. Each
// slot is judged by itself, so that the order of the map does not matter.
func (b *balance) shed() {
	for at, lanes := range b.overfull() {
		slot := b.slots[at]
		slices.SortFunc(lanes, func(x, y int32) int { return cmp.Compare(score(x, slot), score(y, slot)) })
		for _, lane := range lanes[:-b.room[at]] {
			b.at[lane] = nowhere
		}
		b.room[at] = 0
	}
}

// overfull is the lanes of each slot above its share, by the slot's place.
func (b *balance) overfull() map[int][]int32 {
	lanes := map[int][]int32{}
	for lane, at := range b.at {
		if at != nowhere && b.room[at] < 0 {
			lanes[at] = append(lanes[at], int32(lane))
		}
	}
	return lanes
}

// place gives each lane without a slot to the slot it ranks best among those
// with room. Full slots leave the candidates at once: with many slots the
// scoring is all the work there is.
func (b *balance) place() {
	var open []int
	for at, room := range b.room {
		if room > 0 {
			open = append(open, at)
		}
	}
	for lane, at := range b.at {
		if at != nowhere || len(open) == 0 {
			continue
		}
		nth := b.best(int32(lane), open)
		at = open[nth]
		b.at[lane] = at
		b.room[at]--
		if b.room[at] == 0 {
			open = slices.Delete(open, nth, nth+1)
		}
	}
}

// best is the index in open, which is not empty, of the place that lane ranks first.
func (b *balance) best(lane int32, open []int) int {
	first, highest := 0, uint64(0)
	for nth, at := range open {
		if s := score(lane, b.slots[at]); s >= highest {
			first, highest = nth, s
		}
	}
	return first
}

func (b *balance) assignment() []int32 {
	next := make([]int32, len(b.at))
	for lane, at := range b.at {
		next[lane] = None
		if at != nowhere {
			next[lane] = b.slots[at]
		}
	}
	return next
}
