// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package plan

import (
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"convoy.dev/convoy/worker/drain"
)

// A slot is vacant, and there are two pods without one: p2, made before p3.
func TestWhichSpareIsBound(t *testing.T) {
	// Two pods are to be available; the earlier ReplicaSets are to have some, and of the present one some are seen ready.
	rollsOut := func(w *world, old, ready int) {
		w.Deployment.Present, w.Deployment.Old, w.Deployment.Available = "set-9", old, 2
		w.Deployment.Seen = map[string]Count{"set-9": {1, ready}}
	}
	for _, c := range []struct {
		name   string
		change func(w *world, p2, p3 *Pod)
		want   string
	}{
		{"the older", func(*world, *Pod, *Pod) {}, "p2"},
		{"the one of the present template", func(_ *world, p2, _ *Pod) { p2.Current = false }, "p3"},
		{"one that was given up comes last", func(_ *world, p2, _ *Pod) { p2.Cheap = true }, "p3"},
		{"one whose containers are not ready does not come", func(_ *world, p2, _ *Pod) { p2.ContainersReady = false }, "p3"},
		{"one that is being deleted does not", func(_ *world, p2, _ *Pod) { p2.Deleting = true }, "p3"},
		{"one whose worker is down does not", func(w *world, p2, _ *Pod) { p2.WorkerDownSince = w.now }, "p3"},
		{"one whose node is silent does not", func(w *world, p2, _ *Pod) { p2.UnreachableSince = w.now }, "p3"},
		{"one whose worker has resigned does not", func(w *world, _, _ *Pod) { w.mailbox("p2").Report.Resigned = true }, "p3"},
		{"one whose worker has never reported does not", func(w *world, _, _ *Pod) {
			w.mailbox("p2").Report = drain.Report{}
		}, "p3"},
		{"one whose protocol is another does not", func(w *world, _, _ *Pod) {
			w.mailbox("p2").Report.Protocol = drain.Protocol{Min: 3, Max: 9}
		}, "p3"},
		{"one whose protocol overlaps does", func(w *world, _, _ *Pod) {
			w.mailbox("p2").Report.Protocol = drain.Protocol{Min: 2, Max: 9}
		}, "p2"},
		{"one that still drains does not", func(w *world, p2, _ *Pod) {
			w.Table.Lanes[0].Worker, w.Table.Lanes[0].State, w.Table.Lanes[0].Since = p2.PodRef, Releasing, 90
			w.Table.Retired = []PodRef{p2.PodRef}
		}, "p3"},
		{"nobody while the Deployment shrinks", func(w *world, _, _ *Pod) { w.Deployment.Shrinking = true }, ""},
		{"in a rollout, none that was given up and is outdated", func(_ *world, p2, p3 *Pod) {
			p2.Cheap, p2.Current, p3.ContainersReady = true, false, false
		}, ""},
		{"in a rollout that may take one that is not ready, none that is outdated", func(w *world, p2, p3 *Pod) {
			p2.Current, p3.ContainersReady = false, false
			rollsOut(w, 2, 1)
		}, ""},
		{"the same, but one of the present template", func(w *world, p2, _ *Pod) {
			p2.Current = false
			rollsOut(w, 2, 1)
		}, "p3"},
		{"in a rollout that has taken what it takes", func(w *world, p2, p3 *Pod) {
			p2.Current, p3.ContainersReady = false, false
			rollsOut(w, 2, 0)
		}, "p2"},
		{"none that was given up while there are more pods than replicas", func(_ *world, p2, p3 *Pod) {
			p2.Cheap, p3.ContainersReady = true, false
		}, ""},
		{"one that was given up, when there are not", func(w *world, p2, p3 *Pod) {
			p2.Cheap, p3.ContainersReady, w.Deployment.Replicas = true, false, 4
		}, "p2"},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := settled(t, 2, 2)
			table := *w.Table
			table.Revision, table.Lanes = 100, slices.Clone(table.Lanes)
			table.Slots = append(slices.Clone(table.Slots), Slot{Index: 2})
			w.Table, w.Pool.Wanted = &table, 3
			for range 2 {
				d := w.addPod()
				w.Workers = append(w.Workers, Worker{Pod: d.PodRef, Report: drain.Report{Protocol: drain.Protocol{Min: 1, Max: 1}}})
			}
			c.change(w, w.pod("p2"), w.pod("p3"))
			p := newPlanner(w.State, w.now)
			p.judge()
			p.fill()
			if got := p.next.Slots[2].Pod.Name; got != c.want {
				t.Errorf("bound is %q, want %q", got, c.want)
			}
		})
	}
}

