// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package plan

import (
	"cmp"
	"slices"
	"time"

	"convoy.dev/convoy/worker/drain"
)

// report names what waits for somebody or for a certain time.
func (p *planner) report() {
	p.reportStuck()
	for _, d := range p.sorted {
		if d.held > 0 && (d.vanished() || !d.UnreachableSince.IsZero()) && !d.stopped() && !d.resigned() {
			p.plan.Lost = append(p.plan.Lost, p.lostWorker(d))
		}
		if d.active() && p.incompatible(d) {
			p.plan.Incompatible = append(p.plan.Incompatible, d.PodRef)
		}
		if !p.idle(d) && !d.UnreachableSince.IsZero() && p.state.Pool.UnreachableAfter > 0 {
			p.wake(d.UnreachableSince.Add(p.state.Pool.UnreachableAfter))
		}
		if !p.idle(d) && !d.WorkerDownSince.IsZero() {
			p.wake(d.WorkerDownSince.Add(p.state.Pool.SlotGrace))
		}
	}
}

// revokedAt is when a Releasing lane was revoked.
func (p *planner) revokedAt(l Lane) time.Time {
	revokes := p.state.Table.Revokes
	at, found := slices.BinarySearchFunc(revokes, l.Since, func(r Revoke, since int64) int {
		return cmp.Compare(r.Revision, since)
	})
	if !found {
		return p.now
	}
	return revokes[at].Time
}

// stuck says that a Releasing lane's drain takes longer than allowed.
func (p *planner) stuck(l Lane) bool {
	return !p.now.Before(p.revokedAt(l).Add(p.state.Pool.DrainTimeout))
}

// reportStuck names drains that take too long, by worker, each since its oldest revoke.
func (p *planner) reportStuck() {
	found := map[PodRef]*Stuck{}
	p.eachUnit(func(unit drain.Unit, l Lane) {
		if l.State != Releasing {
			return
		}
		since := p.revokedAt(l)
		if !p.stuck(l) {
			p.wake(since.Add(p.state.Pool.DrainTimeout))
			return
		}
		s := found[l.Worker]
		if s == nil {
			s = &Stuck{Worker: l.Worker, Since: since}
			found[l.Worker] = s
		}
		entry, _ := p.podOf(l.Slot, l.Worker).reports(unit)
		s.Units, s.Keys = append(s.Units, unit), append(s.Keys, entry.Waits)
		if since.Before(s.Since) {
			s.Since = since
		}
	})
	for _, d := range p.sorted {
		if s := found[d.PodRef]; s != nil {
			p.plan.Stuck = append(p.plan.Stuck, *s)
		}
	}
}

// lostWorker describes a worker that does not answer and still holds lanes.
func (p *planner) lostWorker(d *pod) Lost {
	l := Lost{Worker: d.PodRef, Node: d.Node, Since: d.UnreachableSince}
	p.eachUnit(func(unit drain.Unit, lane Lane) {
		if lane.State != Unowned && lane.Worker == d.PodRef {
			l.Units = append(l.Units, unit)
		}
	})
	if p.canTakeOver() && !d.vanished() {
		l.Takeover = d.UnreachableSince.Add(p.state.Pool.UnreachableAfter)
	}
	return l
}

func (p *planner) eachUnit(do func(drain.Unit, Lane)) {
	for i, l := range p.next.Lanes {
		do(drain.Unit{Kind: drain.Lane, Index: int32(i)}, l)
	}
	for i, l := range p.next.Shards {
		do(drain.Unit{Kind: drain.Shard, Index: int32(i)}, l)
	}
}

// wake asks for a plan at this instant, if it is still to come.
func (p *planner) wake(at time.Time) {
	if at.After(p.now) && (p.plan.Requeue.IsZero() || at.Before(p.plan.Requeue)) {
		p.plan.Requeue = at
	}
}
