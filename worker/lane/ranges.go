// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package lane

import (
	"fmt"
	"math"
	"math/bits"
)

// Of is the lane, 0 to lanes-1, that owns hash when the hash space is cut into
// lanes contiguous ranges: the integer part of hash * lanes / 2^64. The high half
// of the product is that quotient, without a division and without the bias of a
// modulo. Of panics if lanes is below 1.
func Of(hash uint64, lanes int) int {
	if lanes < 1 {
		panic("lane: the number of lanes is below 1")
	}
	high, _ := bits.Mul64(hash, uint64(lanes))
	return int(high)
}

// Range is a contiguous part of the hash space. First and Last both belong to it.
type Range struct {
	First, Last uint64
}

// RangeOf is the range of hashes that Of gives to lane. The ranges of one lane
// count cover the hash space without gap or overlap, in the order of the lanes,
// and their sizes differ by at most one. RangeOf panics unless 0 <= lane < lanes.
func RangeOf(lane, lanes int) Range {
	if lane < 0 || lane >= lanes {
		panic(fmt.Sprintf("lane: lane %d is not one of %d", lane, lanes))
	}
	if lane == lanes-1 {
		return Range{First: firstOf(lane, lanes), Last: math.MaxUint64}
	}
	return Range{First: firstOf(lane, lanes), Last: firstOf(lane+1, lanes) - 1}
}

// firstOf is the least hash h with h * lanes >= lane * 2^64, for lane < lanes.
func firstOf(lane, lanes int) uint64 {
	quotient, remainder := bits.Div64(uint64(lane), 0, uint64(lanes))
	if remainder > 0 {
		return quotient + 1
	}
	return quotient
}

// String is First and Last as 16 hexadecimal digits each, joined by a hyphen, so
// that the texts sort as the ranges do: "4000000000000000-7fffffffffffffff".
func (r Range) String() string { return fmt.Sprintf("%016x-%016x", r.First, r.Last) }
