// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package plan

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"convoy.dev/convoy/worker/drain"
)

// checked makes the plan for the world as it stands, and checks what holds of every plan.
func checked(t *rapid.T, w *world) Plan {
	before := fmt.Sprintf("%+v %+v", w.State, w.Table)
	p := Make(w.State, w.now)
	if after := fmt.Sprintf("%+v %+v", w.State, w.Table); after != before {
		t.Fatalf("the observation was changed:\n%s", cmp.Diff(before, after))
	}
	if diff := cmp.Diff(p, Make(shuffled(t, w.State), w.now)); diff != "" {
		t.Fatalf("another order of the same observation gives another plan:\n%s", diff)
	}
	if p.Table == nil {
		if len(p.Moves) > 0 {
			t.Fatalf("moves without a table: %v", p.Moves)
		}
		return p
	}
	checkTable(t, *p.Table, w.Pool)
	if w.Table != nil {
		if p.Table.Revision <= w.Table.Revision {
			t.Fatalf("revision %d follows %d", p.Table.Revision, w.Table.Revision)
		}
		if !w.Foreign && !behind(w.State) {
			checkGrants(t, w.State, *p.Table)
		}
	}
	return p
}

// shuffled is the same observation in another order, with nothing shared.
func shuffled(t *rapid.T, s State) State {
	order := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "order"), 0))
	s.Pods, s.Workers, s.Absent = slices.Clone(s.Pods), slices.Clone(s.Workers), slices.Clone(s.Absent)
	order.Shuffle(len(s.Pods), func(i, j int) { s.Pods[i], s.Pods[j] = s.Pods[j], s.Pods[i] })
	order.Shuffle(len(s.Workers), func(i, j int) { s.Workers[i], s.Workers[j] = s.Workers[j], s.Workers[i] })
	order.Shuffle(len(s.Absent), func(i, j int) { s.Absent[i], s.Absent[j] = s.Absent[j], s.Absent[i] })
	if s.Table != nil {
		table := *s.Table
		table.Slots, table.Retired = slices.Clone(table.Slots), slices.Clone(table.Retired)
		table.Lanes, table.Shards = slices.Clone(table.Lanes), slices.Clone(table.Shards)
		s.Table = &table
	}
	return s
}

// checkTable checks what holds of every table, whatever it came from.
func checkTable(t *rapid.T, table Table, pool Pool) {
	bound := map[PodRef]bool{}
	for i, s := range table.Slots {
		if i > 0 && table.Slots[i-1].Index >= s.Index {
			t.Fatalf("slots are not ascending: %v", table.Slots)
		}
		if s.Pod != (PodRef{}) && bound[s.Pod] {
			t.Fatalf("%s is bound twice: %v", s.Pod.Name, table.Slots)
		}
		bound[s.Pod] = true
	}
	holders := map[PodRef]bool{}
	since := map[int64]bool{}
	for kind, lanes := range [][]Lane{table.Lanes, table.Shards} {
		for i, l := range lanes {
			what := unitName(drain.Unit{Kind: drain.Kind(kind), Index: int32(i)})
			if (l.State == Unowned) != (l.Worker == PodRef{}) || (l.State == Releasing) != (l.Since > 0) || l.Since > table.Revision {
				t.Fatalf("%s is inconsistent: %+v", what, l)
			}
			if l.State == Releasing {
				since[l.Since] = true
			}
			if l.State != Unowned {
				holders[l.Worker] = true
			}
		}
	}
	var retired []PodRef
	for ref := range holders {
		if !bound[ref] {
			retired = append(retired, ref)
		}
	}
	slices.SortFunc(retired, PodRef.compare)
	if !slices.Equal(retired, table.Retired) {
		t.Fatalf("retired are %v, want %v", table.Retired, retired)
	}
	for _, r := range table.Revokes {
		if !since[r.Revision] {
			t.Fatalf("revoke %d is kept for no lane", r.Revision)
		}
	}
	if len(since) != len(table.Revokes) || len(table.Lanes) < pool.Lanes || len(table.Shards) < pool.Shards {
		t.Fatalf("table is incomplete: %+v", table)
	}
}

