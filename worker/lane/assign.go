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
	for at, share := range shares(len(current), b.held) {
		b.room = append(b.room, share-len(b.held[at]))
	}
	b.shed()
	b.place()
	return b.next
}

// balance is one assignment in the making. A slot is known by its place in slots.
type balance struct {
	slots []int32   // ascending, each once
	held  [][]int32 // by place: the lanes that the slot holds at the start, ascending
	room  []int     // by place: lanes that the slot may still take; negative: must give up
	next  []int32   // by lane: slot or None
}

func newBalance(current, slots []int32) *balance {
	b := &balance{slots: distinct(slots), next: make([]int32, len(current))}
	b.held = make([][]int32, len(b.slots))
	b.room = make([]int, 0, len(b.slots))
	place := make(map[int32]int, len(b.slots))
	for at, slot := range b.slots {
		place[slot] = at
	}
	for lane, slot := range current {
		at, live := place[slot]
		if !live {
			b.next[lane] = None
			continue
		}
		b.next[lane] = slot
		b.held[at] = append(b.held[at], int32(lane))
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

// shares is the number of lanes that each slot shall hold. It is the one place
// that knows what balance means: the rest of Assign follows any shares that add
// up to lanes.
//
// Giving the larger shares to the slots that hold most is what makes the number
// of moves minimal: a larger share saves a move exactly where it is already held.
func shares(lanes int, held [][]int32) []int {
	if len(held) == 0 {
		return nil
	}
	floor, larger := lanes/len(held), lanes%len(held)
	byHeld := make([]int, len(held))
	for at := range byHeld {
		byHeld[at] = at
	}
	slices.SortStableFunc(byHeld, func(a, b int) int { return cmp.Compare(len(held[b]), len(held[a])) })

	all := make([]int, len(held))
	for nth, at := range byHeld {
		all[at] = floor
		if nth < larger {
			all[at]++
		}
	}
	return all
}

// shed takes from every slot above its share the lanes that rank it worst.
func (b *balance) shed() {
	for at, room := range b.room {
		if room >= 0 {
			continue
		}
		slot, lanes := b.slots[at], b.held[at]
		slices.SortFunc(lanes, func(x, y int32) int { return cmp.Compare(score(x, slot), score(y, slot)) })
		for _, lane := range lanes[:-room] {
			b.next[lane] = None
		}
		b.room[at] = 0
	}
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
	for lane, slot := range b.next {
		if slot != None || len(open) == 0 {
			continue
		}
		nth := b.best(int32(lane), open)
		at := open[nth]
		b.next[lane] = b.slots[at]
		b.room[at]--
		if b.room[at] == 0 {
			open = slices.Delete(open, nth, nth+1)
		}
	}
}

// best is the index in open, which is not empty, of the slot that lane ranks first.
func (b *balance) best(lane int32, open []int) int {
	first, highest := 0, uint64(0)
	for nth, at := range open {
		if s := score(lane, b.slots[at]); s >= highest {
			first, highest = nth, s
		}
	}
	return first
}
