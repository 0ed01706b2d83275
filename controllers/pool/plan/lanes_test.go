// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package plan

import (
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"convoy.dev/convoy/worker/drain"
	"convoy.dev/convoy/worker/lane"
)

// owned is a world at rest in which lane 0, p0's at epoch 4, was granted by force in a table rebuilt at revision 20.
func owned(t *testing.T) (*world, *Worker) {
	t.Helper()
	w := settled(t, 2, 2)
	table := *w.Table
	table.Revision, table.Rebuilt, table.Lanes = 30, 20, slices.Clone(table.Lanes)
	table.Lanes[0].Epoch, table.Lanes[0].Forced = 4, true
	w.Table = &table
	box := w.mailbox("p0")
	box.Spec.Revision, box.Report.Observed = 25, 25
	box.Spec.Grants = []drain.Grant{{Epoch: 4, Forced: true}}
	box.Report.Held = []drain.Held{{Epoch: 4, State: drain.Running}}
	w.mailbox("p1").Spec.Revision = 25
	return w, box
}

// A lane stays forced until its worker is known to have waited, at an epoch that is above all of a lost history.
func TestWhenALaneIsForcedNoMore(t *testing.T) {
	for _, c := range []struct {
		name   string
		epoch  int64
		report func(*drain.Report)
		forced bool
	}{
		{"it runs", 21, func(*drain.Report) {}, false},
		{"it waits", 21, func(r *drain.Report) { r.Held[0].State = drain.Fencing }, true},
		{"it ran at an earlier epoch", 22, func(r *drain.Report) { r.Held[0].Epoch = 21 }, true},
		{"it runs by a grant of a lost history", 20, func(*drain.Report) {}, true},
		{"it is not said to be held", 21, func(r *drain.Report) { r.Held = nil }, true},
		{"it has resigned", 21, func(r *drain.Report) { r.Held, r.Resigned = nil, true }, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			w, box := owned(t)
			w.Table.Lanes[0].Epoch, box.Spec.Grants[0].Epoch, box.Report.Held[0].Epoch = c.epoch, c.epoch, c.epoch
			c.report(&box.Report)
			next := w.Table
			if p := Make(w.State, w.now); p.Table != nil {
				next = p.Table
			}
			if got := next.Lanes[0].Forced; got != c.forced {
				t.Errorf("forced is %v, want %v: %+v", got, c.forced, next.Lanes[0])
			}
		})
	}
}

// A grant after a rebuild is above the rebuilt revision, and above the broker's epoch.
func TestEpochOfAGrant(t *testing.T) {
	for floor, want := range map[int64]int64{5: 21, 19: 21, 20: 21, 21: 22, 90: 91} {
		w, box := owned(t)
		box.Report.Held = []drain.Held{{Epoch: 4, State: drain.Refused, Floor: floor}}
		if l := Make(w.State, w.now).Table.Lanes[0]; l.Epoch != want || !l.Forced {
			t.Errorf("refused for epoch %d the lane is granted %+v, want epoch %d by force", floor, l, want)
		}
	}
}

// With nobody to take it the lane keeps what the broker said, for its next grant.
func TestARefusedLaneThatNobodyCanTake(t *testing.T) {
	w, box := owned(t)
	box.Report.Held = []drain.Held{{Epoch: 4, State: drain.Refused, Floor: 90}}
	w.Pool.Suspended = true
	if l := Make(w.State, w.now).Table.Lanes[0]; l.State != Unowned || l.Epoch != 90 || !l.Forced {
		t.Errorf("the lane is %+v, want Unowned at epoch 90, the next grant by force", l)
	}
}

// While pods of longer settings may run, a forced grant waits as long as they would.
func TestQuarantineOutlivesTheSettings(t *testing.T) {
	w := settled(t, 2, 2)
	if got := w.Table.Quarantine; got != 40*time.Second {
		t.Fatalf("quarantine is %s, want fence and timeout", got)
	}
	w.Pool.Timeout = 90 * time.Second
	if got := Make(w.State, w.now).Table.Quarantine; got != 100*time.Second {
		t.Errorf("with a longer timeout it is %s, want 100s", got)
	}
	w.Pool.Timeout = 5 * time.Second
	if p := Make(w.State, w.now); p.Table != nil {
		t.Errorf("with a shorter timeout the table is written: %+v", p.Table)
	}
	w.Pool.Wanted = 0
	if err := w.settle(func(Plan) {}); err != nil {
		t.Fatal(err)
	}
	if got := w.Table.Quarantine; got != 15*time.Second {
		t.Errorf("with no worker left it is %s, want 15s", got)
	}
}

