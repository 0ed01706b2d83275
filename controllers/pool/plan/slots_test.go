// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package plan

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"convoy.dev/convoy/worker/drain"
)

// Four workers with two lanes each; two are to go.
func TestWhichSlotsLeave(t *testing.T) {
	for _, c := range []struct {
		name   string
		change func(w *world)
		want   []int32
	}{
		{"all alike: the highest", func(*world) {}, []int32{2, 3}},
		{"one is vacant", func(w *world) { w.Table.Slots[0].Pod = PodRef{} }, []int32{0, 3}},
		{"one is down", func(w *world) { w.pod("p1").WorkerDownSince = w.now }, []int32{1, 3}},
		{"one is outdated", func(w *world) { w.pod("p0").Current = false }, []int32{0, 3}},
		{"one has fewer lanes", func(w *world) {
			w.Table.Lanes[0].Worker, w.Table.Lanes[0].Slot = w.Table.Slots[3].Pod, 3
		}, []int32{0, 2}},
		{"one cannot be asked to drain", func(w *world) {
			w.mailbox("p3").Report.Protocol = drain.Protocol{Min: 9, Max: 9}
		}, []int32{1, 2}},
		{"one leaves already", func(w *world) { w.Table.Slots[1].Leaving = true }, []int32{1, 3}},
		{"one too many leaves: the lowest stays", func(w *world) {
			w.Table.Slots[1].Leaving, w.Table.Slots[2].Leaving, w.Table.Slots[3].Leaving = true, true, true
		}, []int32{2, 3}},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := settled(t, 8, 4)
			table := *w.Table
			table.Slots, table.Lanes = slices.Clone(table.Slots), slices.Clone(table.Lanes)
			w.Table, w.Pool.Wanted = &table, 2
			c.change(w)
			p := newPlanner(w.State, w.now)
			p.judge()
			p.fit()
			var leaving []int32
			for _, s := range p.next.Slots {
				if s.Leaving {
					leaving = append(leaving, s.Index)
				}
			}
			if diff := cmp.Diff(c.want, leaving); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestANewSlotTakesTheLowestFreeNumber(t *testing.T) {
	w := settled(t, 4, 4)
	w.Table.Slots = slices.Delete(slices.Clone(w.Table.Slots), 1, 2)
	p := newPlanner(w.State, w.now)
	p.judge()
	p.fit()
	if len(p.next.Slots) != 4 || p.next.Slots[1].Index != 1 {
		t.Errorf("slots are %v, want number 1 among four", p.next.Slots)
	}
}

// Three workers and one pod that has been given up; the Deployment has four replicas.
func TestHowFarTheDeploymentShrinks(t *testing.T) {
	counts := func(w *world, pods, ready int) { w.Deployment.Seen[w.Pods[0].Set] = Count{pods, ready} }
	ill := func(d *Pod) { d.ContainersReady, d.Ready = false, false }
	rollOut := func(w *world, present string, old, available int) {
		w.Deployment.Present, w.Deployment.Old, w.Deployment.Available = present, old, available
	}
	for _, c := range []struct {
		name   string
		change func(w *world, idle *Pod)
		want   int
	}{
		{"the idle pod is known to be not ready", func(*world, *Pod) {}, 3},
		{"its gate is still True", func(_ *world, d *Pod) { d.Serving = true }, 4},
		{"it is still ready", func(_ *world, d *Pod) { d.Ready = true }, 4},
		{"it is given up by this very plan", func(w *world, d *Pod) {
			table := *w.Table
			table.Slots = append(slices.Clone(table.Slots), Slot{Index: 3, Pod: d.PodRef, Leaving: true})
			w.Table = &table
		}, 4},
		{"it has not been seen cheap", func(_ *world, d *Pod) { d.Cheap = false }, 4},
		{"the ReplicaSet still counts it as ready", func(w *world, _ *Pod) { counts(w, 4, 4) }, 4},
		{"it goes already", func(w *world, d *Pod) { d.Deleting = true; counts(w, 3, 3) }, 3},
		{"it goes already, and the ReplicaSet still counts it", func(_ *world, d *Pod) { d.Deleting = true }, 4},
		{"it is of one ReplicaSet, and another one counts it", func(w *world, d *Pod) {
			w.Deployment.Seen = map[string]Count{d.Set: {3, 3}, "set-9": {1, 0}}
		}, 4},
		{"a pod that never came counts as idle", func(w *world, _ *Pod) { w.Deployment.Replicas = 5 }, 3},
		{"two are to go, one of them drains", func(w *world, _ *Pod) {
			w.Pool.Wanted, w.mailbox("p2").Report.Observed = 2, 0
		}, 3},
		{"it is of another generation, and the others have none to spare", func(w *world, d *Pod) { d.Set = "set-9"; w.look() }, 4},
		{"one at work is not seen ready, and the cost may not have been seen", func(w *world, d *Pod) {
			ill(w.pod("p1"))
			d.CostSince = w.now.Add(-DefaultWatchLag + 1)
			w.look()
		}, 4},
		{"one at work is not ready, and its usual cost may not have been seen", func(w *world, d *Pod) {
			ill(w.pod("p1"))
			d.CostSince, w.pod("p1").CostSince = w.now.Add(-DefaultWatchLag), w.now.Add(-DefaultWatchLag+1)
			w.look()
		}, 4},
		{"one at work is not ready, and has not its usual cost yet", func(w *world, d *Pod) {
			ill(w.pod("p1"))
			w.pod("p1").Cheap, d.CostSince = true, w.now.Add(-DefaultWatchLag)
			w.look()
		}, 4},
		{"one at work is not ready, and the cost has been seen", func(w *world, d *Pod) {
			ill(w.pod("p1"))
			d.CostSince = w.now.Add(-DefaultWatchLag)
			w.look()
		}, 3},
		{"the same, but it will be as soon as its kubelet has seen its gate", func(w *world, d *Pod) {
			w.pod("p1").Ready, d.CostSince = false, w.now.Add(-DefaultWatchLag)
			w.look()
		}, 4},
		{"the same, but somebody else's gate holds it back", func(w *world, d *Pod) {
			w.pod("p1").Ready, w.pod("p1").Gated, d.CostSince = false, true, w.now.Add(-DefaultWatchLag)
			w.look()
		}, 3},
		{"one at work does not serve yet", func(w *world, _ *Pod) {
			w.pod("p1").Ready, w.pod("p1").Serving = false, false
			w.look()
		}, 4},
		{"one at work serves no more, though it is still ready", func(w *world, _ *Pod) { w.pod("p1").Serving = false }, 4},
		{"one at work has just become ready", func(w *world, _ *Pod) { w.pod("p1").ReadySince = w.now.Add(-DefaultWatchLag + 1) }, 4},
		{"one at work that is not ready has just been started", func(w *world, d *Pod) {
			one := w.pod("p1")
			one.Ready, one.Gated, one.ContainersReadySince, d.CostSince = false, true, w.now.Add(-DefaultWatchLag+1), w.now.Add(-DefaultWatchLag)
			w.look()
		}, 4},
		{"one at work became ready, and that has been seen", func(w *world, _ *Pod) { w.pod("p1").ReadySince = w.now.Add(-DefaultWatchLag) }, 3},
		{"the ReplicaSet has not seen one at work ready", func(w *world, _ *Pod) { counts(w, 4, 2) }, 4},
		{"another ReplicaSet cannot make its pods", func(w *world, _ *Pod) { w.Deployment.Sets = 2 }, 3},
		{"the same, and the one with the workers has none to spare", func(w *world, d *Pod) {
			w.Deployment.Sets, w.Deployment.Replicas, d.Deleting = 2, 5, true
			w.look()
		}, 5},
		{"the same, and the last step is under way", func(w *world, _ *Pod) {
			w.Deployment.Sets, w.Deployment.Shrinking = 2, true
		}, 4},
		{"a rollout may take it from an earlier ReplicaSet by itself", func(w *world, d *Pod) { rollOut(w, d.Set, 2, 4) }, 4},
		{"a rollout has taken what it takes", func(w *world, d *Pod) { rollOut(w, d.Set, 1, 4) }, 3},
		{"the same, but it may leave one unavailable", func(w *world, d *Pod) { rollOut(w, d.Set, 1, 3) }, 4},
		{"a rollout has just begun, and its ReplicaSet is not seen", func(w *world, _ *Pod) { rollOut(w, "", 5, 4) }, 4},
		{"a rollout does not count one whose node is silent", func(w *world, d *Pod) {
			one := w.pod("p1")
			one.Ready, one.UnreachableSince, d.CostSince = false, w.now.Add(-1), w.now.Add(-DefaultWatchLag)
			w.look()
			rollOut(w, d.Set, 2, 4)
		}, 3},
		{"a rollout counts one that may become ready", func(w *world, d *Pod) {
			ill(w.pod("p1"))
			d.CostSince = w.now.Add(-DefaultWatchLag)
			w.look()
			rollOut(w, d.Set, 2, 4)
		}, 4},
		{"a rollout has begun, and its ReplicaSet may have pods that are not seen", func(w *world, _ *Pod) {
			rollOut(w, "", 4, 4)
			w.Deployment.Replicas, w.Deployment.Available = 6, 6
		}, 5},
		{"the same, and its size is being passed on", func(w *world, _ *Pod) {
			rollOut(w, "", 4, 4)
			w.Deployment.Shrinking = true
		}, 4},
		{"no earlier ReplicaSet is to have a pod", func(w *world, d *Pod) { rollOut(w, d.Set, 0, 2) }, 3},
		{"more are wanted", func(w *world, _ *Pod) { w.Pool.Wanted = 6 }, 6},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := settled(t, 6, 3)
			idle := w.addPod()
			idle.Cheap = true
			w.Deployment.Replicas = 4
			w.look()
			c.change(w, idle)
			if got := Make(w.State, w.now).Replicas; got != c.want {
				t.Errorf("%d replicas, want %d", got, c.want)
			}
		})
	}
}

