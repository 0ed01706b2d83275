// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package plan

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"convoy.dev/convoy/worker/drain"
)

// world is a small cluster around the plan: objects that a plan is applied to, workers that obey their specs, a
// Deployment and a kubelet. Nothing in it is delayed or lost unless a test says so.
type world struct {
	State
	now  time.Time
	made int
	set  int // the present template's ReplicaSet
	// ruled is what a test has done to single pods.
	ruled map[string]*rules
	// surge is how many pods a rollout may add, or none for a quota that stops them.
	surge int
	// faults are what must never happen.
	faults []string
}

// rules are a test's word on one pod.
type rules struct {
	deaf     bool                 // its worker does not act
	stubborn bool                 // its handler ignores SIGTERM
	served   bool                 // its gate has been True
	stuck    map[drain.Unit]bool  // units whose drain does not end
	held     []drain.Held         // what its worker's memory has
	opened   map[drain.Unit]int64 // the epoch that the worker has opened
	over     map[drain.Unit]time.Time
}

var epochZero = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)

func newWorld(lanes, wanted int) *world {
	w := &world{now: epochZero, ruled: map[string]*rules{}, surge: 1}
	w.Pool = Pool{
		Lanes: lanes, Wanted: wanted, Protocol: drain.Protocol{Min: 1, Max: 2},
		Timeout: 30 * time.Second, Fence: 10 * time.Second, DrainTimeout: time.Minute,
		UnreachableAfter: time.Minute, SlotGrace: 3 * time.Second,
	}
	return w
}

func (w *world) rules(name string) *rules {
	if w.ruled[name] == nil {
		w.ruled[name] = &rules{
			stuck: map[drain.Unit]bool{}, opened: map[drain.Unit]int64{}, over: map[drain.Unit]time.Time{},
		}
	}
	return w.ruled[name]
}

// pod finds a pod by name, dead or alive; it is nil once the object is gone.
func (w *world) pod(name string) *Pod {
	for i := range w.Pods {
		if w.Pods[i].Name == name {
			return &w.Pods[i]
		}
	}
	return nil
}

func (w *world) mailbox(name string) *Worker {
	for i := range w.Workers {
		if w.Workers[i].Pod.Name == name {
			return &w.Workers[i]
		}
	}
	return nil
}

// addPod makes a pod whose containers are ready at once.
func (w *world) addPod() *Pod {
	name := fmt.Sprintf("p%d", w.made)
	w.made++
	w.Pods = append(w.Pods, Pod{
		PodRef: PodRef{Name: name, UID: "uid-" + name}, Node: "node-" + name,
		Created: w.now.Add(time.Duration(w.made) * time.Millisecond), Current: true, Set: fmt.Sprint("set-", w.set),
		Phase: Running, Containers: []ContainerState{Started, Started},
		Finalizer: true, ContainersReady: true,
	})
	return &w.Pods[len(w.Pods)-1]
}

// apply makes the plan's writes.
func (w *world) apply(p Plan) {
	w.Live = p.ObserveLive || p.MakeTable
	for _, ref := range p.Confirm {
		if d := w.pod(ref.Name); d == nil || d.UID != ref.UID {
			w.Absent = append(w.Absent, ref)
		}
	}
	if p.MakeTable {
		w.Table, w.Foreign = &Table{Revision: 1}, true
		w.Version += 100
	}
	if p.Table != nil {
		w.Table, w.Foreign = p.Table, false
		w.Version += 100 // by far more than the table's revision
	}
	for _, s := range p.Specs {
		w.writeSpec(s)
	}
	for _, g := range p.Gates {
		w.pod(g.Pod.Name).Serving = g.Serving
		w.rules(g.Pod.Name).served = w.rules(g.Pod.Name).served || g.Serving
	}
	for _, ref := range p.Cheapen {
		w.pod(ref.Name).Cheap = true
	}
	for _, ref := range p.Restore {
		w.pod(ref.Name).Cheap = false
	}
	for _, ref := range p.Delete {
		w.pod(ref.Name).Deleting = true
	}
	for _, ref := range p.Unfinalize {
		w.pod(ref.Name).Finalizer = false
	}
	w.Deployment.Replicas = p.Replicas
}