// As long as a lane's next grant is by force somebody may run it, though nobody is known to: that grant's wait does not
// shrink, even if there is no pod and nothing that could make one.
func TestQuarantineOutlivesAnOwnerWhomNobodyKnows(t *testing.T) {
	for _, c := range []struct {
		name        string
		lane, shard Lane
		want        time.Duration
	}{
		{"nobody has the lane", Lane{Epoch: 6}, Lane{Epoch: 6}, 15 * time.Second},
		{"somebody may have the lane", Lane{Epoch: 6, Forced: true}, Lane{Epoch: 6}, 100 * time.Second},
		{"somebody may have the shard", Lane{Epoch: 6}, Lane{Epoch: 6, Forced: true}, 100 * time.Second},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(1, 0)
			w.Pool.Shards, w.Pool.Timeout = 1, 5*time.Second
			c.lane.Slot, c.shard.Slot = lane.None, lane.None
			w.Table = &Table{Revision: 9, Quarantine: 100 * time.Second, Lanes: []Lane{c.lane}, Shards: []Lane{c.shard}}
			next := w.Table
			if p := Make(w.State, w.now); p.Table != nil {
				next = p.Table
			}
			if next.Quarantine != c.want {
				t.Errorf("quarantine is %s, want %s", next.Quarantine, c.want)
			}
		})
	}
}

// A lane that was granted and revoked before its worker was told of either: the spec says the same without it, and
// is written all the same, because without it nobody would answer the revoke.
func TestARevokeAlwaysWritesTheSpec(t *testing.T) {
	w := settled(t, 2, 2)
	table := *w.Table
	table.Revision, table.Lanes = 9, slices.Clone(table.Lanes)
	table.Lanes[0].State, table.Lanes[0].Since, table.Lanes[0].Slot = Releasing, 9, 1
	table.Revokes = []Revoke{{Revision: 9, Time: w.now}}
	w.Table = &table
	box := w.mailbox("p0")
	box.Spec.Grants, box.Report.Held = nil, nil
	p := Make(w.State, w.now)
	if len(p.Specs) != 1 || p.Specs[0].Pod != box.Pod || p.Specs[0].Spec.Revision < 9 {
		t.Errorf("specs are %+v, want one of at least revision 9 for p0", p.Specs)
	}
}

// A spec that somebody wrote by hand is mended by a newer table: its revision alone tells the newer one.
func TestASpecOfTheTablesRevisionIsOverwrittenByANewerTable(t *testing.T) {
	w := settled(t, 2, 2)
	box := w.mailbox("p0")
	box.Spec.Revision, box.Spec.Leaving = w.Table.Revision, true
	p := Make(w.State, w.now)
	if p.Table == nil || len(p.Moves) > 0 || len(p.Specs) != 1 {
		t.Fatalf("the plan is %+v, want a table of the next revision and one spec", p)
	}
	if got := p.Specs[0].Spec; got.Revision != w.Table.Revision+1 || got.Leaving {
		t.Errorf("the spec is %+v", got)
	}
}

// A pool that looks new may be one that was deleted by force: a worker of its may run on. The first epoch is refused by
// the broker then; but a first owner that goes before it has opened the lane has not asked, so that the next one waits.
func TestFirstOwnersThatNeverOpened(t *testing.T) {
	w := settled(t, 4, 2)
	table := *w.Table
	table.Lanes = slices.Clone(table.Lanes)
	gone, stays := w.pod("p0").PodRef, w.pod("p1").PodRef
	for i := range table.Lanes {
		table.Lanes[i].Epoch, table.Lanes[i].Forced = first, true
	}
	w.Table = &table
	for i := range w.Workers {
		for j := range w.Workers[i].Spec.Grants {
			w.Workers[i].Spec.Grants[j].Epoch = first
		}
		for j := range w.Workers[i].Report.Held {
			w.Workers[i].Report.Held[j].State, w.Workers[i].Report.Held[j].Epoch = drain.Opening, first
		}
	}
	if p := Make(w.State, w.now); p.Table != nil || len(p.Specs) > 0 {
		t.Fatalf("the first owners, who do not wait, are told otherwise: %+v", p)
	}
	w.mailbox("p0").Report.Resigned, w.mailbox("p0").Report.Held = true, nil
	forced := map[bool]int{}
	for _, s := range Make(w.State, w.now).Specs {
		for _, g := range s.Spec.Grants {
			if s.Pod != stays {
				t.Fatalf("%s is granted %v", s.Pod.Name, g)
			}
			forced[g.Forced]++
		}
	}
	if forced[true] != 2 || forced[false] != 2 {
		t.Errorf("%d lanes of %s go to %s forced, and %d are not; want its two, and the other two", forced[true], gone.Name, stays.Name, forced[false])
	}
}

// A lane that is about to be run is not moved for the balance: it would only wait anew.
func TestLanesSettleIn(t *testing.T) {
	w := settled(t, 4, 2)
	for range 2 {
		w.Workers = append(w.Workers, Worker{Pod: w.addPod().PodRef, Report: drain.Report{Protocol: drain.Protocol{Min: 1, Max: 1}}})
	}
	table := *w.Table
	table.Lanes = slices.Clone(table.Lanes)
	waits := w.pod("p0").PodRef
	for i := range table.Lanes {
		table.Lanes[i].Forced = table.Lanes[i].Worker == waits
	}
	for i := range w.mailbox("p0").Report.Held {
		w.mailbox("p0").Report.Held[i].State = drain.Fencing
	}
	w.Table, w.Pool.Wanted = &table, 4
	var from []string
	for _, m := range Make(w.State, w.now).Moves {
		from = append(from, m.From.Name)
	}
	if diff := cmp.Diff([]string{"p1"}, from); diff != "" {
		t.Errorf("lanes that are revoked, by worker (-want +got):\n%s", diff)
	}
}