// Mixed generations go one at a time, and only while each that is needed has a pod to spare.
func TestAMixedDeploymentShrinksByOne(t *testing.T) {
	w := settled(t, 6, 2)
	for range 2 {
		w.addPod().Cheap = true
		old := w.addPod()
		old.Cheap, old.Current, old.Set = true, false, "set-9"
	}
	w.Deployment.Replicas = 6
	w.look()
	if got := Make(w.State, w.now).Replicas; got != 5 {
		t.Errorf("%d replicas, want 5", got)
	}
}

// While pods may still be deleted for a smaller size, none that was given up is bound again.
func TestNobodyIsBoundWhileTheDeploymentShrinks(t *testing.T) {
	w := settled(t, 4, 2)
	table := *w.Table
	table.Slots = table.Slots[:1]
	table.Lanes = slices.Clone(table.Lanes)
	for i := range table.Lanes {
		table.Lanes[i] = Lane{Worker: table.Slots[0].Pod, Epoch: 2, State: Owned}
	}
	w.Table = &table
	bound := func() (n int) {
		p := Make(w.State, w.now)
		if p.Table == nil {
			return 0
		}
		for _, s := range p.Table.Slots {
			if s.Pod != (PodRef{}) {
				n++
			}
		}
		return n
	}
	w.Deployment.Shrinking = true
	if got := bound(); got != 1 {
		t.Errorf("%d pods are bound while the Deployment shrinks, want 1", got)
	}
	w.Deployment.Shrinking = false
	if got := bound(); got != 2 {
		t.Errorf("%d pods are bound once it has shrunk, want 2", got)
	}
}

