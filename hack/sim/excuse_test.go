// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package sim

import (
	"testing"
	"time"

	"convoy.dev/convoy/controllers/pool/plan"
)

// pool is a world in which nothing happens but what a test does: pod a is at work, pod b is idle.
type pool struct{ *World }

func newPool() pool {
	w := newWorld(1, &faults{}, false)
	w.api.pods.put("a", podObject{uid: "a", replicaSet: "rs-1", ready: true, serving: true})
	w.api.pods.put("b", podObject{uid: "b", replicaSet: "rs-1", ready: true})
	w.api.deployments.put(poolName, deploymentObject{replicas: 2, generation: 1, written: 1})
	p := pool{w}
	p.put("a")
	return p
}

func (p pool) observed() *view {
	v := &view{table: p.api.tables.get(tableName), pods: p.api.pods.all(), deployment: p.api.deployments.get(poolName), replicaSets: p.api.replicaSets.all()}
	v.tableRV, v.deployRV, v.state.Table = v.table.rv, v.deployment.rv, &v.table.obj.Table
	return v
}

// put puts back a table that binds these pods.
func (p pool) put(pods ...string) {
	var table plan.Table
	for i, uid := range pods {
		table.Slots = append(table.Slots, plan.Slot{Index: int32(i), Pod: plan.PodRef{Name: uid, UID: uid}})
	}
	p.api.tables.put(tableName, ledger{Table: table})
	p.check.noteNamed(&table, false, nil)
}

// write has an operator write a table that binds these pods.
func (p pool) write(v *view, table plan.Table, pods ...string) {
	before := p.api.tables.get(tableName).obj
	table.Revision = max(table.Revision, before.Revision+1)
	for i, uid := range pods {
		table.Slots = append(table.Slots, plan.Slot{Index: int32(i), Pod: plan.PodRef{Name: uid, UID: uid}})
	}
	p.api.tables.put(tableName, ledger{Table: table})
	p.check.tableWritten(&before.Table, &table, v)
}

// resize has an operator write the Deployment's size.
func (p pool) resize(v *view, replicas int) {
	d := p.api.deployments.get(poolName).obj
	d.resize(replicas)
	p.api.deployments.put(poolName, d)
	p.check.resized(v, plan.Plan{Replicas: replicas})
}

// comeDown says that the Deployment's size has been passed on, and that there are no more pods.
func (p pool) comeDown() {
	d := p.api.deployments.get(poolName).obj
	d.observed = d.written
	p.api.deployments.put(poolName, d)
	p.api.pods.remove("b")
	p.check.carriedOut()
}

// excused says for how many pods nobody is to blame when rs-1 is made smaller for the Deployment's size.
func (p pool) excused() int {
	p.api.replicaSets.put("rs-1", replicaSetObject{replicas: 10})
	before := p.api.replicaSets.get("rs-1")
	if _, err := p.kube.resize(before, 0, p.api.deployments.get(poolName).obj); err != nil {
		panic(err)
	}
	set := p.api.replicaSets.get("rs-1")
	for n := range 10 {
		if p.check.excuse(set, p.api.pods.get("a")) != lateShrink {
			return n
		}
	}
	return 10
}