// checkGrants is the safety of one step, said in the fewest words: a second reading of the rules.
func checkGrants(t *rapid.T, s State, next Table) {
	for kind, pair := range [][2][]Lane{{s.Table.Lanes, next.Lanes}, {s.Table.Shards, next.Shards}} {
		for i, after := range pair[1] {
			if i >= len(pair[0]) {
				continue
			}
			before, unit := pair[0][i], drain.Unit{Kind: drain.Kind(kind), Index: int32(i)}
			if after.Epoch < before.Epoch {
				t.Fatalf("the epoch of %s goes back: %+v -> %+v", unitName(unit), before, after)
			}
			if after.Epoch > before.Epoch && after.State == Owned || after.State == Unowned {
				checkGrant(t, s, unit, before, after)
			} else if after.Worker != before.Worker {
				t.Fatalf("%s changes its worker without a grant: %+v -> %+v", unitName(unit), before, after)
			}
			if before.Forced && !after.Forced && !reports(s, before.Worker, unit, drain.Running, before.Epoch) {
				t.Fatalf("%s is not forced any more: %+v -> %+v", unitName(unit), before, after)
			}
		}
	}
}

// checkGrant wants evidence that before's worker has the unit no more, or force.
func checkGrant(t *rapid.T, s State, unit drain.Unit, before, after Lane) {
	if before.State == Unowned || after.Forced {
		return
	}
	for _, box := range s.Workers {
		holds := slices.ContainsFunc(box.Report.Held, func(h drain.Held) bool { return h.Unit == unit && h.State.Holds() })
		answered := before.State == Releasing && box.Report.Observed >= before.Since && !holds
		if box.Pod == before.Worker && (box.Report.Resigned || answered) {
			return
		}
	}
	for _, d := range s.Pods {
		running := slices.ContainsFunc(d.Containers, func(c ContainerState) bool { return c != Terminated })
		if d.PodRef == before.Worker && (d.Phase == Failed || d.Phase == Succeeded) && !running && !d.PodGC {
			return
		}
	}
	t.Fatalf("%s is granted on no evidence: %+v -> %+v", unitName(unit), before, after)
}

func reports(s State, ref PodRef, unit drain.Unit, state drain.HeldState, epoch int64) bool {
	return slices.ContainsFunc(s.Workers, func(box Worker) bool {
		return box.Pod == ref && slices.ContainsFunc(box.Report.Held, func(h drain.Held) bool {
			return h.Unit == unit && h.State == state && h.Epoch == epoch
		})
	})
}

// checkDecided wants the next plan to have nothing to decide while nobody has reported anything.
func checkDecided(t *rapid.T, w *world, p Plan) {
	if p.ObserveLive || len(p.Confirm) > 0 || w.Table == nil || w.Foreign || behind(w.State) {
		return
	}
	after := w.copy()
	// What is written to pods and Deployment changes the facts.
	writes := Plan{Table: p.Table, Specs: p.Specs, Replicas: w.Deployment.Replicas}
	after.apply(writes)
	again := Make(after.State, w.now)
	made := map[PodRef]bool{}
	for _, s := range p.Specs {
		made[s.Pod] = s.Create
	}
	again.Specs = slices.DeleteFunc(again.Specs, func(s SpecWrite) bool { return made[s.Pod] })
	if again.Table != nil || len(again.Specs) > 0 {
		t.Fatalf("a plan leaves something to decide:\n%s", cmp.Diff(p, again))
	}
}

// copy is the world with objects of its own, but for what tests alone look at.
func (w *world) copy() *world {
	c := *w
	c.Pods = slices.Clone(w.Pods)
	c.Workers = slices.Clone(w.Workers)
	c.Absent = slices.Clone(w.Absent)
	return &c
}

// misfortunes are what a random story is made of: what can befall a pod, but for what no story ends well with.
var misfortunes = []string{
	"delete", "stubborn", "deaf", "hearing", "down", "up", "backoff", "unreachable", "reachable", "evict", "podgc",
	"vanish", "resign", "lose-mailbox",
}

// act lets something happen to the pool.
func act(t *rapid.T, s *story) {
	switch rapid.IntRange(0, 9).Draw(t, "act") {
	case 0:
		s.Pool.Wanted = rapid.IntRange(0, 5).Draw(t, "wanted")
	case 1:
		s.now = s.now.Add(time.Duration(rapid.IntRange(1, 70).Draw(t, "seconds")) * time.Second)
	case 2:
		actRarely(t, s)
	case 3:
		if len(s.Pods) > 0 {
			d := s.Pods[rapid.IntRange(0, len(s.Pods)-1).Draw(t, "pod")]
			u := drain.Unit{Index: int32(rapid.IntRange(0, s.Pool.Lanes-1).Draw(t, "lane"))}
			s.rules(d.Name).stuck[u] = rapid.Bool().Draw(t, "stuck")
		}
	case 4, 5:
		befall(t, s)
	default:
		s.turn()
	}
}

