// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package plan

import (
	"cmp"
	"slices"

	"convoy.dev/convoy/worker/lane"
)

// vacate unbinds pods that will not run their slot's lanes any more. A pod that is merely down stays bound: its
// next process keeps slot and lanes.
func (p *planner) vacate() {
	for i := range p.next.Slots {
		s := &p.next.Slots[i]
		if d := p.podOf(s.Index, s.Pod); d != nil && (!d.active() || d.resigned() || d.lost) {
			s.unbind(d)
		}
	}
}

// wanted is how many slots are to stay.
func (p *planner) wanted() int {
	if p.state.Pool.Suspended {
		return 0
	}
	return p.state.Pool.Wanted
}

// fit makes as many slots stay as are wanted. All that are surplus leave at once, so that one that cannot be
// drained holds up no other; those that leave go on leaving, unless they are wanted again.
func (p *planner) fit() {
	staying := 0
	for _, s := range p.next.Slots {
		if !s.Leaving {
			staying++
		}
	}
	for ; staying < p.wanted(); staying++ {
		if s := p.leastDispensable(); s != nil {
			s.Leaving = false
		} else {
			p.addSlot()
		}
	}
	for ; staying > p.wanted(); staying-- {
		p.mostDispensable().Leaving = true
	}
}

// mostDispensable is the staying slot to give up first, leastDispensable the leaving one to take back first, or
// nil if none leaves.
func (p *planner) mostDispensable() *Slot { return p.pick(false, 1) }

func (p *planner) leastDispensable() *Slot { return p.pick(true, -1) }

func (p *planner) pick(leaving bool, sign int) *Slot {
	var best *Slot
	for i := range p.next.Slots {
		s := &p.next.Slots[i]
		if s.Leaving == leaving && (best == nil || sign*p.dispensable(*s, *best) < 0) {
			best = s
		}
	}
	return best
}

// dispensable orders slots by what is lost with them, least first: no pod, none that works, an outdated one,
// few lanes, a high number. A worker that cannot be asked to drain comes last.
func (p *planner) dispensable(a, b Slot) int {
	c, d := p.podOf(a.Index, a.Pod), p.podOf(b.Index, b.Pod)
	if c == nil || d == nil {
		return cmp.Or(compareBool(c != nil, d != nil), cmp.Compare(b.Index, a.Index))
	}
	return cmp.Or(
		compareBool(p.incompatible(c), p.incompatible(d)),
		compareBool(p.usable(c), p.usable(d)),
		compareBool(c.Current, d.Current),
		cmp.Compare(c.held, d.held),
		cmp.Compare(b.Index, a.Index),
	)
}

func compareBool(a, b bool) int {
	switch {
	case a == b:
		return 0
	case b:
		return -1
	}
	return 1
}

// addSlot makes a vacant slot of the lowest number that is not in use.
func (p *planner) addSlot() {
	at, index := 0, int32(0)
	for at < len(p.next.Slots) && p.next.Slots[at].Index == index {
		at, index = at+1, index+1
	}
	p.next.Slots = slices.Insert(p.next.Slots, at, Slot{Index: index})
}

// removeDrained removes the leaving slots whose pods hold nothing.
func (p *planner) removeDrained() {
	p.next.Slots = slices.DeleteFunc(p.next.Slots, func(s Slot) bool {
		d := p.podOf(s.Index, s.Pod)
		if !s.Leaving || d != nil && d.held > 0 {
			return false
		}
		if d != nil {
			d.slot = lane.None
		}
		return true
	})
}

// slot is the next table's slot of this number, or nil.
func (p *planner) slot(index int32) *Slot {
	at, found := slices.BinarySearchFunc(p.next.Slots, index, func(s Slot, i int32) int { return cmp.Compare(s.Index, i) })
	if !found {
		return nil
	}
	return &p.next.Slots[at]
}
