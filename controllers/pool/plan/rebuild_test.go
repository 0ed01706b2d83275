// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package plan

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"convoy.dev/convoy/worker/drain"
	"convoy.dev/convoy/worker/lane"
)

// What workers were told and say of lane 0; the table is rebuilt from it. Unless the pool is new the lane is forced:
// the mailbox of who had it last may be lost with the table.
func TestRebuiltLane(t *testing.T) {
	p0, p1 := PodRef{"p0", "uid-p0"}, PodRef{"p1", "uid-p1"}
	told := func(epoch int64) []drain.Grant { return []drain.Grant{{Epoch: epoch}} }
	says := func(epoch int64, state drain.HeldState) []drain.Held {
		return []drain.Held{{Epoch: epoch, State: state}}
	}
	refused := []drain.Held{{Epoch: 3, State: drain.Refused, Floor: 8}}
	for _, c := range []struct {
		name  string
		boxes []Worker
		old   *Lane
		want  Lane
	}{
		{"one that was told to hold it has it", []Worker{
			{Pod: p0, Spec: drain.Spec{Revision: 5, Slot: 2, Grants: told(3)}},
		}, nil, Lane{Slot: 2, Worker: p0, Epoch: 3, State: Owned, Forced: true}},
		{"the higher epoch has it", []Worker{
			{Pod: p0, Spec: drain.Spec{Revision: 7, Slot: 2, Grants: told(3)}},
			{Pod: p1, Spec: drain.Spec{Revision: 5, Slot: 1, Grants: told(4)}},
		}, nil, Lane{Slot: 1, Worker: p1, Epoch: 4, State: Owned, Forced: true}},
		{"the higher epoch has it, wherever it is named", []Worker{
			{Pod: p0, Spec: drain.Spec{Revision: 5, Slot: 2, Grants: told(4)}},
			{Pod: p1, Spec: drain.Spec{Revision: 7, Slot: 1, Grants: told(3)}, Report: drain.Report{Held: says(2, drain.Running)}},
		}, nil, Lane{Slot: 2, Worker: p0, Epoch: 4, State: Owned, Forced: true}},
		{"one that still drains has it", []Worker{
			{Pod: p0, Spec: drain.Spec{Revision: 5, Slot: 2}, Report: drain.Report{Held: says(3, drain.Draining)}},
		}, nil, Lane{Slot: 2, Worker: p0, Epoch: 3, State: Owned, Forced: true}},
		{"one that runs it has it", []Worker{
			{Pod: p0, Spec: drain.Spec{Revision: 5, Slot: 2, Grants: told(3)}, Report: drain.Report{Held: says(3, drain.Running)}},
		}, nil, Lane{Slot: 2, Worker: p0, Epoch: 3, State: Owned, Forced: true}},
		{"one that is bound to no slot", []Worker{
			{Pod: p0, Spec: drain.Spec{Revision: 5, Slot: lane.None, Grants: told(3)}},
		}, nil, Lane{Slot: lane.None, Worker: p0, Epoch: 3, State: Owned, Forced: true}},
		{"one that was refused has it at an epoch that others have passed", []Worker{
			{Pod: p0, Spec: drain.Spec{Revision: 5, Slot: 2, Grants: told(3)}, Report: drain.Report{Held: refused}},
		}, nil, Lane{Slot: 2, Worker: p0, Epoch: 8, State: Owned, Forced: true}},
		{"nobody has it, and there are workers", []Worker{{Pod: p0, Spec: drain.Spec{Revision: 5, Slot: 2}}},
			nil, Lane{Slot: lane.None, Forced: true}},
		{"nobody has it, and the old table knows an epoch", nil,
			&Lane{Slot: 1, Worker: p1, Epoch: 6, State: Owned}, Lane{Slot: lane.None, Epoch: 6, Forced: true}},
		{"the old table knows a higher epoch than its worker", []Worker{
			{Pod: p0, Spec: drain.Spec{Revision: 5, Slot: 2, Grants: told(3)}},
		}, &Lane{Slot: 1, Worker: p1, Epoch: 6, State: Owned}, Lane{Slot: 2, Worker: p0, Epoch: 6, State: Owned, Forced: true}},
		{"the pool is new", nil, nil, Lane{Slot: lane.None, Forced: true}},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := State{Live: true, Pool: Pool{Lanes: 1}, Workers: c.boxes, Table: &Table{Revision: 1}, Foreign: true}
			for _, box := range c.boxes {
				s.Pods = append(s.Pods, Pod{PodRef: box.Pod, Phase: Running})
			}
			if c.old != nil {
				s.Table = &Table{Revision: 4, Lanes: []Lane{*c.old}}
			}
			p := rebuild(s)
			if diff := cmp.Diff(c.want, p.Table.Lanes[0]); diff != "" {
				t.Error(diff)
			}
			for _, box := range c.boxes {
				if max(box.Spec.Revision, box.Report.Observed) >= p.Table.Revision {
					t.Errorf("%s knows revision %d, the table has %d", box.Pod.Name, box.Spec.Revision, p.Table.Revision)
				}
			}
		})
	}
}

