// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package plan

import (
	"cmp"
	"slices"

	"convoy.dev/convoy/worker/drain"
	"convoy.dev/convoy/worker/lane"
)

// jump is how far a rebuilt table's revision, and with it the epochs that it grants, are above everything seen where the
// resource version says nothing: more than any lost history can have written without a trace.
const jump = 1 << 20

// behind says that a worker knows more than the table observed: a later revision, a higher epoch of a lane, or the
// same epoch as another worker's. If nobody has written the table since a live observation began with it, this is no
// lag: the API server itself was put back.
func behind(s State) bool {
	return slices.ContainsFunc(s.Workers, func(w Worker) bool {
		if max(w.Spec.Revision, w.Report.Observed) > s.Table.Revision {
			return true
		}
		for _, g := range w.Spec.Grants {
			if s.Table.behind(g.Unit, w.Pod, g.Epoch) {
				return true
			}
		}
		return slices.ContainsFunc(w.Report.Held, func(h drain.Held) bool {
			return h.State.Holds() && s.Table.behind(h.Unit, w.Pod, h.Epoch)
		})
	})
}

// behind says that the table does not know of this grant: it never gave that epoch to that worker.
func (t *Table) behind(unit drain.Unit, worker PodRef, epoch int64) bool {
	lanes := t.Lanes
	if unit.Kind == drain.Shard {
		lanes = t.Shards
	}
	if int(unit.Index) >= len(lanes) {
		return false
	}
	l := lanes[unit.Index]
	return epoch > l.Epoch || epoch == l.Epoch && l.State != Unowned && l.Worker != worker
}

// rebuild makes the table from what workers were told and say, and from the old table's epochs.
// It comes alone: what follows from it is for the next plan, by the ordinary rules.
func rebuild(s State) Plan {
	r := newRebuilding(s)
	for _, w := range r.workers {
		r.claimSlot(w)
		r.claimSpec(w)
		r.claimReport(w)
	}
	table := r.table()
	return Plan{Table: &table, Moves: r.moves(table), Replicas: s.Deployment.Replicas}
}

// claim is what is known of one lane or shard.
type claim struct {
	Lane
	// seen is the highest epoch that anybody has named, also without holding it.
	seen int64
}

type rebuilding struct {
	state   State
	workers []Worker
	old     Table
	pods    map[PodRef]*pod
	bound   map[int32]Worker
	slots   map[PodRef]int32
	claims  map[drain.Unit]*claim
}

func newRebuilding(s State) *rebuilding {
	r := &rebuilding{
		state:   s,
		workers: slices.Clone(s.Workers),
		pods:    map[PodRef]*pod{},
		bound:   map[int32]Worker{},
		slots:   map[PodRef]int32{},
		claims:  map[drain.Unit]*claim{},
	}
	slices.SortFunc(r.workers, func(a, b Worker) int { return a.Pod.compare(b.Pod) })
	for _, facts := range s.Pods {
		r.pods[facts.PodRef] = &pod{Pod: facts}
	}
	r.old = *s.Table
	r.remember(drain.Lane, r.old.Lanes)
	r.remember(drain.Shard, r.old.Shards)
	return r
}

// remember takes the old table's epochs, but not its owners.
func (r *rebuilding) remember(kind drain.Kind, lanes []Lane) {
	for i, l := range lanes {
		r.claim(drain.Unit{Kind: kind, Index: int32(i)}).seen = l.Epoch
	}
}

func (r *rebuilding) claim(unit drain.Unit) *claim {
	c := r.claims[unit]
	if c == nil {
		c = &claim{Lane: Lane{Slot: lane.None}}
		r.claims[unit] = c
	}
	return c
}

// claimSlot binds the worker's pod to the slot that its spec names; the latest spec counts.
func (r *rebuilding) claimSlot(w Worker) {
	d := r.pods[w.Pod]
	if w.Spec.Revision == 0 || w.Spec.Slot < 0 || d == nil || !d.active() {
		return
	}
	if other, taken := r.bound[w.Spec.Slot]; !taken || other.Spec.Revision < w.Spec.Revision {
		r.bound[w.Spec.Slot] = w
	}
}

// claimSpec takes the worker for the owner of what it was told to hold.
func (r *rebuilding) claimSpec(w Worker) {
	for _, g := range w.Spec.Grants {
		r.own(g.Unit, w.Pod, g.Epoch)
	}
}

// claimReport takes the worker for the owner of what it says it holds, though it was told to give it back.
func (r *rebuilding) claimReport(w Worker) {
	for _, h := range w.Report.Held {
		if !h.State.Holds() {
			c := r.claim(h.Unit)
			c.seen = max(c.seen, h.Epoch, h.Floor)
			continue
		}
		r.own(h.Unit, w.Pod, h.Epoch)
	}
}

