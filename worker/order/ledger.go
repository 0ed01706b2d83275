// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package order

import "slices"

const (
	doneBit  = uint64(1) << 63
	gapBit   = uint64(1) << 62
	posMask  = gapBit - 1
	noEntry  = ^uint64(0)
	minDecay = 64
)

// ledger knows which messages of a lane are outstanding, so that everything else up to taken is completed. The newest
// entries stand in a ring, found by their ordinal; what is still outstanding when the ring comes round moves to the
// stragglers, sorted by position and found by binary search. One outstanding message costs 8 bytes here, however far
// the messages around it have advanced.
//
// An entry is a position with two bits: doneBit, and gapBit for "a completed message lies between the outstanding entry
// before this one and this one". Without the second bit a snapshot could not tell a completed message from a number the
// lane does not use.
type ledger struct {
	ring       []uint64
	head, tail uint64
	stragglers []uint64
	// from is the first straggler that may be outstanding; dead counts the completed ones behind it.
	from, dead int
	// carry is the gap before ring[head] that is due to entries which left the ring; pending the one before the next
	// entry appended.
	carry, pending bool
	outstanding    int
	taken          Position
	// prior is what earlier owners completed above taken and this one has not passed yet, ascending.
	prior []Range
}

func (g *ledger) open(p *Progress, window int) {
	size := 1
	for size < window {
		size *= 2
	}
	*g = ledger{ring: make([]uint64, size), taken: p.LowWater, prior: slices.Clone(p.Ranges)}
}

// completedBefore reports whether an earlier owner completed the message at pos. Positions are asked for in ascending
// order.
func (g *ledger) completedBefore(pos Position) bool {
	for len(g.prior) > 0 && g.prior[0].To < pos {
		g.pending = true
		g.prior = g.prior[1:]
	}
	return len(g.prior) > 0 && g.prior[0].From <= pos
}

// skip notes a message that was completed before it came.
func (g *ledger) skip(pos Position) {
	g.pending = true
	g.taken = pos
}

// add notes an outstanding message, above all noted before, and returns its ordinal.
func (g *ledger) add(pos Position) uint64 {
	if g.tail-g.head == uint64(len(g.ring)) {
		g.evict()
	}
	entry := uint64(pos)
	if g.pending {
		entry |= gapBit
		g.pending = false
	}
	ordinal := g.tail
	g.ring[ordinal&uint64(len(g.ring)-1)] = entry
	g.tail++
	g.outstanding++
	g.taken = pos
	return ordinal
}

// evict makes room in the ring: completed entries leave, and with them no outstanding one at the head, it becomes a
// straggler.
func (g *ledger) evict() {
	entry := g.ring[g.head&uint64(len(g.ring)-1)]
	g.head++
	if entry&doneBit != 0 {
		g.carry = true
		return
	}
	if g.carry {
		entry |= gapBit
		g.carry = false
	}
	g.stragglers = append(g.stragglers, entry)
}

// complete notes that the message is completed. The ordinal is a hint; noEntry when it is not known.
func (g *ledger) complete(pos Position, ordinal uint64) {
	g.outstanding--
	if ordinal == noEntry {
		ordinal = g.search(pos)
	}
	if ordinal >= g.head && ordinal < g.tail {
		at := &g.ring[ordinal&uint64(len(g.ring)-1)]
		if *at&posMask != uint64(pos) || *at&doneBit != 0 {
			panic("order: a message was completed that was not outstanding")
		}
		*at |= doneBit
		g.trim()
		return
	}
	g.completeStraggler(pos)
}

// trim drops completed entries from the head of the ring.
func (g *ledger) trim() {
	for g.head < g.tail && g.ring[g.head&uint64(len(g.ring)-1)]&doneBit != 0 {
		g.head++
		g.carry = true
	}
}

// search finds the ordinal of a ring entry by position; noEntry when it is not in the ring.
func (g *ledger) search(pos Position) uint64 {
	low, high := g.head, g.tail
	for low < high {
		mid := low + (high-low)/2
		if g.ring[mid&uint64(len(g.ring)-1)]&posMask < uint64(pos) {
			low = mid + 1
		} else {
			high = mid
		}
	}
	if low < g.tail && g.ring[low&uint64(len(g.ring)-1)]&posMask == uint64(pos) {
		return low
	}
	return noEntry
}

func (g *ledger) completeStraggler(pos Position) {
	live := g.stragglers[g.from:]
	i, found := slices.BinarySearchFunc(live, uint64(pos), func(entry, pos uint64) int {
		return int(int64(entry&posMask) - int64(pos))
	})
	if !found || live[i]&doneBit != 0 {
		panic("order: a message was completed that was not outstanding")
	}
	live[i] |= doneBit
	g.dead++
	for g.from < len(g.stragglers) && g.stragglers[g.from]&doneBit != 0 {
		g.from++
		g.dead--
	}
	if g.from == len(g.stragglers) {
		g.stragglers, g.from = g.stragglers[:0], 0
		g.carry = true
	} else if g.dead+g.from > minDecay && g.dead+g.from > len(g.stragglers)/2 {
		g.compact()
	}
}

// compact drops completed stragglers; each leaves a gap before the next one.
func (g *ledger) compact() {
	kept, gap := g.stragglers[:0], false
	for _, entry := range g.stragglers[g.from:] {
		if entry&doneBit != 0 {
			gap = true
			continue
		}
		if gap {
			entry |= gapBit
			gap = false
		}
		kept = append(kept, entry)
	}
	g.carry = g.carry || gap
	g.stragglers, g.from, g.dead = kept, 0, 0
}

// snapshot fills the low-water mark and the ranges.
func (g *ledger) snapshot(p *Progress) {
	w := rangeWriter{to: p}
	for _, entry := range g.stragglers[g.from:] {
		w.pass(entry)
	}
	w.gap = w.gap || g.carry
	for i := g.head; i < g.tail; i++ {
		w.pass(g.ring[i&uint64(len(g.ring)-1)])
	}
	w.gap = w.gap || g.pending
	p.Taken, p.Outstanding = g.taken, g.outstanding
	if w.last == 0 {
		p.LowWater = g.taken
	} else if w.gap {
		p.Ranges = append(p.Ranges, Range{w.last + 1, g.taken})
	}
	g.appendPrior(p)
}

// appendPrior adds what earlier owners completed and this one has not passed.
func (g *ledger) appendPrior(p *Progress) {
	for _, r := range g.prior {
		if r.To <= p.Taken {
			continue
		}
		r.From = max(r.From, p.Taken+1)
		if n := len(p.Ranges); n > 0 && p.Ranges[n-1].To+1 == r.From {
			p.Ranges[n-1].To = r.To
		} else if n == 0 && p.LowWater+1 == r.From {
			p.LowWater = r.To
		} else {
			p.Ranges = append(p.Ranges, r)
		}
	}
}

// rangeWriter turns entries in ascending order into the ranges between the outstanding ones.
type rangeWriter struct {
	to   *Progress
	last Position
	gap  bool
}

func (w *rangeWriter) pass(entry uint64) {
	if entry&doneBit != 0 {
		w.gap = true
		return
	}
	pos := Position(entry & posMask)
	if w.last == 0 {
		w.to.LowWater = pos - 1
	} else if (w.gap || entry&gapBit != 0) && w.last+1 < pos {
		w.to.Ranges = append(w.to.Ranges, Range{w.last + 1, pos - 1})
	}
	w.last, w.gap = pos, false
}
