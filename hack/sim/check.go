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

// checker knows the truth and compares. It sees every process and every call, whatever anybody reports.
type checker struct {
	w      *World
	broken *Violation
	keys   map[string]*convoy
	// excused counts the pods that were deleted with lanes, by the excuse.
	excused map[string]int
	names   []string // of keys, in the order of their first message
	calls   int

	shrunk   time.Duration              // when the Deployment was last made smaller
	late     bool                       // by a plan that was older than the table by then
	told     map[string]int64           // by pod UID: the newest revision written to its mailbox
	mixed    bool                       // the table was lost, or put back
	putBack  time.Duration              // when that was last
	stale    map[string]bool            // by pod UID: it was given lanes by an operator whose view of the Deployment was old
	recorded map[drain.Unit][]recording // every write of the epoch record, in order
}

// recording is one write of an epoch record.
type recording struct {
	at    time.Duration
	token token
}

func newChecker(w *World) *checker {
	return &checker{w: w, keys: map[string]*convoy{}, recorded: map[drain.Unit][]recording{}, told: map[string]int64{}, excused: map[string]int{}, stale: map[string]bool{}}
}

// fail notes a violation; the first one counts.
func (c *checker) fail(r Rule, whom about, format string, args ...any) {
	if c.broken != nil {
		return
	}
	v := &Violation{Rule: r, At: c.w.clock.now, Text: fmt.Sprintf(format, args...)}
	if whom.pod != "" {
		v.Pods = append(v.Pods, whom.pod)
	}
	if whom.lane != "" {
		v.Lanes = append(v.Lanes, whom.lane)
	}
	if whom.key != "" {
		v.Keys = append(v.Keys, whom.key)
	}
	c.broken = v
	c.w.tell(whom, "BROKEN %s: %s", r, v.Text)
}

// workers walks all live worker processes.
func (c *checker) workers(visit func(*worker)) {
	for _, m := range c.w.kube.machines {
		for _, run := range m.runs {
			if run.worker != nil && run.worker.process.alive {
				visit(run.worker)
			}
		}
	}
}

// runs is called when a worker may start messages of a unit: nobody else may.
func (c *checker) runs(wk *worker, unit drain.Unit) {
	now := c.w.wall()
	if !wk.machine.MayStart(unit, now) && !c.w.faults.noHold {
		return
	}
	c.workers(func(other *worker) {
		if other != wk && other.machine.MayStart(unit, now) {
			c.fail(DoubleOwner, about{lane: unitName(unit)}, "%s at %v and %s at %v may both start messages of %s", wk.run.name,
				wk.machine.Token(unit), other.run.name, other.machine.Token(unit), unitName(unit))
		}
	})
}

// ended notes the end of a worker process.
func (c *checker) ended(wk *worker) {
	for _, name := range c.names {
		k := c.keys[name]
		for i := range k.messages {
			if m := &k.messages[i]; m.by == wk && m.byEnded == 0 {
				m.byEnded = c.w.clock.now
			}
		}
	}
}

// tableWritten looks at what a controller has just written, and at what the lanes' workers really do.
func (c *checker) tableWritten(before, next *plan.Table, v *view) {
	if before == nil {
		return
	}
	had := map[string]bool{}
	for _, l := range slices.Concat(before.Lanes, before.Shards) {
		had[l.Worker.UID] = true
	}
	for _, l := range slices.Concat(next.Lanes, next.Shards) {
		if !had[l.Worker.UID] {
			c.stale[l.Worker.UID] = !v.fresh(c.w.api)
		}
	}
	for i := range next.Lanes {
		if i < len(before.Lanes) {
			c.granted(drain.Unit{Kind: drain.Lane, Index: int32(i)}, &before.Lanes[i], &next.Lanes[i])
		}
	}
	for i := range next.Shards {
		if i < len(before.Shards) {
			c.granted(drain.Unit{Kind: drain.Shard, Index: int32(i)}, &before.Shards[i], &next.Shards[i])
		}
	}
}