// A pod of the present template is spare in a pool of three outdated ones.
func TestWhichSlotIsRolledOut(t *testing.T) {
	for _, c := range []struct {
		name   string
		change func(w *world)
		want   []int32
	}{
		{"the lowest", func(*world) {}, []int32{0}},
		{"one without a working pod first", func(w *world) { w.pod("p2").WorkerDownSince = w.now.Add(-time.Second) }, []int32{2}},
		{"none of the present template", func(w *world) { w.pod("p0").Current = true }, []int32{1}},
		{"none that leaves", func(w *world) { w.Table.Slots[0].Leaving = true }, []int32{1}},
		{"none whose worker cannot be asked to drain", func(w *world) {
			w.mailbox("p0").Report.Protocol = drain.Protocol{Min: 9, Max: 9}
		}, []int32{1}},
		{"none whose gate may just have been opened", func(w *world) { w.pod("p0").Serving = false }, []int32{1}},
		{"none while a slot is vacant", func(w *world) { w.Table.Slots[1].Pod = PodRef{} }, nil},
		{"none for a spare that is outdated as well", func(w *world) { w.pod("p3").Current = false }, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := settled(t, 6, 3)
			table := *w.Table
			table.Slots = slices.Clone(table.Slots)
			w.Table = &table
			for i := range w.Pods {
				w.Pods[i].Current = false
			}
			d := w.addPod()
			w.Workers = append(w.Workers, Worker{Pod: d.PodRef, Report: drain.Report{Protocol: drain.Protocol{Min: 1, Max: 1}}})
			c.change(w)
			p := newPlanner(w.State, w.now)
			p.judge()
			p.rollOut()
			var rolled []int32
			for _, s := range p.next.Slots {
				if s.Pod.Name == "p3" {
					rolled = append(rolled, s.Index)
				}
			}
			if diff := cmp.Diff(c.want, rolled); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// A slot's gate waits for the pod from which it was taken, wherever that has got to.
func TestWhenTheNextGateOpens(t *testing.T) {
	for _, c := range []struct {
		name   string
		change func(w *world, before *Pod)
		opens  bool
	}{
		{"it still serves", func(*world, *Pod) {}, false},
		{"it is not ready, and still drains", func(w *world, d *Pod) {
			d.Serving = false
			w.Table.Lanes[0] = Lane{Worker: d.PodRef, Epoch: 2, State: Releasing, Since: 90}
		}, false},
		{"as many serve as there are slots", func(w *world, _ *Pod) {
			w.Table.Slots[0].Before, w.Deployment.Replicas = PodRef{}, 9
			w.pod("p1").Serving, w.pod("p2").Serving = true, true
		}, false},
		{"it serves no more", func(_ *world, d *Pod) { d.Serving = false }, true},
		{"it is being deleted", func(_ *world, d *Pod) { d.Deleting = true }, true},
		{"it serves in another slot", func(w *world, d *Pod) { w.Table.Slots[1].Pod = d.PodRef }, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := settled(t, 2, 3)
			table := *w.Table
			table.Slots, table.Lanes, table.Revision = slices.Clone(table.Slots), slices.Clone(table.Lanes), 100
			w.Table = &table
			before := w.addPod()
			before.Serving = true
			table.Slots[0].Before = before.PodRef
			for i := range w.Pods {
				w.Pods[i].Serving, w.Pods[i].Ready = w.Pods[i].PodRef == before.PodRef, false
			}
			w.look()
			c.change(w, before)
			p := Make(w.State, w.now)
			if p.ObserveLive {
				t.Fatal("the table looks old: nothing is planned")
			}
			opens := slices.Contains(p.Gates, Gate{w.pod("p0").PodRef, true})
			if opens != c.opens {
				t.Errorf("the gate opens: %v, want %v", opens, c.opens)
			}
		})
	}
}

// A slot is rolled out again before the first pod has gone: it is that one that still serves in its place.
func TestASlotIsRolledOutTwice(t *testing.T) {
	w := settled(t, 2, 1)
	first := w.pod("p0").PodRef
	second := w.addPod()
	second.Current, second.WorkerDownSince = false, w.now.Add(-time.Second)
	table := *w.Table
	table.Slots = []Slot{{Index: 0, Pod: second.PodRef, Before: first}}
	w.Table = &table
	third := w.addPod()
	w.Workers = append(w.Workers, Worker{Pod: third.PodRef, Report: drain.Report{Protocol: drain.Protocol{Min: 1, Max: 1}}})
	p := newPlanner(w.State, w.now)
	p.judge()
	p.rollOut()
	if s := p.next.Slots[0]; s.Pod != third.PodRef || s.Before != first {
		t.Errorf("the slot is %+v, want %s bound after %s", s, third.Name, first.Name)
	}
}
