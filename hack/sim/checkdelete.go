// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package sim

import (
	"slices"

	"convoy.dev/convoy/controllers/pool/plan"
	"convoy.dev/convoy/worker/drain"
)

// deletedByReplicaSet is called when the ReplicaSet controller deletes a pod, because a rollout or a scale-down made
// it surplus. A pod that is ill anyway is Kubernetes' choice, not ours.
func (c *checker) deletedByReplicaSet(set *version[replicaSetObject], pod *version[podObject]) {
	table := c.w.api.tables.get(tableName)
	live := c.w.api.pods.get(pod.name)
	if table == nil || live == nil || live.obj.uid != pod.obj.uid || !live.obj.containersReady || live.obj.deleting {
		return
	}
	run := c.runOf(live)
	if !run.answers() {
		return
	}
	for i, l := range table.obj.Lanes {
		if l.State == plan.Unowned || l.Worker.UID != pod.obj.uid || run.worker.machine.Token(laneUnit(int32(i))) == (drain.Token{}) {
			continue
		}
		if excuse := c.excuse(set, pod); excuse != "" {
			c.excused[excuse]++
			return
		}
		c.fail(DeletedWithLanes, about{pod: pod.name}, "%s has lane %d (%v) and is deleted", pod.name, i, l.State)
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
	// closed, and counted in place of the one that had got its slot; or a status from before its gate was opened came
	// late, so that one at work was taken for the idle one.
	lateKubelet = "by a kubelet that had not seen a gate change"
	// lateShrink: see miscounted.
	lateShrink = "by a shrink that nobody could know of"
	// seenIll: whoever chose it had yet to see that it is well again.
	seenIll = "by one who saw it ill"
)

// excuse says why nobody is to blame for a pod that is at work and deleted because its ReplicaSet has too many: "" if
// somebody is. An excuse is good for as many pods as it explains.
func (c *checker) excuse(set *version[replicaSetObject], pod *version[podObject]) string {
	switch {
	case pod.obj.unreadyLate:
		return lateKubelet
	case pod.obj.ill():
		return seenIll
	}
	return c.w.kube.pardoned(set)
}

// answers says that the pod's worker is at work and that its kubelet is heard.
func (r *podRun) answers() bool {
	return r != nil && r.worker != nil && !r.worker.process.frozen && r.on.heard()
}

// shrink is a smaller size of the Deployment, as an operator wrote it.
type shrink struct {
	written int             // the Deployment's generation
	counted map[string]bool // by UID: the pods that its plan had work for
	since   int64           // the version of the table that its plan was made for
	late    bool            // written by a plan that was older than the table, or than what had been written to the pods
	excused int             // how many pods deleted with lanes it has excused
}

// naming is how a pod came to be bound, or to have lanes.
type naming int

const (
	bound    naming = iota // by an operator that had seen the newest Deployment and ReplicaSets
	unseeing               // by one that had not
	believed               // by a table that was rebuilt from what workers say, or put back
)

// named is a pod that a table came to name.
type named struct {
	uid   string
	how   naming
	table int64 // its version
}

// resized is called when an operator has written the Deployment's size.
func (c *checker) resized(v *view, p plan.Plan) {
	if p.Replicas >= v.deployment.obj.replicas {
		return
	}
	table := c.w.api.tables.get(tableName)
	late := table != nil && table.rv != v.tableRV || v.missesWritesToPods(c.w.api)
	planned := p.Table
	if planned == nil {
		planned = v.state.Table
	}
	written := c.w.api.deployments.get(poolName).obj.written
	c.shrinks = append(c.shrinks, &shrink{written: written, since: v.tableRV, late: late, counted: namedIn(planned)})
}

// passedOn is the smaller sizes that the Deployment has by this version of it.
func (c *checker) passedOn(d deploymentObject) []*shrink {
	var shrinks []*shrink
	for _, s := range c.shrinks {
		if d.grown < s.written && s.written <= d.written {
			shrinks = append(shrinks, s)
		}
	}
	return shrinks
}

// carriedOut forgets the smaller sizes once there are no more pods, nor are to be.
func (c *checker) carriedOut() {
	if len(c.shrinks) == 0 {
		return
	}
	pods, d := 0, c.w.api.deployments.get(poolName).obj
	for _, pod := range c.w.api.pods.all() {
		if pod.obj.active() {
			pods++
		}
	}
	if d.observed == d.written && max(pods, totalReplicas(c.w.api.replicaSets.all())) <= d.replicas {
		c.shrinks = nil
	}
}

// namedIn is the UIDs of the pods that a table binds to a slot, or gives lanes or shards to.
func namedIn(table *plan.Table) map[string]bool {
	uids := map[string]bool{}
	for _, s := range table.Slots {
		if s.Pod != (plan.PodRef{}) {
			uids[s.Pod.UID] = true
		}
	}
	for _, l := range slices.Concat(table.Lanes, table.Shards) {
		if l.State != plan.Unowned {
			uids[l.Worker.UID] = true
		}
	}
	return uids
}

// noteNamed notes which pods a table names that the one before did not; v is the view that it was made from, nil if somebody
// put it back.
func (c *checker) noteNamed(table *plan.Table, rebuilt bool, v *view) {
	names := namedIn(table)
	for uid := range c.named {
		if !names[uid] {
			delete(c.named, uid)
		}
	}
	how := bound
	switch {
	case rebuilt || v == nil:
		how = believed
	case !v.fresh(c.w.api):
		how = unseeing
	}
	for uid := range names {
		if _, had := c.named[uid]; !had {
			c.named[uid] = how
			c.namings = append(c.namings, named{uid, how, c.w.api.tables.get(tableName).rv})
		}
	}
}

// miscounted is how many pods too many a shrink takes, because they have been put to work since its plan and nobody could
// know of both: it was written late, or who bound them had not seen it, or nobody bound them but a table that was rebuilt,
// or put back, names them again. One that no table names any more counts as well: another may be deleted for it.
func (c *checker) miscounted(s *shrink) int {
	pods := map[string]bool{}
	for _, n := range c.namings {
		if n.table > s.since && !s.counted[n.uid] && (s.late || n.how != bound) {
			pods[n.uid] = true
		}
	}
	return len(pods)
}

// missesWritesToPods says that the view has not what operators have written to pods: this one waits for its own writes,
// so that it was another one.
func (v *view) missesWritesToPods(api *apiServer) bool {
	return slices.ContainsFunc(v.pods, func(pod *version[podObject]) bool {
		live := api.pods.get(pod.name)
		return live != nil && live.obj.uid == pod.obj.uid && (live.obj.serving != pod.obj.serving || live.obj.cheap != pod.obj.cheap)
	})
}
