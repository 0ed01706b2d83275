// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package plan

import (
	"testing"
	"time"
)

// settled is a world at rest.
func settled(tb testing.TB, lanes, workers int) *world {
	tb.Helper()
	w := newWorld(lanes, workers)
	if err := w.settle(func(Plan) {}); err != nil {
		tb.Fatal(err)
	}
	return w
}

// costs counts what a change costs the API server.
type costs struct {
	tables int
	specs  map[string]int
	moved  map[int32]int
	gates  int
}

func count(tb testing.TB, w *world) costs {
	tb.Helper()
	c := costs{specs: map[string]int{}, moved: map[int32]int{}}
	err := w.settle(func(p Plan) {
		if p.Table != nil {
			c.tables++
		}
		for _, s := range p.Specs {
			if !s.Create {
				c.specs[s.Pod.Name]++
			}
		}
		for _, m := range p.Moves {
			if m.State == Owned {
				c.moved[m.Index]++
			}
		}
		c.gates += len(p.Gates)
	})
	if err != nil {
		tb.Fatal(err)
	}
	return c
}

// A worker that joins ten moves 1,024/11 lanes once each, in three writes of the table if all drain alike, and in
// at most two of each worker's spec.
func TestAJoinCostsFewWrites(t *testing.T) {
	w := settled(t, 1024, 10)
	w.Pool.Wanted = 11
	c := count(t, w)
	if c.tables > 3 {
		t.Errorf("%d table writes, want at most 3", c.tables)
	}
	for pod, n := range c.specs {
		if n > 2 {
			t.Errorf("%d spec writes for %s, want at most 2", n, pod)
		}
	}
	if len(c.moved) != 1024/11 {
		t.Errorf("%d lanes moved, want %d", len(c.moved), 1024/11)
	}
	checkMovedOnce(t, c)
}

func checkMovedOnce(t *testing.T, c costs) {
	t.Helper()
	for lane, n := range c.moved {
		if n != 1 {
			t.Errorf("lane %d was granted %d times, want once", lane, n)
		}
	}
}

// A worker that leaves moves its own lanes, and no others.
func TestALeaveMovesTheLeaversLanesAlone(t *testing.T) {
	w := settled(t, 1024, 11)
	before := w.Table
	w.Pool.Wanted = 10
	c := count(t, w)
	checkMovedOnce(t, c)
	for lane := range c.moved {
		if slot := before.Lanes[lane].Slot; w.Table.hasSlot(slot) {
			t.Errorf("lane %d moved away from slot %d, which stays", lane, slot)
		}
	}
	if len(c.moved) != 1024/11 {
		t.Errorf("%d lanes moved, want %d", len(c.moved), 1024/11)
	}
}

func (t *Table) hasSlot(index int32) bool {
	for _, s := range t.Slots {
		if s.Index == index {
			return true
		}
	}
	return false
}

func TestARolloutMovesEachLaneOnce(t *testing.T) {
	w := settled(t, 64, 5)
	for i := range w.Pods {
		w.Pods[i].Current = false
	}
	w.set++
	c := count(t, w)
	if len(c.moved) != 64 {
		t.Errorf("%d lanes moved, want all 64", len(c.moved))
	}
	checkMovedOnce(t, c)
	if len(w.faults) > 0 {
		t.Error(w.faults)
	}
	for _, d := range w.Pods {
		if !d.Current {
			t.Errorf("%s of the old template is still there", d.Name)
		}
	}
}

// A pool at rest is planned without a write, however often.
func TestAtRestNothingIsWritten(t *testing.T) {
	w := settled(t, 1024, 10)
	for _, later := range []time.Duration{0, time.Second, time.Hour} {
		if p := Make(w.State, w.now.Add(later)); !empty(p, w.Deployment.Replicas) || !p.Requeue.IsZero() {
			t.Errorf("after %s: %+v", later, p)
		}
	}
}

func BenchmarkMake(b *testing.B) {
	w := settled(b, 10_000, 500)
	rest := w.State
	join := w.copy()
	join.Pool.Wanted = 501
	for range 2 {
		join.apply(Make(join.State, join.now))
		join.turn()
	}
	leave := rest
	leave.Pool.Wanted = 400
	for _, c := range []struct {
		name  string
		state State
	}{{"at rest", rest}, {"one joins", join.State}, {"a hundred leave", leave}} {
		b.Run(c.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				Make(c.state, w.now)
			}
		})
	}
}