// own notes a claim; the highest epoch counts. Of two workers with the same one the first is asked to open the lane
// again, above both.
func (r *rebuilding) own(unit drain.Unit, worker PodRef, epoch int64) {
	c := r.claim(unit)
	c.seen = max(c.seen, epoch)
	if epoch == c.Epoch && c.State == Owned && worker != c.Worker {
		c.seen = max(c.seen, epoch+1)
	}
	if epoch > c.Epoch {
		c.Worker, c.Epoch, c.State = worker, epoch, Owned
	}
}

func (r *rebuilding) table() Table {
	t := Table{Revision: r.old.Revision, Quarantine: r.state.Pool.Fence + r.state.Pool.Timeout}
	t.Quarantine = max(t.Quarantine, r.old.Quarantine)
	for _, w := range r.workers {
		t.Revision = max(t.Revision, w.Spec.Revision, w.Report.Observed)
		t.Quarantine = max(t.Quarantine, w.Spec.Quarantine)
	}
	if r.untouched() {
		t.Revision++
	} else {
		t.Revision = r.above(t.Revision)
		t.Rebuilt = t.Revision
	}
	for index, w := range r.bound {
		t.Slots = append(t.Slots, Slot{Index: index, Pod: w.Pod, Leaving: w.Spec.Leaving})
		r.slots[w.Pod] = index
	}
	slices.SortFunc(t.Slots, func(a, b Slot) int { return cmp.Compare(a.Index, b.Index) })
	t.Lanes = r.lanes(drain.Lane, r.state.Pool.Lanes)
	t.Shards = r.lanes(drain.Shard, r.state.Pool.Shards)
	t.Retired = r.retired(t)
	return t
}

// above is a revision that no lost history has come to, nor any epoch of its. Each write of a table adds one to its
// revision and at least one to its resource version, and each grant is a write, so that neither a revision nor an epoch
// is ever above the resource version. That of the object to be written over is above every table lost before, whether
// anybody has seen it or not. Where this does not hold (a broker with the epochs of another cluster, an API server that
// was put back) what was seen has to do.
func (r *rebuilding) above(revision int64) int64 {
	for _, c := range r.claims {
		revision = max(revision, c.seen)
	}
	if revision > r.state.Version {
		return revision + jump
	}
	return r.state.Version + 1
}

// lanes is the rebuilt entries. Each is forced: whoever claims a lane, somebody may have had it since whose mailbox is
// lost, too; and a pool that looks new may be one that was deleted by force, with a worker that runs on. One whose
// owner's epoch is not the highest known is opened again above it.
func (r *rebuilding) lanes(kind drain.Kind, count int) []Lane {
	for unit := range r.claims {
		if unit.Kind == kind {
			count = max(count, int(unit.Index)+1)
		}
	}
	lanes := make([]Lane, count)
	for i := range lanes {
		c := r.claim(drain.Unit{Kind: kind, Index: int32(i)})
		lanes[i] = c.Lane
		lanes[i].Epoch, lanes[i].Forced = c.seen, true
		if slot, bound := r.slots[c.Worker]; bound {
			lanes[i].Slot = slot
		}
	}
	return lanes
}

// untouched says that the pool has neither pods nor mailboxes, nor a table that has given anything to anybody, as one
// that is new: its epochs begin with the first.
func (r *rebuilding) untouched() bool {
	if len(r.workers)+len(r.pods) > 0 {
		return false
	}
	for _, c := range r.claims {
		if c.seen > 0 {
			return false
		}
	}
	return true
}

func (r *rebuilding) retired(t Table) []PodRef {
	var refs []PodRef
	for _, lanes := range [][]Lane{t.Lanes, t.Shards} {
		for _, l := range lanes {
			if _, bound := r.slots[l.Worker]; l.State == Owned && !bound {
				refs = append(refs, l.Worker)
			}
		}
	}
	slices.SortFunc(refs, PodRef.compare)
	return slices.Compact(refs)
}

func (r *rebuilding) moves(t Table) []Move {
	var moves []Move
	for kind, lanes := range [][]Lane{t.Lanes, t.Shards} {
		for i, l := range lanes {
			if l.State == Owned {
				unit := drain.Unit{Kind: drain.Kind(kind), Index: int32(i)}
				moves = append(moves, Move{Unit: unit, To: l.Worker, Epoch: l.Epoch, State: Owned, Reason: Rebuilt, Forced: l.waits()})
			}
		}
	}
	return moves
}
