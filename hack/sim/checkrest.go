// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package sim

import (
	"fmt"
	"slices"
	"time"

	"convoy.dev/convoy/controllers/pool/plan"
	"convoy.dev/convoy/worker/drain"
)

// How long a pool may take to come to rest once the adversary does, and how long it is then watched.
const (
	restBound   = 90 * time.Second
	settleBound = 5 * time.Second // the last news may be late, and cause a write or two
	steadyBound = 4 * time.Second
)

// comeToRest checks that everything that must happen does, and that then nothing more happens.
func (w *World) comeToRest() {
	if w.settings.StuckKey && !w.settings.Shutdown {
		w.reach(func() string { return w.unfinished("key-0.0") }, LaneDelayed)
	}
	w.calm = true
	w.reach(w.restless, NoRest)
	if w.check.broken != nil {
		return
	}
	// The last news may have led to a take-over, which ends with its quarantine and a balance.
	w.until(w.clock.now + settleBound + w.settings.Timeout + w.settings.Fence)
	w.reach(w.restless, NoRest)
	w.until(w.clock.now + settleBound)
	before := w.api.writes
	w.until(w.clock.now + steadyBound)
	if w.check.broken == nil && w.api.writes != before {
		w.check.fail(Restless, about{}, "%d writes in %v of rest", w.api.writes-before, steadyBound)
	}
}

// reach runs until there is nothing left to say.
func (w *World) reach(left func() string, rule Rule) {
	end := w.clock.now + restBound
	for w.check.broken == nil {
		w.until(w.clock.now + pollEvery)
		what := left()
		if what == "" {
			return
		}
		if w.clock.now >= end {
			w.tellState()
			w.check.fail(rule, w.concerns(), "after %v of rest: %s", restBound, what)
			return
		}
		w.adversary.release()
	}
}

// tellState ends the story of a pool that does not come to rest with what there is.
func (w *World) tellState() {
	if table := w.api.tables.get(tableName); table != nil && w.story.on {
		w.tell(about{}, "table %d: slots %+v, retired %v", table.obj.Revision, table.obj.Slots, table.obj.Retired)
	}
	for _, set := range w.api.replicaSets.all() {
		if set.obj.replicas+set.obj.actual > 0 {
			w.tell(about{}, "%s: %+v", set.name, set.obj)
		}
	}
	for _, pod := range w.api.pods.all() {
		o := pod.obj
		w.tell(about{}, "%s of %s: node %q, phase %d, deleting %t, containers ready %t, ready %t, serving %t, cheap %t, finalizer %t", pod.name,
			o.replicaSet, o.node, o.phase, o.deleting, o.containersReady, o.ready, o.serving, o.cheap, o.finalizer)
	}
}

// concerns narrows the story of a pool that does not come to rest to a lane that is not in order, if there is one.
func (w *World) concerns() about {
	table := w.api.tables.get(tableName)
	if table == nil {
		return about{}
	}
	for i, l := range table.obj.Lanes {
		if l.State != plan.Owned {
			return about{lane: unitName(laneUnit(int32(i)))}
		}
	}
	for _, name := range w.check.names {
		if k := w.check.keys[name]; k.done < len(k.messages) {
			return about{lane: unitName(laneUnit(k.lane)), key: name}
		}
	}
	for _, pod := range w.workingPods() {
		if !pod.obj.ready || pod.obj.deleting {
			return about{pod: pod.name}
		}
	}
	return about{}
}

// unfinished is what keys other than one have not completed.
func (w *World) unfinished(but string) string {
	for _, name := range w.check.names {
		if k := w.check.keys[name]; name != but && k.done < len(k.messages) {
			return fmt.Sprintf("%s: %d is not completed", name, k.messages[k.done].sequence)
		}
	}
	return ""
}

// restless is the first thing that is not as it should be when nothing disturbs.
func (w *World) restless() string {
	wanted := w.api.pools.get(poolName).obj.wanted
	if wanted > 0 {
		if what := w.unfinished(""); what != "" {
			return what
		}
	}
	if c := w.leader(); c == nil || c.busy || c.due {
		return "the controller is busy"
	}
	for _, look := range []func(int) string{w.restlessPods, w.restlessLanes, w.restlessReports} {
		if what := look(wanted); what != "" {
			return what
		}
	}
	return ""
}

