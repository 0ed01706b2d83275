// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package order

import "math/bits"

// index finds keys by lane, hash and name: open addressing with linear probing, deletion by shifting back, so that
// neither tombstones nor rehashing grow with the number of keys that passed. (Knuth, The Art of Computer Programming
// 6.4, algorithm R.)
type index struct {
	slots []indexSlot
	count int
}

type indexSlot struct {
	mixed uint64
	key   int32
}

const minSlots = 64

// mix spreads hashes that share their upper bits, as those of one lane do, and separates equal keys of different lanes.
// (Fibonacci hashing.)
func mix(lane int32, hash uint64) uint64 {
	return (hash ^ uint64(lane)<<32) * 0x9e3779b97f4a7c15
}

func (x *index) home(mixed uint64) int {
	return int(mixed >> (64 - uint(bits.TrailingZeros(uint(len(x.slots))))))
}

// find returns the key, or 0. The hash alone proves nothing: two names may share it.
func (s *Sequencer) find(lane int32, hash uint64, name string) int32 {
	x := &s.index
	if x.count == 0 {
		return 0
	}
	mixed := mix(lane, hash)
	for i := x.home(mixed); x.slots[i].key != 0; i = (i + 1) & (len(x.slots) - 1) {
		if x.slots[i].mixed != mixed {
			continue
		}
		// Equal mixtures of equal hashes are of one lane.
		if k := s.keys.at(x.slots[i].key); k.hash == hash && k.name == name {
			return x.slots[i].key
		}
	}
	return 0
}

func (x *index) insert(mixed uint64, key int32) {
	if 4*(x.count+1) > 3*len(x.slots) {
		x.grow()
	}
	x.count++
	x.place(indexSlot{mixed, key})
}

func (x *index) place(slot indexSlot) {
	i := x.home(slot.mixed)
	for x.slots[i].key != 0 {
		i = (i + 1) & (len(x.slots) - 1)
	}
	x.slots[i] = slot
}

func (x *index) grow() {
	old := x.slots
	x.slots = make([]indexSlot, max(minSlots, 2*len(old)))
	for _, slot := range old {
		if slot.key != 0 {
			x.place(slot)
		}
	}
}

func (x *index) remove(mixed uint64, key int32) {
	mask := len(x.slots) - 1
	i := x.home(mixed)
	for x.slots[i].key != key {
		i = (i + 1) & mask
	}
	x.count--
	for j := (i + 1) & mask; x.slots[j].key != 0; j = (j + 1) & mask {
		// The slot at j may fill the hole at i unless its home lies cyclically in (i, j].
		if home := x.home(x.slots[j].mixed); (j-home)&mask >= (j-i)&mask {
			x.slots[i] = x.slots[j]
			i = j
		}
	}
	x.slots[i] = indexSlot{}
}