// One pod too many is excused where nobody could know of both the smaller size and the pod's work, and none else.
func TestWhenAShrinkIsExcused(t *testing.T) {
	for _, c := range []struct {
		name string
		do   func(p pool)
		want int
	}{
		{"nobody was bound", func(p pool) { p.resize(p.observed(), 1) }, 0},
		{"bound by one who had seen the smaller size", func(p pool) {
			p.resize(p.observed(), 1)
			p.write(p.observed(), plan.Table{}, "a", "b")
		}, 0},
		{"bound by one who had not", func(p pool) {
			old := p.observed()
			p.resize(p.observed(), 1)
			p.write(old, plan.Table{}, "a", "b")
		}, 1},
		{"bound by one who had not, and given up again", func(p pool) {
			old := p.observed()
			p.resize(p.observed(), 1)
			p.write(old, plan.Table{}, "a", "b")
			p.write(p.observed(), plan.Table{}, "a")
		}, 1},
		{"bound by one who had not, given up and bound again", func(p pool) {
			old := p.observed()
			p.resize(p.observed(), 1)
			p.write(old, plan.Table{}, "a", "b")
			p.write(old, plan.Table{}, "a")
			p.write(old, plan.Table{}, "a", "b")
		}, 1},
		{"bound by one who had not, and not named by a table put back", func(p pool) {
			old := p.observed()
			p.resize(p.observed(), 1)
			p.write(old, plan.Table{}, "a", "b")
			p.put("a")
		}, 1},
		{"bound by one who had seen it, and not named by a table put back", func(p pool) {
			p.resize(p.observed(), 1)
			p.write(p.observed(), plan.Table{}, "a", "b")
			p.put("a")
		}, 0},
		{"the Deployment was made larger", func(p pool) {
			old := p.observed()
			p.resize(p.observed(), 3)
			p.write(old, plan.Table{}, "a", "b")
		}, 0},
		{"bound before the plan was made", func(p pool) {
			old := p.observed()
			p.resize(p.observed(), 2)
			p.write(old, plan.Table{}, "a", "b")
			p.resize(p.observed(), 1)
		}, 0},
		{"bound when the plan had been made", func(p pool) {
			old := p.observed()
			p.write(p.observed(), plan.Table{}, "a", "b")
			p.resize(old, 1)
		}, 1},
		{"bound and given up when the plan had been made", func(p pool) {
			old := p.observed()
			p.write(p.observed(), plan.Table{}, "a", "b")
			p.write(p.observed(), plan.Table{}, "a")
			p.resize(old, 1)
		}, 1},
		{"made and bound when the plan had been made", func(p pool) {
			old := p.observed()
			p.api.pods.put("c", podObject{uid: "c", replicaSet: "rs-1"})
			p.write(p.observed(), plan.Table{}, "a", "b", "c")
			p.resize(old, 0)
		}, 2},
		{"the gates of another operator were not seen", func(p pool) {
			old := p.observed()
			b := p.api.pods.get("b").obj
			b.serving = true
			p.api.pods.put("b", b)
			p.resize(old, 1)
			p.write(p.observed(), plan.Table{}, "a", "b")
		}, 1},
		{"a table rebuilt afterwards names it", func(p pool) {
			p.resize(p.observed(), 1)
			p.write(p.observed(), plan.Table{Revision: 7, Rebuilt: 7}, "a", "b")
		}, 1},
		{"it was bound later in the history of a rebuilt table", func(p pool) {
			p.resize(p.observed(), 1)
			p.write(p.observed(), plan.Table{Revision: 8, Rebuilt: 7}, "a", "b")
		}, 0},
		{"a table rebuilt before named it", func(p pool) {
			p.write(p.observed(), plan.Table{Revision: 7, Rebuilt: 7}, "a", "b")
			p.resize(p.observed(), 1)
		}, 0},
		{"a table put back afterwards names it", func(p pool) {
			p.resize(p.observed(), 1)
			p.put("a", "b")
		}, 1},
		{"the Deployment has come down since", func(p pool) {
			p.resize(p.observed(), 1)
			p.put("a", "b")
			p.comeDown()
		}, 0},
		{"the Deployment has been made larger since", func(p pool) {
			p.resize(p.observed(), 1)
			p.put("a", "b")
			p.resize(p.observed(), 2)
		}, 0},
		{"the Deployment has been made smaller again since", func(p pool) {
			p.resize(p.observed(), 1)
			p.put("a", "b")
			p.resize(p.observed(), 0)
		}, 1},
		{"the pool was made anew", func(p pool) {
			p.check.poolRemade()
			p.write(p.observed(), plan.Table{}, "a", "b")
		}, 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := newPool()
			c.do(p)
			if got := p.excused(); got != c.want {
				t.Errorf("%d pods are excused, want %d", got, c.want)
			}
		})
	}
}

// What the Deployment controller takes because it is not ready excuses as many pods at work as it has mistaken for idle
// ones, in that ReplicaSet, until it has come down to its size.
func TestWhatARolloutTakesIsExcused(t *testing.T) {
	for _, c := range []struct {
		name    string
		ready   string // the pods that counted as ready
		set     string
		written int // the ReplicaSet's generation when a pod is deleted
		again   func(k *kubernetes, set *version[replicaSetObject])
		want    string
	}{
		{"one at work was not seen ready", "", "rs-1", 5, nil, secondRollout},
		{"an idle one was not", "a", "rs-1", 5, nil, ""},
		{"an idle one was not, nor one at work in another ReplicaSet", "a", "rs-1", 5, nil, ""},
		{"one at work was not, and has been given up since", "", "rs-1", 5, func(k *kubernetes, _ *version[replicaSetObject]) {
			delete(k.w.check.named, "a")
		}, secondRollout},
		{"one was not that has been bound since", "a", "rs-1", 5, func(k *kubernetes, _ *version[replicaSetObject]) {
			k.w.check.named["b"] = bound
		}, ""},
		{"one was not that has been bound since by one who could not know", "a", "rs-1", 5, func(k *kubernetes, _ *version[replicaSetObject]) {
			k.w.check.named["b"] = unseeing
		}, secondRollout},
		{"one that counted as ready has been bound since by a table put back", "a b", "rs-1", 5, func(k *kubernetes, _ *version[replicaSetObject]) {
			k.w.check.named["b"] = believed
		}, secondRollout},
		{"one deleted from another ReplicaSet", "", "rs-2", 5, nil, ""},
		{"deleted for the size before", "", "rs-1", 4, nil, ""},
		{"one more than was mistaken", "", "rs-1", 5, func(k *kubernetes, set *version[replicaSetObject]) { k.w.check.excuse(set, k.w.api.pods.get("a")) }, ""},
		{"deleted when the ReplicaSet had come down", "", "rs-1", 6, (*kubernetes).settled, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			k := newPool().kube
			k.w.api.pods.put("c", podObject{uid: "c", replicaSet: "rs-2"})
			k.w.check.named["c"] = bound
			k.pardonUnready(&version[replicaSetObject]{name: "rs-1", obj: replicaSetObject{written: 4, readyPods: c.ready}}, 2)
			set := &version[replicaSetObject]{name: c.set, obj: replicaSetObject{written: c.written}}
			if c.again != nil {
				c.again(k, set)
			}
			if got := k.w.check.excuse(set, k.w.api.pods.get("a")); got != c.want {
				t.Errorf("the excuse is %q, want %q", got, c.want)
			}
		})
	}
}