func (w *world) writeSpec(s SpecWrite) {
	if s.Create {
		w.Workers = append(w.Workers, Worker{Pod: s.Pod})
		return
	}
	box := w.mailbox(s.Pod.Name)
	if s.Spec.Revision <= box.Spec.Revision {
		w.faults = append(w.faults, fmt.Sprintf("spec of %s written at revision %d over %d", s.Pod.Name, s.Spec.Revision, box.Spec.Revision))
	}
	box.Spec = s.Spec
}

// turn lets everybody but the controller act once: workers, kubelet, Deployment.
func (w *world) turn() {
	for i := range w.Workers {
		w.obey(&w.Workers[i])
	}
	w.kubelet()
	w.deployment()
	w.kubelet()
}

// obey is one worker carrying out its spec.
func (w *world) obey(box *Worker) {
	d, r := w.pod(box.Pod.Name), w.rules(box.Pod.Name)
	if d == nil || d.UID != box.Pod.UID || r.deaf || d.Phase != Running || !d.WorkerDownSince.IsZero() || box.Report.Resigned {
		return
	}
	if box.Report.Protocol == (drain.Protocol{}) {
		box.Report.Protocol, box.Report.Incarnation = drain.Protocol{Min: 1, Max: 2}, 1
	}
	before := r.held
	box.Report.Held = nil
	if !d.Deleting {
		for _, g := range box.Spec.Grants {
			box.Report.Held = append(box.Report.Held, w.open(r, g, before, box.Spec.Quarantine))
		}
	}
	for _, h := range before {
		granted := slices.ContainsFunc(box.Report.Held, func(n drain.Held) bool { return n.Unit == h.Unit })
		if !granted && r.stuck[h.Unit] && h.State != drain.Refused {
			h.State = drain.Draining
			box.Report.Held = append(box.Report.Held, h)
		}
	}
	slices.SortFunc(box.Report.Held, func(a, b drain.Held) int {
		return cmp.Or(cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.Index, b.Index))
	})
	r.held = slices.Clone(box.Report.Held)
	box.Report.Observed = max(box.Report.Observed, box.Spec.Revision)
	box.Report.Resigned = d.Deleting && len(box.Report.Held) == 0
}

func (w *world) open(r *rules, g drain.Grant, before []drain.Held, quarantine time.Duration) drain.Held {
	for _, h := range before {
		if h.Unit == g.Unit && h.Epoch == g.Epoch && h.State == drain.Refused {
			return h
		}
	}
	if r.opened[g.Unit] != g.Epoch {
		r.opened[g.Unit], r.over[g.Unit] = g.Epoch, w.now
		if g.Forced {
			r.over[g.Unit] = w.now.Add(quarantine)
		}
	}
	h := drain.Held{Unit: g.Unit, Epoch: g.Epoch, State: drain.Running}
	if w.now.Before(r.over[g.Unit]) {
		h.State = drain.Fencing
	}
	return h
}

// kubelet stops pods that are being deleted once their worker is done, removes those that may go, and says who
// is ready.
func (w *world) kubelet() {
	kept := w.Pods[:0]
	for _, d := range w.Pods {
		box := w.mailbox(d.Name)
		done := box == nil || box.Report.Resigned || !d.WorkerDownSince.IsZero()
		if d.Deleting && done && d.UnreachableSince.IsZero() && !w.rules(d.Name).stubborn && d.Phase == Running {
			d.Phase, d.Containers = Succeeded, []ContainerState{Terminated, Terminated}
		}
		d.ContainersReady = d.Phase == Running && d.WorkerDownSince.IsZero() && d.UnreachableSince.IsZero()
		d.Ready = d.ContainersReady && d.Serving
		if d.Deleting && !d.Finalizer && d.Phase != Running {
			continue
		}
		kept = append(kept, d)
	}
	w.Pods = kept
	w.Workers = slices.DeleteFunc(w.Workers, func(box Worker) bool { return w.pod(box.Pod.Name) == nil })
}

