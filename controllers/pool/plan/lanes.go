// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package plan

import (
	"convoy.dev/convoy/worker/drain"
	"convoy.dev/convoy/worker/lane"
)

// change is one lane or shard and the slot where it belongs from now on, or lane.None.
type change struct {
	drain.Unit
	*Lane
	to int32
}

// step takes the lane one step towards where it belongs.
func (p *planner) step(c change, known evidence, move bool) {
	switch {
	case known.basis == vacant && !p.canTake(c.to):
		c.Slot = p.belongs(c)
	case known.basis != held:
		p.regrant(c, known)
	case c.State == Releasing:
		c.Slot = p.belongs(c)
	case p.settlesIn(c), p.keeps(c):
		if c.to != lane.None {
			c.Slot = c.to
		}
	case move:
		p.revoke(c)
	}
}

func (p *planner) canTake(slot int32) bool { return p.places[slot].stance == ready }

// belongs is the slot to note for a lane that no worker has yet, or has no longer: where it is to go, else
// where it was, as long as that slot stays.
func (p *planner) belongs(c change) int32 {
	if c.to != lane.None {
		return c.to
	}
	if s := p.slot(c.Slot); s == nil || s.Leaving || p.surplus(c.Unit) {
		return lane.None
	}
	return c.Slot
}

// surplus says that the pool has not as many lanes, or shards, as this one's number needs.
func (p *planner) surplus(u drain.Unit) bool {
	if u.Kind == drain.Shard {
		return int(u.Index) >= p.state.Pool.Shards
	}
	return int(u.Index) >= p.state.Pool.Lanes
}

// settlesIn says that the lane is about to be run where it is. It is not moved for the balance before it has been seen to
// run: elsewhere it would have to wait anew until nobody before can run it. Its slot is already the one where it belongs, or
// the balance would be another one each time. One that was taken over from a lost history runs already, and waits wherever it
// goes.
func (p *planner) settlesIn(c change) bool {
	d := p.podOf(c.Slot, c.Worker)
	at := p.places[d.slot]
	return c.State == Owned && c.Forced && p.granted(*c.Lane) && at.stance == ready && at.pod == d && !p.surplus(c.Unit)
}

// keeps says that the lane's worker goes on with it: it belongs to its slot; or no slot can have it and its own
// stays; or there is nobody who would understand a revoke.
func (p *planner) keeps(c change) bool {
	d := p.podOf(c.Slot, c.Worker)
	if d.vanished() || p.incompatible(d) {
		return true
	}
	if c.to != lane.None {
		return p.places[c.to].pod == d
	}
	s := p.slot(d.slot)
	return s != nil && !s.Leaving && !p.surplus(c.Unit)
}

// revoke asks the lane's worker to give it back.
func (p *planner) revoke(c change) {
	reason := p.whyRevoke(c)
	c.Slot = p.belongs(c)
	c.State = Releasing
	c.Since = p.state.Table.Revision + 1
	p.moved(c, c.Worker, reason)
}

func (p *planner) whyRevoke(c change) Reason {
	d := p.podOf(c.Slot, c.Worker)
	switch s := p.slot(d.slot); {
	case p.surplus(c.Unit):
		return Withdrawn
	case p.state.Pool.Suspended:
		return Suspended
	case d.Deleting || d.final():
		return PodDeleted
	case s == nil:
		return RolledOut
	case s.Leaving:
		return ScaledDown
	case p.downTooLong(d):
		return WorkerDown
	}
	return Balanced
}

// regrant gives a lane that nobody has any more to the worker of the slot where it belongs, or to nobody.
func (p *planner) regrant(c change, known evidence) {
	from := c.Worker
	next := Lane{
		Slot:   p.belongs(c),
		Epoch:  max(c.Epoch, known.floor),
		Forced: c.Forced || known.forces(),
	}
	if p.canTake(c.to) {
		next.Worker, next.State = p.places[c.to].pod.PodRef, Owned
		next.Epoch = max(next.Epoch, p.next.Rebuilt) + 1
	}
	*c.Lane = next
	p.moved(c, from, whyGrant(known))
}

func whyGrant(known evidence) Reason {
	switch known.basis {
	case acknowledged:
		return Released
	case resigned:
		return WorkerResigned
	case stopped:
		return PodStopped
	case refused:
		return EpochRefused
	case lost:
		return WorkerLost
	default:
		return Placed
	}
}

func (p *planner) moved(c change, from PodRef, reason Reason) {
	p.plan.Moves = append(p.plan.Moves, Move{
		Unit: c.Unit, From: from, To: p.places[c.to].pod.ref(),
		Epoch: c.Epoch, State: c.State, Reason: reason, Forced: c.waits(),
	})
}