func actRarely(t *rapid.T, s *story) {
	switch rapid.IntRange(0, 5).Draw(t, "rare act") {
	case 0:
		s.Pool.Suspended = rapid.Bool().Draw(t, "suspended")
	case 1:
		if err := s.newTemplate(nil); err != nil {
			t.Fatal(err)
		}
	case 2:
		s.surge = rapid.IntRange(0, 2).Draw(t, "surge")
	case 3:
		s.Pool.Lanes = rapid.IntRange(1, 9).Draw(t, "lanes")
	case 4:
		s.Table = nil
	case 5:
		s.Pool.Timeout = time.Duration(rapid.IntRange(10, 40).Draw(t, "timeout")) * time.Second
	}
}

func befall(t *rapid.T, s *story) {
	if len(s.Pods) == 0 {
		return
	}
	d := &s.Pods[rapid.IntRange(0, len(s.Pods)-1).Draw(t, "pod")]
	verb := rapid.SampledFrom(misfortunes).Draw(t, "misfortune")
	if s.mailbox(d.Name) == nil && (verb == "resign" || verb == "lose-mailbox") || d.Phase != Running {
		return
	}
	if verb == "resign" {
		// What it has must not be stuck: a resignation is true.
		s.rules(d.Name).held = nil
		s.mailbox(d.Name).Report.Held = nil
	}
	fmt.Fprintf(&s.out, "> %s %s\n", verb, d.Name)
	podVerbs[verb](s, d, nil)
}

// rest ends all misfortune.
func rest(s *story) {
	s.surge, s.Pool.Suspended = 1, false
	for i := range s.Pods {
		d := &s.Pods[i]
		d.WorkerDownSince, d.UnreachableSince, d.BackOff = time.Time{}, time.Time{}, false
		s.rules(d.Name).deaf, s.rules(d.Name).stubborn = false, false
		clear(s.rules(d.Name).stuck)
	}
}

func TestEveryStoryEndsWell(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := &story{world: newWorld(rapid.IntRange(1, 9).Draw(t, "lanes"), 2), tables: map[int64]*Table{}}
		s.Pool.Shards = rapid.IntRange(0, 2).Draw(t, "shards")
		step := func() {
			p := checked(t, s.world)
			checkDecided(t, s.world, p)
			s.tell(p)
			s.apply(p)
		}
		for range 6 {
			step()
			s.turn()
		}
		for range rapid.IntRange(0, 40).Draw(t, "steps") {
			act(t, s)
			if rapid.IntRange(0, 2).Draw(t, "plan") > 0 {
				step()
			}
		}
		for range 4 {
			rest(s)
			if err := s.settle(s.tell); err != nil {
				t.Fatal(err)
			}
			s.now = s.now.Add(2 * time.Minute)
		}
		checkRest(t, s)
	})
}

// checkRest wants what a pool is for, once all is quiet.
func checkRest(t *rapid.T, s *story) {
	if len(s.faults) > 0 {
		t.Fatalf("faults: %v in\n%s", s.faults, s.out.String())
	}
	p := Make(s.State, s.now)
	if !empty(p, s.Deployment.Replicas) || len(p.Stuck)+len(p.Lost) > 0 || !p.Requeue.IsZero() {
		t.Fatalf("at rest there is something to do: %+v", p)
	}
	if len(s.Table.Slots) != s.Pool.Wanted || s.Deployment.Replicas != s.Pool.Wanted {
		t.Fatalf("%d workers are wanted: slots %v, replicas %d", s.Pool.Wanted, s.Table.Slots, s.Deployment.Replicas)
	}
	for _, slot := range s.Table.Slots {
		if d := s.pod(slot.Pod.Name); !d.Serving || !d.Current {
			t.Fatalf("at rest %s is not serving, or outdated: %+v", d.Name, *d)
		}
	}
	if s.Pool.Wanted == 0 {
		return
	}
	for _, lanes := range [][]Lane{s.Table.Lanes, s.Table.Shards} {
		counts := map[PodRef]int{}
		for _, slot := range s.Table.Slots {
			counts[slot.Pod] = 0
		}
		for i, l := range lanes {
			if l.State != Owned || l.Forced && l.Epoch > s.Table.Rebuilt {
				t.Fatalf("number %d of %d is not at rest: %+v", i, len(lanes), l)
			}
			counts[l.Worker]++
		}
		for _, n := range counts {
			if n < len(lanes)/s.Pool.Wanted || n > (len(lanes)+s.Pool.Wanted-1)/s.Pool.Wanted {
				t.Fatalf("out of balance: %v", counts)
			}
		}
		if len(counts) != s.Pool.Wanted {
			t.Fatalf("%d workers are wanted, %v have lanes", s.Pool.Wanted, counts)
		}
	}
	if len(s.Table.Lanes) != s.Pool.Lanes || len(s.Table.Shards) != s.Pool.Shards {
		t.Fatal(fmt.Sprint("lanes are left over: ", len(s.Table.Lanes), " of ", s.Pool.Lanes))
	}
}