// A rollout has given p0's slot to p2, and p1's gate is open though an old observation says that it is not. That
// leaves a place by the count; p2 serves only when p0 does not.
func TestAGateOpensOnlyAfterItsPredecessors(t *testing.T) {
	w := settled(t, 4, 2)
	w.addPod()
	table := *w.Table
	table.Slots = slices.Clone(table.Slots)
	old := w.pod("p0")
	table.Slots[0].Before, table.Slots[0].Pod = old.PodRef, w.pod("p2").PodRef
	table.Retired = []PodRef{old.PodRef}
	w.Table, old.Current, w.pod("p1").Serving, w.pod("p1").Ready = &table, false, false, false
	set := old.Set
	w.Deployment.Seen = map[string]Count{set: {3, 1}}
	gates := func() []string {
		var open []string
		for _, g := range Make(w.State, w.now).Gates {
			if g.Serving {
				open = append(open, g.Pod.Name)
			}
		}
		return open
	}
	if diff := cmp.Diff([]string{"p1"}, gates()); diff != "" {
		t.Errorf("while p0 drains, gates that open: %s", diff)
	}
	for i := range table.Lanes {
		if table.Lanes[i].Worker == old.PodRef {
			table.Lanes = slices.Clone(table.Lanes)
			table.Lanes[i].Worker = w.pod("p2").PodRef
			table.Lanes[i].Epoch++
		}
	}
	old.Serving, old.Ready, w.pod("p1").Serving, w.pod("p1").Ready = false, false, true, true
	if diff := cmp.Diff([]string{"p2"}, gates()); diff != "" {
		t.Errorf("once p0 serves no more, gates that open: %s", diff)
	}
}

// The Deployment counts a pod as ready that is not any more: one gate more, and it would delete a ready pod.
func TestNoMoreServeThanTheDeploymentIsToHave(t *testing.T) {
	w := settled(t, 4, 2)
	w.pod("p1").Serving, w.pod("p1").Ready = false, false
	opens := func() bool { return len(Make(w.State, w.now).Gates) == 1 }
	if opens() {
		t.Error("a gate opens while the Deployment counts as many ready pods as it is to have")
	}
	set := w.pod("p0").Set
	w.Deployment.Seen, w.Deployment.Shrinking = map[string]Count{set: {2, 1}}, true
	if opens() {
		t.Error("a gate opens while the Deployment's size is being passed on")
	}
	w.Deployment.Shrinking = false
	if !opens() {
		t.Error("the gate does not open though there is room")
	}
	w.pod("p0").Ready = false
	if opens() {
		t.Error("a gate opens though another that is open has not been counted yet")
	}
	w.pod("p0").Ready, w.Deployment.Replicas, w.Deployment.Seen = true, 1, nil
	if opens() {
		t.Error("a gate opens though a pod is ready that the ReplicaSet has not counted yet")
	}
	w.Deployment.Replicas, w.Deployment.Seen = 2, map[string]Count{"set-9": {1, 1}}
	if opens() {
		t.Error("a gate opens though another ReplicaSet counts one as ready that is not seen")
	}
}