// A kubelet's late word excuses the pods that would not have been taken without it.
func TestALateWordExcusesWhatItCosts(t *testing.T) {
	for _, c := range []struct {
		name       string
		ready      int // of the two old pods
		late, want int
	}{
		{"every ready pod is one that may be", 2, 0, 0},
		{"one of them is not", 2, 1, 1},
		{"none is taken for it", 0, 1, 0},
		{"as many as are taken", 2, 3, 2},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newPool().World
			d := deploymentObject{replicas: 2, generation: 2}
			w.api.replicaSets.put("rs-1", replicaSetObject{generation: 1, created: time.Second, replicas: 2, desired: 2, maxTotal: 3, ready: c.ready})
			w.api.replicaSets.put("rs-2", replicaSetObject{generation: 2, created: 2 * time.Second, replicas: 2, desired: 2, maxTotal: 3, ready: 2, readyLate: c.late})
			if err := w.kube.shrinkOld(w.api.replicaSets.all(), w.api.replicaSets.get("rs-2"), d); err != nil {
				t.Fatal(err)
			}
			got := 0
			for _, p := range w.kube.pardons {
				if p.why == lateKubelet && p.set == "rs-1" {
					got += p.left
				}
			}
			if got != c.want {
				t.Errorf("%d pods are excused, want %d", got, c.want)
			}
		})
	}
}

// Any pod of the ReplicaSet is excused for what a late word or a Deployment that grows has taken, as many as were.
func TestAnExcuseCoversAsManyAsWereTaken(t *testing.T) {
	k := newPool().kube
	set := &version[replicaSetObject]{name: "rs-1"}
	k.pardon(proportional, set, 2)
	set.obj.written++
	for n, want := range []string{proportional, proportional, ""} {
		if got := k.w.check.excuse(set, k.w.api.pods.get("a")); got != want {
			t.Errorf("the excuse for pod %d is %q, want %q", n, got, want)
		}
	}
}

// A status from before a pod's gate was opened, written when it had been ready, excuses that pod until its kubelet says
// Ready again; so does one of containers that were ready before. Nothing else that makes a pod not ready does.
func TestWhatAStatusSaysExcusesItsPod(t *testing.T) {
	old := podFacts{ready: true, worker: plan.Started, handler: plan.Started}
	now := old
	now.gate = true
	ill := now
	ill.ready = false
	for _, c := range []struct {
		name    string
		serving bool
		words   []podFacts
		want    string
	}{
		{"a late one", true, []podFacts{now, old}, lateKubelet},
		{"one from before its containers were ready", true, []podFacts{now, {}}, lateKubelet},
		{"two late ones", true, []podFacts{now, old, old}, lateKubelet},
		{"taken back", true, []podFacts{now, old, now}, ""},
		{"in time", true, []podFacts{old}, ""},
		{"the gate has been closed", false, []podFacts{now, old}, ""},
		{"its containers are not ready any more", true, []podFacts{now, ill}, seenIll},
		{"likewise, after a late one", true, []podFacts{now, old, ill}, seenIll},
		{"its containers have not been ready yet", true, []podFacts{ill}, ""},
		{"its containers are ready again", true, []podFacts{now, ill, now}, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := newPool()
			pod := podObject{uid: "a", replicaSet: "rs-1", serving: c.serving}
			for _, word := range c.words {
				word.apply(&pod, time.Second)
			}
			if got := p.check.excuse(&version[replicaSetObject]{name: "rs-1"}, &version[podObject]{name: "a", obj: pod}); got != c.want {
				t.Errorf("the excuse is %q, want %q", got, c.want)
			}
		})
	}
}