func (c *checker) granted(unit drain.Unit, before, next *plan.Lane) {
	if next.Epoch < before.Epoch {
		c.fail(EpochBack, about{lane: unitName(unit)}, "the table's epoch of %s went from %d to %d", unitName(unit), before.Epoch, next.Epoch)
	}
}

// opened is called when the broker is about to take an epoch record: an ordinary grant becomes effective, so that
// nobody else may hold the unit any more. (A forced one waits for whoever may.)
func (c *checker) opened(unit drain.Unit, written drain.Token, uid string) {
	if now := c.w.broker.records[unit].token; written.Less(now) {
		c.fail(EpochBack, about{lane: unitName(unit)}, "the epoch record of %s went from %v to %v", unitName(unit), now, written)
	}
	c.recorded[unit] = append(c.recorded[unit], recording{c.w.clock.now, token(written.Number())})
	var opener *worker
	c.workers(func(wk *worker) {
		if wk.run.uid == uid {
			opener = wk
		}
	})
	if opener == nil || opener.mail.known == nil || !slices.Contains(opener.mail.known.obj.spec.Grants, drain.Grant{Unit: unit, Epoch: written.Epoch}) {
		return
	}
	c.nobodyElse(opener.run, unit, c.w.broker.records[unit].token)
}

// started is called when a worker starts to run a unit: nobody else may still work on it, quarantine or not.
func (c *checker) started(wk *worker, unit drain.Unit) {
	if !wk.machine.MayStart(unit, c.w.wall()) {
		return // its hold is over already
	}
	c.others(wk.run, func(run *podRun) {
		if what := worksOn(run, unit); what != "" {
			c.fail(GivenUnreleased, about{lane: unitName(unit)}, "%s is started by %s while %s %s", unitName(unit), wk.run.name, run.name, what)
		}
	})
}

// nobodyElse holds that no other pod has the unit, unless the record in force supersedes it, nor works on it.
func (c *checker) nobodyElse(mine *podRun, unit drain.Unit, record drain.Token) {
	c.others(mine, func(run *podRun) {
		what := worksOn(run, unit)
		if what == "" {
			what = holds(run, unit, record)
		}
		if what != "" {
			c.fail(GivenUnreleased, about{lane: unitName(unit)}, "%s is opened by %s while %s %s", unitName(unit), mine.name, run.name, what)
		}
	})
}

// others walks all pods but one, as they really are.
func (c *checker) others(mine *podRun, visit func(*podRun)) {
	for _, m := range c.w.kube.machines {
		for _, run := range m.runs {
			if run != mine {
				visit(run)
			}
		}
	}
}

// worksOn says which call of the unit a pod's handler really works on: "" if none.
func worksOn(run *podRun, unit drain.Unit) string {
	if run.handler == nil || unit.Kind != drain.Lane {
		return ""
	}
	for _, call := range run.handler.calls {
		if call.lane == unit.Index && !call.slept {
			return fmt.Sprintf("still works on %s %d", call.key, call.seq)
		}
	}
	return ""
}

// holds says what a pod's worker really has of a unit: "" if nothing that could run before it is refused.
func holds(run *podRun, unit drain.Unit, record drain.Token) string {
	if run.worker == nil || !run.worker.process.alive {
		return ""
	}
	token := run.worker.machine.Token(unit)
	if token == (drain.Token{}) || token.Less(record) {
		return ""
	}
	for _, held := range run.worker.machine.Report().Held {
		if held.Unit == unit && held.State.Holds() && held.State != drain.Barred && held.State != drain.Opening {
			return fmt.Sprintf("has it %v at %v", held.State, token)
		}
	}
	return ""
}