// Two that name the same slot: the later spec is right.
func TestRebuiltSlotsFollowTheLatestSpec(t *testing.T) {
	s := State{Live: true, Table: &Table{}, Workers: []Worker{
		{Pod: PodRef{"p0", "0"}, Spec: drain.Spec{Revision: 5, Slot: 2}},
		{Pod: PodRef{"p1", "1"}, Spec: drain.Spec{Revision: 7, Slot: 2, Leaving: true}},
		{Pod: PodRef{"p2", "2"}, Spec: drain.Spec{Slot: 0}},
	}}
	for _, box := range s.Workers {
		s.Pods = append(s.Pods, Pod{PodRef: box.Pod, Phase: Running})
	}
	want := []Slot{{Index: 2, Pod: PodRef{"p1", "1"}, Leaving: true}}
	if diff := cmp.Diff(want, rebuild(s).Table.Slots); diff != "" {
		t.Error(diff)
	}
}

// Two workers with the same epoch, each of another history: one opens the lane again, above both and by force.
func TestTwoWithOneEpoch(t *testing.T) {
	s := State{Live: true, Table: &Table{}, Pool: Pool{Lanes: 1}}
	for _, name := range []string{"p0", "p1"} {
		ref := PodRef{name, name}
		s.Pods = append(s.Pods, Pod{PodRef: ref, Phase: Running})
		s.Workers = append(s.Workers, Worker{Pod: ref, Spec: drain.Spec{Revision: 5, Grants: []drain.Grant{{Epoch: 3}}}})
	}
	want := Lane{Slot: 0, Worker: PodRef{"p0", "p0"}, Epoch: 4, State: Owned, Forced: true}
	if diff := cmp.Diff(want, rebuild(s).Table.Lanes[0]); diff != "" {
		t.Error(diff)
	}
}

// A table is old when a worker knows more than it does, whatever its revision.
func TestBehind(t *testing.T) {
	mine, other := PodRef{"p0", "0"}, PodRef{"p1", "1"}
	table := Table{Revision: 9, Lanes: []Lane{{Worker: mine, Epoch: 3, State: Owned}}}
	for _, c := range []struct {
		name   string
		worker Worker
		want   bool
	}{
		{"the same", Worker{Pod: mine, Spec: drain.Spec{Revision: 9, Grants: []drain.Grant{{Epoch: 3}}}}, false},
		{"a later spec", Worker{Pod: mine, Spec: drain.Spec{Revision: 10}}, true},
		{"a later report", Worker{Pod: mine, Report: drain.Report{Observed: 10}}, true},
		{"a higher epoch", Worker{Pod: mine, Spec: drain.Spec{Revision: 5, Grants: []drain.Grant{{Epoch: 4}}}}, true},
		{"the epoch of another", Worker{Pod: other, Spec: drain.Spec{Revision: 5, Grants: []drain.Grant{{Epoch: 3}}}}, true},
		{"an earlier epoch of another", Worker{Pod: other, Spec: drain.Spec{Revision: 5, Grants: []drain.Grant{{Epoch: 2}}}}, false},
		{"a higher epoch at work", Worker{Pod: other, Report: drain.Report{Held: []drain.Held{{Epoch: 4, State: drain.Running}}}}, true},
		{"a higher epoch refused", Worker{Pod: other, Report: drain.Report{Held: []drain.Held{{Epoch: 4, State: drain.Refused}}}}, false},
		{"a lane that the table has not", Worker{Pod: mine, Spec: drain.Spec{Grants: []drain.Grant{{Unit: drain.Unit{Index: 7}, Epoch: 3}}}}, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := behind(State{Table: &table, Workers: []Worker{c.worker}}); got != c.want {
				t.Errorf("behind is %v, want %v", got, c.want)
			}
		})
	}
}

