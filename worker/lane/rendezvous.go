// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package lane

// score is how much lane prefers slot: higher is better. Its order over the slots
// is the lane's rendezvous rank (Thaler and Ravishankar, "Using name-based mappings
// to increase hit rates", 1998): it does not depend on which other slots exist.
//
// Lane and slot fill the two halves of one word and mix is a bijection, so that
// no two pairs have the same score and no rule for ties is needed.
func score(lane, slot int32) uint64 {
	return mix(uint64(uint32(lane))<<32 | uint64(uint32(slot)))
}

// mix is the output function of SplitMix64 (Steele, Lea and Flood, "Fast splittable
// pseudorandom number generators", 2014), with the generator's increment before it,
// without which mix(0) would be 0.
func mix(x uint64) uint64 {
	x += 0x9e3779b97f4a7c15
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}
