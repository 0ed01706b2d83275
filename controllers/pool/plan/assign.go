// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package plan

import (
	"slices"

	"convoy.dev/convoy/worker/drain"
	"convoy.dev/convoy/worker/lane"
)

// stance is what a slot can do for lanes.
type stance uint8

const (
	// gone: vacant, leaving, or without a worker for too long. Lanes go elsewhere.
	gone stance = iota
	// mute: its worker can neither be asked nor granted anything for now. What it holds stays, the rest goes
	// elsewhere.
	mute
	// paused: its worker is down, and expected back. What belongs to the slot stays, nothing comes.
	paused
	// ready: it shares in the balance.
	ready
)

// place is a slot of the next table while lanes are decided.
type place struct {
	stance
	pod *pod
}

func (p *planner) stanceOf(s Slot) stance {
	d := p.podOf(s.Index, s.Pod)
	switch {
	case d == nil:
		return gone
	case p.incompatible(d):
		return mute
	case s.Leaving || p.downTooLong(d):
		return gone
	case p.usable(d):
		return ready
	case !d.WorkerDownSince.IsZero() && d.UnreachableSince.IsZero():
		return paused
	}
	return mute
}

// assign decides every lane and shard, from the table as it was and the slots as they are now. Shards are last: one
// moves only while no lane does, except a lane whose drain has taken too long, because a stuck hand-over holds up
// nothing else.
func (p *planner) assign() {
	p.places = make(map[int32]place, len(p.next.Slots))
	var slots []int32
	for _, s := range p.next.Slots {
		at := place{stance: p.stanceOf(s), pod: p.podOf(s.Index, s.Pod)}
		p.places[s.Index] = at
		if at.stance == ready {
			slots = append(slots, s.Index)
		}
	}
	p.plan.Moves = nil
	lanes, shards := p.state.Pool.Lanes, p.state.Pool.Shards
	p.next.Lanes = extend(slices.Clone(p.state.Table.Lanes), lanes)
	p.next.Lanes = p.settle(units{drain.Lane, p.next.Lanes, lanes, true}, slots)
	p.next.Shards = extend(slices.Clone(p.state.Table.Shards), shards)
	p.next.Shards = p.settle(units{drain.Shard, p.next.Shards, shards, !p.lanesMove()}, slots)
}

// units are the lanes or the shards, of which the pool has count and the table may have more for a while.
type units struct {
	kind  drain.Kind
	lanes []Lane
	count int
	// move says that one that is held may be revoked.
	move bool
}

// extend makes room for count lanes.
func extend(lanes []Lane, count int) []Lane {
	for len(lanes) < count {
		lanes = append(lanes, Lane{Slot: lane.None})
	}
	return lanes
}

// trim drops lanes beyond count that nobody has, from the end.
func trim(lanes []Lane, count int) []Lane {
	for len(lanes) > count && lanes[len(lanes)-1].State == Unowned {
		lanes = lanes[:len(lanes)-1]
	}
	return lanes
}

// lanesMove says that a lane is being handed over in reasonable time.
func (p *planner) lanesMove() bool {
	for _, l := range p.next.Lanes {
		if l.State == Releasing && !p.stuck(l) {
			return true
		}
	}
	return false
}

// settle decides the units: first what is known of their workers, then where they belong, then each by itself.
func (p *planner) settle(all units, slots []int32) []Lane {
	known := make([]evidence, len(all.lanes))
	for i := range all.lanes {
		unit, l := drain.Unit{Kind: all.kind, Index: int32(i)}, &all.lanes[i]
		if l.Forced && l.State != Unowned && p.runs(unit, *l) {
			l.Forced = false
		}
		known[i] = p.evidenceFor(unit, *l)
	}
	for i, to := range p.targets(all, known, slots) {
		unit := drain.Unit{Kind: all.kind, Index: int32(i)}
		p.step(change{unit, &all.lanes[i], to}, known[i], all.move)
	}
	return trim(all.lanes, all.count)
}

// targets is the slot where each unit belongs, or lane.None: no slot can have it now, or it is one too many.
func (p *planner) targets(all units, known []evidence, slots []int32) []int32 {
	targets := make([]int32, len(all.lanes))
	moving := balance{numbers: make([]int32, 0, all.count), current: make([]int32, 0, all.count)}
	for i, l := range all.lanes {
		switch {
		case i >= all.count:
			targets[i] = lane.None
		case p.stays(l, known[i]):
			targets[i] = l.Slot
		default:
			moving.numbers = append(moving.numbers, int32(i))
			moving.current = append(moving.current, l.Slot)
		}
	}
	for i, slot := range p.balanced(moving, all, known, slots) {
		targets[moving.numbers[i]] = slot
	}
	return targets
}

// balance is the units that take part in the balance, by number, and where they are.
type balance struct{ numbers, current []int32 }

// balanced is where the units belong. If lanes would have to leave a worker that runs them, it is tried whether
// those that are on their way anyway can be placed otherwise, best back at the worker that they are to leave, so
// that fewer are asked for.
func (p *planner) balanced(b balance, all units, known []evidence, slots []int32) []int32 {
	firm := make([]bool, len(b.current))
	loose := slices.Clone(b.current)
	for i, number := range b.numbers {
		l := all.lanes[number]
		switch {
		case known[number].basis != held:
			loose[i] = lane.None
		case l.State == Owned:
			firm[i] = true
		case p.canTake(p.podOf(l.Slot, l.Worker).slot):
			loose[i] = p.podOf(l.Slot, l.Worker).slot
		default:
			loose[i] = lane.None
		}
	}
	asked := func(next []int32) (n int) {
		for i := range next {
			if firm[i] && next[i] != b.current[i] {
				n++
			}
		}
		return n
	}
	next := lane.Assign(b.current, slots)
	if n := asked(next); n > 0 {
		if other := lane.Assign(loose, slots); asked(other) < n {
			return other
		}
	}
	return next
}

// stays says that the lane has no part in the balance for now.
func (p *planner) stays(l Lane, known evidence) bool {
	at, exists := p.places[l.Slot]
	if !exists {
		return false
	}
	own := l.State == Owned && known.basis == held && l.Worker == at.pod.ref()
	return at.stance == paused || at.stance == mute && own
}

// ref is the pod's name and UID, also of no pod.
func (d *pod) ref() PodRef {
	if d == nil {
		return PodRef{}
	}
	return d.PodRef
}