// deletedByReplicaSet is called when the ReplicaSet controller deletes a pod, because a rollout or a scale-down made
// it surplus. A pod that is ill anyway is Kubernetes' choice, not ours.
func (c *checker) deletedByReplicaSet(pod *version[podObject]) {
	table := c.w.api.tables.get(tableName)
	live := c.w.api.pods.get(pod.name)
	if table == nil || live == nil || live.obj.uid != pod.obj.uid || !live.obj.containersReady || live.obj.deleting {
		return
	}
	excuse, run := c.excuse(pod), c.runOf(live)
	if !run.answers() {
		return
	}
	for i, l := range table.obj.Lanes {
		switch unit := laneUnit(int32(i)); {
		case l.State == plan.Unowned || l.Worker.UID != pod.obj.uid || run.worker.machine.Token(unit) == (drain.Token{}):
		case excuse != "":
			c.excused[excuse]++
			return
		default:
			c.fail(DeletedWithLanes, about{pod: pod.name}, "%s has lane %d (%v) and is deleted", pod.name, i, l.State)
		}
	}
}

// The excuses for a pod that is deleted with lanes: none of them is in our hands. The pod drains within its grace.
const (
	// secondRollout: a rollout while another is under way takes what is not yet ready of the older one.
	secondRollout = "by a second rollout, before it was seen ready"
	// proportional: the Deployment was made larger in mid-rollout, and its controller, refused in the middle of sizing
	// the ReplicaSets in proportion, began anew with some already sized, and made another smaller than before.
	proportional = "by proportional scaling of a Deployment that grows"
	// lateKubelet: a pod that was not ready for another reason came back while its kubelet had not seen that its gate was
	// closed, and counted in place of the one that had got its slot.
	lateKubelet = "by a kubelet that had not seen a gate close"
	// lateShrink: see misjudged.
	lateShrink = "by a shrink that nobody could know of"
)

func (c *checker) excuse(pod *version[podObject]) string {
	set := pod.obj.replicaSet
	switch k := c.w.kube; {
	case k.cleaned[set] > 0:
		k.cleaned[set]--
		return secondRollout
	case k.rescaled[set] > 0:
		k.rescaled[set]--
		return proportional
	case c.misjudged(pod.obj.uid):
		return lateShrink
	}
	for _, other := range c.w.api.pods.all() {
		if o := other.obj; o.readyLate && o.ready && o.active() {
			return lateKubelet
		}
	}
	return ""
}

// answers says that the pod's worker is at work and that its kubelet is heard.
func (r *podRun) answers() bool {
	return r != nil && r.worker != nil && !r.worker.process.frozen && r.on.heard()
}

// resized is called when an operator has written the Deployment's size.
func (c *checker) resized(v *view, p plan.Plan) {
	if p.Replicas >= v.deployment.obj.replicas {
		return
	}
	table := c.w.api.tables.get(tableName)
	c.shrunk, c.late = c.w.clock.now, table != nil && table.rv != v.tableRV || v.missesWritesToPods(c.w.api)
}

// missesWritesToPods says that the view has not what operators have written to pods: this one waits for its own writes,
// so that it was another one.
func (v *view) missesWritesToPods(api *apiServer) bool {
	return slices.ContainsFunc(v.pods, func(pod *version[podObject]) bool {
		live := api.pods.get(pod.name)
		return live != nil && live.obj.uid == pod.obj.uid && (live.obj.serving != pod.obj.serving || live.obj.cheap != pod.obj.cheap)
	})
}

// misjudged says that the shrink under way is one that nobody could know of who gave the pod its lanes: it was written
// late, by an older plan, or whoever gave them had an old view of Deployment or ReplicaSets, or the table was lost or put
// back at about that time, and the pod then had its lanes again.
func (c *checker) misjudged(uid string) bool {
	putBack := c.putBack > 0 && c.putBack > c.shrunk-shrinkLag
	return c.shrunk > 0 && c.w.clock.now-c.shrunk < shrinkLag && (c.late || c.stale[uid] || putBack)
}

// shrinkLag is how long a smaller Deployment takes to become fewer pods.
const shrinkLag = 6 * time.Second

func (c *checker) runOf(pod *version[podObject]) *podRun {
	for _, m := range c.w.kube.machines {
		for _, run := range m.runs {
			if run.uid == pod.obj.uid {
				return run
			}
		}
	}
	return nil
}

// pollEvery is how often the checker looks whether the pool has come to rest.
const pollEvery = 500 * time.Millisecond
