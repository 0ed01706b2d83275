// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package pool

import (
	"encoding/json"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"k8s.io/utils/ptr"
	"pgregory.net/rapid"

	"convoy.dev/convoy/api/v1alpha1"
	"convoy.dev/convoy/controllers/pool/plan"
	"convoy.dev/convoy/worker/lane"
)

func TestATableSurvivesTheObject(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		want := drawTable(t)
		object := &v1alpha1.LaneTable{Lanes: []v1alpha1.LaneOwnership{{Epoch: 99}}, Workers: []v1alpha1.PodRef{{Name: "old"}}}
		writeTable(&want, object)
		text, err := json.Marshal(object)
		if err != nil {
			t.Fatal(err)
		}
		back := &v1alpha1.LaneTable{}
		if err := json.Unmarshal(text, back); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(&want, readTable(back), cmpopts.EquateEmpty(), cmpopts.EquateApproxTime(0)); diff != "" {
			t.Fatalf("a table came back changed (-want +got):\n%s", diff)
		}
	})
}

// drawTable draws a table as plans make them: an owned lane's worker is some pod, and Retired are the pods that are bound
// to no slot and hold lanes.
func drawTable(t *rapid.T) plan.Table {
	pods := make([]plan.PodRef, rapid.IntRange(1, 6).Draw(t, "pods"))
	for i := range pods {
		pods[i] = plan.PodRef{Name: fmt.Sprintf("pod-%d", i), UID: fmt.Sprintf("uid-%d", i)}
	}
	anyPod := rapid.SampledFrom(append([]plan.PodRef{{}}, pods...))
	table := plan.Table{
		Revision: rapid.Int64Range(1, 1<<40).Draw(t, "revision"), Rebuilt: rapid.Int64Range(0, 1<<40).Draw(t, "rebuilt"),
		Quarantine: time.Duration(rapid.IntRange(0, 3900).Draw(t, "quarantine")) * time.Second,
	}
	bound := map[plan.PodRef]bool{{}: true}
	for index := range int32(5) {
		if !rapid.Bool().Draw(t, "slot") {
			continue
		}
		s := plan.Slot{Index: index, Pod: anyPod.Draw(t, "pod"), Before: anyPod.Draw(t, "before"), Leaving: rapid.Bool().Draw(t, "leaving")}
		if bound[s.Pod] {
			s.Pod = plan.PodRef{}
		}
		bound[s.Pod] = true
		table.Slots = append(table.Slots, s)
	}
	table.Lanes, table.Shards = drawLanes(t, pods), drawLanes(t, pods)
	for _, l := range slices.Concat(table.Lanes, table.Shards) {
		if !bound[l.Worker] && !slices.Contains(table.Retired, l.Worker) {
			table.Retired = append(table.Retired, l.Worker)
		}
	}
	slices.SortFunc(table.Retired, comparePods)
	for revision := range rapid.Int64Range(0, 4).Draw(t, "revokes") {
		at := time.Unix(1e9, rapid.Int64Range(0, 1e12).Draw(t, "time")*1000).UTC()
		table.Revokes = append(table.Revokes, plan.Revoke{Revision: revision + 1, Time: at})
	}
	return table
}

func drawLanes(t *rapid.T, pods []plan.PodRef) []plan.Lane {
	lanes := make([]plan.Lane, rapid.IntRange(0, 8).Draw(t, "lanes"))
	for i := range lanes {
		l := plan.Lane{
			Slot: rapid.Int32Range(lane.None, 6).Draw(t, "belongs"), Epoch: rapid.Int64Range(0, 1<<40).Draw(t, "epoch"),
			State:  rapid.SampledFrom([]plan.LaneState{plan.Unowned, plan.Owned, plan.Releasing}).Draw(t, "state"),
			Forced: rapid.Bool().Draw(t, "forced"),
		}
		if l.State != plan.Unowned {
			l.Worker = rapid.SampledFrom(pods).Draw(t, "worker")
		}
		if l.State == plan.Releasing {
			l.Since = rapid.Int64Range(1, 1<<40).Draw(t, "since")
		}
		lanes[i] = l
	}
	return lanes
}

func TestATableWrittenByHandIsReadCautiously(t *testing.T) {
	got := readTable(&v1alpha1.LaneTable{
		Revision: 3,
		Workers:  []v1alpha1.PodRef{{Name: "a", UID: "1"}},
		Slots:    []v1alpha1.SlotBinding{{Index: 1, Worker: ptr.To[int32](0)}, {Index: 0, Worker: ptr.To[int32](0)}, {Index: 2, Worker: ptr.To[int32](9)}},
		Lanes: []v1alpha1.LaneOwnership{
			{Slot: ptr.To[int32](7), Epoch: 4},
			{Worker: ptr.To[int32](5), Epoch: 5, State: ptr.To(v1alpha1.LaneReleasing), Since: ptr.To[int64](2)},
			{Slot: ptr.To[int32](1), Epoch: 6},
		},
	})
	a := plan.PodRef{Name: "a", UID: "1"}
	want := &plan.Table{
		Revision: 3,
		Slots:    []plan.Slot{{Index: 0}, {Index: 1, Pod: a}, {Index: 2}},
		Lanes: []plan.Lane{
			{Slot: 7, Epoch: 4, Forced: true},
			{Slot: lane.None, Epoch: 5, Forced: true},
			{Slot: 1, Worker: a, Epoch: 6, State: plan.Owned},
		},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestALaneTakesFewBytes(t *testing.T) {
	const lanes = 10000
	table := plan.Table{Revision: 1 << 30, Slots: []plan.Slot{{Index: 99, Pod: plan.PodRef{Name: "pod", UID: "uid"}}}}
	for range lanes {
		table.Lanes = append(table.Lanes, plan.Lane{Slot: 99, Worker: table.Slots[0].Pod, Epoch: 1<<20 + 1, State: plan.Owned})
	}
	size := func() int {
		object := &v1alpha1.LaneTable{}
		writeTable(&table, object)
		text, err := json.Marshal(object)
		if err != nil {
			t.Fatal(err)
		}
		return len(text) / lanes
	}
	if rest := size(); rest > 40 {
		t.Errorf("%d bytes a lane at rest, want 40 at most", rest)
	}
	for i := range table.Lanes {
		table.Lanes[i].Worker, table.Lanes[i].State, table.Lanes[i].Since = plan.PodRef{Name: "other", UID: "uid2"}, plan.Releasing, 1<<30
	}
	if moving := size(); moving > 100 {
		t.Errorf("%d bytes a lane on its way, want 100 at most", moving)
	}
}