// loseTable deletes the table and makes an empty one, observed live.
func (w *world) loseTable() {
	w.Live, w.Table, w.Foreign = true, &Table{Revision: 1}, true
	w.Version += 100
}

// A table that is not the one that was written there is rebuilt from a live observation, though everything in it fits.
func TestAForeignTableIsRebuilt(t *testing.T) {
	w := settled(t, 4, 2)
	w.Foreign = true
	if p := Make(w.State, w.now); !p.ObserveLive || p.Table != nil || len(p.Specs) > 0 {
		t.Fatalf("from caches the plan is %+v, want a live observation alone", p)
	}
	w.Live = true
	p := Make(w.State, w.now)
	if p.Table == nil || p.Table.Revision <= w.Version || p.Table.Rebuilt != p.Table.Revision || len(p.Specs) > 0 {
		t.Fatalf("the plan is %+v, want a table rebuilt above %d alone", p, w.Version)
	}
	for i, l := range p.Table.Lanes {
		if !l.Forced {
			t.Errorf("lane %d is not forced: %+v", i, l)
		}
	}
}

// A pool that is new, or of which nothing is left, begins with the first epoch, also when the making of its table was not
// completed at once. A copy that knows of grants says that it is not new.
func TestANewPool(t *testing.T) {
	s := State{Live: true, Foreign: true, Version: 4711, Table: &Table{Revision: 1}, Pool: Pool{Lanes: 1}}
	if table := Make(s, epochZero).Table; table.Revision != 2 || table.Rebuilt != 0 {
		t.Errorf("the first table has revision %d, rebuilt %d, want 2 and never", table.Revision, table.Rebuilt)
	}
	s.Table.Lanes = []Lane{{Epoch: 1}}
	if table := Make(s, epochZero).Table; table.Revision != 4712 || table.Rebuilt != 4712 {
		t.Errorf("after a copy with grants it has revision %d, rebuilt %d, want 4712", table.Revision, table.Rebuilt)
	}
}

// What a rebuilt table gives away is above whatever the lost one can have given away, and no mailbox keeps a
// revision that the lost one may come back with.
func TestARebuiltTableIsAboveTheLostOne(t *testing.T) {
	w := settled(t, 4, 2)
	lost := w.Version + 50 // the lost table may have been written many times without a trace
	w.loseTable()
	p := Make(w.State, w.now)
	if got := p.Table.Revision; got <= lost || p.Table.Rebuilt != got {
		t.Fatalf("the rebuilt table has revision %d, rebuilt %d; the lost one may have had %d", got, p.Table.Rebuilt, lost)
	}
	w.apply(p)
	w.pod("p0").Deleting = true
	w.mailbox("p0").Report.Resigned = true
	p = Make(w.State, w.now)
	for _, m := range p.Moves {
		if m.Epoch <= w.Table.Rebuilt {
			t.Errorf("%v is granted at epoch %d, not above %d", m.Unit, m.Epoch, w.Table.Rebuilt)
		}
	}
	if len(p.Moves) == 0 || len(p.Specs) != 1 || p.Specs[0].Spec.Revision <= lost {
		t.Errorf("the plan has %d moves and writes %+v", len(p.Moves), p.Specs)
	}
	w.pod("p0").Deleting, w.mailbox("p0").Report.Resigned = false, false
	if p = Make(w.State, w.now); len(p.Specs) != 2 {
		t.Errorf("%d of 2 mailboxes are told of the rebuilt table", len(p.Specs))
	}
}