func (w *World) restlessPods(wanted int) string {
	d := w.api.deployments.get(poolName).obj
	pods := w.workingPods()
	if d.replicas != wanted {
		return fmt.Sprintf("the deployment has %d replicas, wanted are %d", d.replicas, wanted)
	}
	if len(pods) != wanted {
		return fmt.Sprintf("there are %d pods, wanted are %d", len(pods), wanted)
	}
	for _, pod := range pods {
		if o := pod.obj; o.generation != d.generation || !o.ready || !o.serving || o.deleting || o.cheap {
			return fmt.Sprintf("%s: generation %d of %d, ready %t, serving %t, deleting %t, cheap %t", pod.name, o.generation,
				d.generation, o.ready, o.serving, o.deleting, o.cheap)
		}
	}
	return ""
}

// workingPods are all pods but those that have failed: nobody deletes these, and they hold nothing up.
func (w *World) workingPods() []*version[podObject] {
	return slices.DeleteFunc(w.api.pods.all(), func(pod *version[podObject]) bool {
		return pod.obj.phase == plan.Failed && !pod.obj.deleting && !pod.obj.finalizer
	})
}

func (w *World) restlessLanes(wanted int) string {
	table := w.api.tables.get(tableName)
	if table == nil {
		return "there is no table"
	}
	if len(table.obj.Slots) != wanted {
		return fmt.Sprintf("there are %d slots, wanted are %d", len(table.obj.Slots), wanted)
	}
	return cmpOr(w.restlessUnits(drain.Lane, table.obj.Lanes, wanted), w.restlessUnits(drain.Shard, table.obj.Shards, wanted))
}

func cmpOr(a, b string) string {
	if a != "" {
		return a
	}
	return b
}

func (w *World) restlessUnits(kind drain.Kind, lanes []plan.Lane, wanted int) string {
	counts := map[string]int{}
	for i, l := range lanes {
		unit := drain.Unit{Kind: kind, Index: int32(i)}
		switch {
		case wanted == 0 && l.State != plan.Unowned:
			return fmt.Sprintf("%s is %v though no worker is wanted", unitName(unit), l.State)
		case wanted == 0:
		case l.State != plan.Owned:
			return fmt.Sprintf("%s is %v", unitName(unit), l.State)
		case !w.runsUnit(unit, l.Worker):
			return fmt.Sprintf("%s is owned by %s at epoch %d, which does not run it", unitName(unit), l.Worker.Name, l.Epoch)
		}
		counts[l.Worker.UID]++
	}
	if wanted == 0 {
		return ""
	}
	least, most := len(lanes)/wanted, (len(lanes)+wanted-1)/wanted
	for _, pod := range w.workingPods() {
		if n := counts[pod.obj.uid]; n < least || n > most {
			return fmt.Sprintf("%s has %d of %d %s on %d workers", pod.name, n, len(lanes), ifElse(kind == drain.Lane, "lanes", "shards"), wanted)
		}
	}
	return ""
}

func (w *World) runsUnit(unit drain.Unit, by plan.PodRef) bool {
	found := false
	w.check.workers(func(wk *worker) {
		found = found || wk.run.uid == by.UID && wk.machine.MayStart(unit, w.wall())
	})
	return found
}

// restlessReports looks whether every mailbox says what is.
func (w *World) restlessReports(int) string {
	for _, m := range w.api.mailboxes.all() {
		what := ""
		w.check.workers(func(wk *worker) {
			if wk.run.uid == m.obj.owner.UID && !sameReport(m.obj.report, wk.machine.Report()) {
				what = fmt.Sprintf("the mailbox of %s says %q, its worker %q", m.name, describeReport(m.obj.report), describeReport(wk.machine.Report()))
			}
		})
		if what != "" {
			return what
		}
	}
	owners := w.api.mailboxes.all()
	for _, pod := range w.workingPods() {
		if !slices.ContainsFunc(owners, func(m *version[mailbox]) bool { return m.obj.owner.UID == pod.obj.uid }) {
			return pod.name + " has no mailbox"
		}
	}
	return ""
}