// deployment keeps as many pods as it is to have, and rolls the template out: one pod over at most, outdated pods
// deleted as those of the present template get ready.
func (w *world) deployment() {
	defer w.countSets()
	size := w.Deployment.Replicas
	active := w.actives()
	outdated := slices.IndexFunc(active, func(d *Pod) bool { return !d.Current })
	room := size - len(active)
	if outdated >= 0 {
		room += w.surge
	}
	for ; room > 0; room-- {
		w.addPod()
	}
	active = w.actives()
	ready, freshIdle := 0, 0
	for _, d := range active {
		if d.Ready {
			ready++
		} else if d.Current {
			freshIdle++
		}
	}
	over := len(active) - size
	if outdated >= 0 {
		over = min(len(active)-size-freshIdle, len(active))
	}
	for _, d := range active {
		candidate := outdated < 0 || !d.Current
		if over > 0 && candidate && !d.Ready {
			w.deleteByDeployment(d)
			over--
		}
	}
	if outdated < 0 && over > 0 {
		w.faults = append(w.faults, fmt.Sprintf("the Deployment has to delete %d ready pods", over))
	}
}

// countSets counts the ReplicaSets with pods, the present one while it is to have some, and their pods.
func (w *world) countSets() {
	sets := map[string]bool{}
	for _, d := range w.actives() {
		sets[d.Set] = true
	}
	if w.Deployment.Replicas > 0 {
		sets[fmt.Sprint("set-", w.set)] = true
	}
	w.Deployment.Sets = len(sets)
	w.look()
}

// look lets the ReplicaSets see the pods as they are.
func (w *world) look() {
	w.Deployment.Seen = map[string]Count{}
	for _, d := range w.actives() {
		n := w.Deployment.Seen[d.Set]
		n.Pods++
		if d.Ready {
			n.Ready++
		}
		w.Deployment.Seen[d.Set] = n
	}
}

// actives are the pods that a ReplicaSet counts, in the order in which it deletes those that are not ready.
func (w *world) actives() []*Pod {
	var active []*Pod
	for i := range w.Pods {
		d := &w.Pods[i]
		if !d.Deleting && (d.Phase == Running || d.Phase == Pending) {
			active = append(active, d)
		}
	}
	slices.SortStableFunc(active, func(a, b *Pod) int {
		return cmp.Or(compareBool(b.Cheap, a.Cheap), cmp.Compare(a.Name, b.Name))
	})
	return active
}

// deleteByDeployment deletes a pod; one that works and has lanes is what must never be. Only a pod that is still
// taking over when its template is replaced again is deleted with them: to the Deployment it was never ready.
func (w *world) deleteByDeployment(d *Pod) {
	d.Deleting = true
	if w.Table != nil && w.Table.names(d.PodRef) && d.ContainersReady && w.rules(d.Name).served {
		w.faults = append(w.faults, fmt.Sprintf("the Deployment deleted %s, which has lanes", d.Name))
	}
}

func (t *Table) names(ref PodRef) bool {
	holds := func(l Lane) bool { return l.State != Unowned && l.Worker == ref }
	return slices.ContainsFunc(t.Lanes, holds) || slices.ContainsFunc(t.Shards, holds)
}

// settle plans and lets the world act until nothing happens any more; seen is told every plan that is not empty.
func (w *world) settle(seen func(Plan)) error {
	for range 60 {
		p := Make(w.State, w.now)
		before := fmt.Sprint(w.State)
		seen(p)
		w.apply(p)
		w.turn()
		if empty(p, w.Deployment.Replicas) && before == fmt.Sprint(w.State) {
			return nil
		}
	}
	return fmt.Errorf("not settled after 60 plans")
}

// empty says that the plan asks for no write and no read.
func empty(p Plan, replicas int) bool {
	return !p.ObserveLive && !p.MakeTable && len(p.Confirm) == 0 && p.Table == nil && len(p.Moves)+len(p.Specs)+len(p.Gates) == 0 &&
		len(p.Cheapen)+len(p.Restore)+len(p.Unfinalize)+len(p.Delete) == 0 && p.Replicas == replicas
}

// refuse has the broker refuse the unit to a worker that has been granted it.
func (w *world) refuse(name string, unit drain.Unit, floor int64) {
	for _, held := range [][]drain.Held{w.rules(name).held, w.mailbox(name).Report.Held} {
		for i := range held {
			if held[i].Unit == unit {
				held[i].State, held[i].Floor = drain.Refused, floor
			}
		}
	}
}