// A worker that was told a longer quarantine may run under the settings it came from, whatever the pool says now.
func TestARebuiltQuarantine(t *testing.T) {
	told := func(d time.Duration) []Worker {
		return []Worker{{Pod: PodRef{"p0", "0"}, Spec: drain.Spec{Revision: 5, Quarantine: d}}}
	}
	for _, c := range []struct {
		name    string
		old     *Table
		workers []Worker
		want    time.Duration
	}{
		{"the settings alone", &Table{}, nil, 40 * time.Second},
		{"a shorter one was told", &Table{Quarantine: 20 * time.Second}, told(15 * time.Second), 40 * time.Second},
		{"a worker was told a longer one", &Table{}, told(100 * time.Second), 100 * time.Second},
		{"the old table has a longer one", &Table{Quarantine: 90 * time.Second}, told(40 * time.Second), 90 * time.Second},
		{"a worker was told a longer one than the old table has", &Table{Quarantine: 90 * time.Second}, told(100 * time.Second), 100 * time.Second},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := State{Live: true, Table: c.old, Workers: c.workers, Pool: Pool{Timeout: 30 * time.Second, Fence: 10 * time.Second}}
			if got := rebuild(s).Table.Quarantine; got != c.want {
				t.Errorf("the rebuilt quarantine is %s, want %s", got, c.want)
			}
		})
	}
}

// An epoch can be far above every revision (the broker's, of another history, to which a grant was raised): what is
// granted after a rebuild is above what may have followed it, too.
func TestARebuiltRevisionIsAboveEveryEpoch(t *testing.T) {
	const far = 5 * jump
	worker := Worker{Pod: PodRef{"p0", "0"}, Spec: drain.Spec{Revision: 5}}
	granted, holding, refused := worker, worker, worker
	granted.Spec.Grants = []drain.Grant{{Epoch: far}}
	holding.Report.Held = []drain.Held{{Epoch: far, State: drain.Draining}}
	refused.Report.Held = []drain.Held{{Epoch: 3, State: drain.Refused, Floor: far}}
	for _, c := range []struct {
		name  string
		state State
	}{
		{"one was told it", State{Workers: []Worker{granted}}},
		{"one holds the lane at it", State{Workers: []Worker{holding}}},
		{"the broker named it", State{Workers: []Worker{refused}}},
		{"the old table has it", State{Table: &Table{Revision: 4, Lanes: []Lane{{Epoch: far}}}, Workers: []Worker{worker}}},
	} {
		t.Run(c.name, func(t *testing.T) {
			c.state.Live, c.state.Pool.Lanes = true, 1
			if c.state.Table == nil {
				c.state.Table = &Table{Revision: 1}
			}
			if table := rebuild(c.state).Table; table.Rebuilt < far+jump || table.Revision != table.Rebuilt {
				t.Errorf("the table has revision %d, rebuilt %d; an epoch of %d was seen", table.Revision, table.Rebuilt, far)
			}
		})
	}
}

// Also a worker that has nothing is told, so that its mailbox gives the lost table away should that come back.
func TestEveryMailboxIsToldOfARebuiltTable(t *testing.T) {
	w := settled(t, 1, 3)
	w.loseTable()
	w.apply(Make(w.State, w.now))
	if p := Make(w.State, w.now); len(p.Specs) != 3 {
		t.Errorf("%d of 3 mailboxes are told", len(p.Specs))
	}
}

// What lags behind is not old: only a live observation rebuilds.
func TestOnlyALiveObservationRebuilds(t *testing.T) {
	w := settled(t, 4, 2)
	w.Live = false
	w.mailbox("p0").Spec.Revision = w.Table.Revision + 1
	p := Make(w.State, w.now)
	if !p.ObserveLive || p.Table != nil || len(p.Specs) > 0 {
		t.Errorf("from caches the plan is %+v, want a live observation alone", p)
	}
	w.Table = nil
	if p := Make(w.State, w.now); !p.ObserveLive || p.MakeTable || p.Table != nil {
		t.Errorf("without a table the plan is %+v, want a live observation alone", p)
	}
	w.Live = true
	if p := Make(w.State, w.now); !p.MakeTable || p.ObserveLive || p.Table != nil || len(p.Specs) > 0 {
		t.Errorf("when there really is none it is %+v, want an empty table alone", p)
	}
}
