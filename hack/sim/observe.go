// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package sim

import (
	"time"

	"convoy.dev/convoy/controllers/pool/plan"
)

// view is one observation of the world, with the versions that writes are conditional on.
type view struct {
	state      plan.State
	tableRV    int64
	deployRV   int64
	mailboxRVs map[string]int64

	pool        *version[poolSpec]
	table       *version[ledger]
	mailboxes   []*version[mailbox]
	pods        []*version[podObject]
	deployment  *version[deploymentObject]
	replicaSets []*version[replicaSetObject]
	nodes       map[string]*version[nodeObject]
}

// watchLag is how long a watch takes that has not stalled.
const watchLag = 1200 * time.Millisecond

// epochStart is the wall-clock time at which every schedule starts.
var epochStart = time.Date(2030, time.January, 1, 0, 0, 0, 0, time.UTC)

func wallAt(d time.Duration) time.Time { return epochStart.Add(d) }

// observe reads the caches; nil while one of them has not been filled for the first time.
func (c *controller) observe() *view {
	if !c.synced() {
		return nil
	}
	v := &view{pool: c.pools.get(poolName), table: c.tables.get(tableName), mailboxes: c.mailboxes.all(),
		pods: c.pods.all(), deployment: c.deployments.get(poolName), replicaSets: c.replicaSets.all(),
		nodes: c.nodes.seen.values}
	v.complete(c)
	return v
}

func (c *controller) synced() bool {
	return c.pools.listed && c.tables.listed && c.mailboxes.listed && c.pods.listed && c.deployments.listed && c.replicaSets.listed && c.nodes.listed
}

// observeLive reads everything from the API server itself, one kind after another: the table first, so that what is
// claimed is never older than its loss.
func (c *controller) observeLive(v *view, kind int) {
	api := c.w.api
	reads := []func(){
		func() { v.table = api.tables.get(tableName) },
		func() { v.mailboxes = api.mailboxes.all() },
		func() { v.pods = api.pods.all() },
		func() {
			v.nodes = map[string]*version[nodeObject]{}
			for _, node := range api.nodes.all() {
				v.nodes[node.name] = node
			}
		},
		func() { v.replicaSets = api.replicaSets.all() },
		func() { v.deployment = api.deployments.get(poolName) },
		func() { v.pool = api.pools.get(poolName) },
	}
	if kind == len(reads) {
		v.complete(c)
		v.state.Live = true
		c.w.tell(about{}, "%s: observed everything live", c)
		c.decide(v)
		return
	}
	api.request(c.process, nil, func() error {
		reads[kind]()
		return nil
	}, func(err error) {
		if err != nil {
			c.finish(200 * time.Millisecond)
			return
		}
		c.observeLive(v, kind+1)
	})
}

// complete makes the plan's State from the objects.
func (v *view) complete(c *controller) {
	s := &c.w.settings
	v.state.Pool = plan.Pool{
		Lanes: s.Lanes, Shards: s.Shards, Wanted: v.pool.obj.wanted, Suspended: v.pool.obj.suspended,
		Protocol: protocol, Timeout: s.Timeout, Fence: s.Fence, DrainTimeout: s.DrainTimeout,
		UnreachableAfter: s.UnreachableAfter, SlotGrace: s.SlotGrace, WatchLag: watchLag,
	}
	if v.table != nil {
		table := v.table.obj.Table
		v.state.Table, v.state.Version, v.tableRV = &table, v.table.rv, v.table.rv
		v.state.Foreign = v.table.obj.object != v.table.uid
	}
	v.deployRV = v.deployment.rv
	v.state.Deployment = v.sumUp()
	v.state.Deployment.Shrinking = v.state.Deployment.Shrinking || v.deployRV < c.deployed
	v.mailboxRVs = map[string]int64{}
	for _, m := range v.mailboxes {
		v.mailboxRVs[m.name] = m.rv
		v.state.Workers = append(v.state.Workers, plan.Worker{Pod: m.obj.owner, Spec: m.obj.spec, Report: m.obj.report})
	}
	for _, pod := range v.pods {
		v.state.Pods = append(v.state.Pods, v.podState(pod))
	}
}

func (v *view) podState(pod *version[podObject]) plan.Pod {
	o := &pod.obj
	p := plan.Pod{
		PodRef: plan.PodRef{Name: pod.name, UID: o.uid}, Set: o.replicaSet, Node: o.node, Created: wallAt(o.created),
		Current: o.generation == v.deployment.obj.generation, Phase: o.phase,
		Containers: []plan.ContainerState{o.worker, o.handler}, PodGC: o.podGC, Deleting: o.deleting,
		Finalizer: o.finalizer, ContainersReady: o.containersReady, Ready: o.ready, Serving: o.serving,
		Cheap: o.cheap, BackOff: o.backOff,
	}
	if o.containersReady {
		p.ContainersReadySince = wallAt(o.containersReadySince)
	}
	if o.ready {
		p.ReadySince = wallAt(o.readySince)
	}
	if o.costSince > 0 {
		p.CostSince = wallAt(o.costSince)
	}
	if o.workerDown {
		p.WorkerDownSince = wallAt(o.workerDownSince)
	}
	if node := v.nodes[o.node]; node != nil && !node.obj.reachable {
		p.UnreachableSince = wallAt(node.obj.unreachableSince)
	}
	return p
}

func (v *view) sumUp() plan.Deployment {
	d := v.deployment.obj
	var sets []plan.ReplicaSet
	for _, set := range v.replicaSets {
		o := set.obj
		sets = append(sets, plan.ReplicaSet{Name: set.name, Present: o.generation == d.generation, Size: o.replicas, Desired: o.desired, Pods: o.actual, Ready: o.ready, Observed: o.observed >= o.written})
	}
	return plan.SumUp(d.replicas, 0, d.observed >= d.written, sets)
}

// fresh says that the view still has the newest Deployment and ReplicaSets.
func (v *view) fresh(api *apiServer) bool {
	if v.deployRV != api.deployments.get(poolName).rv || len(v.replicaSets) != len(api.replicaSets.objects.names) {
		return false
	}
	for _, set := range v.replicaSets {
		if set.rv != api.replicaSets.get(set.name).rv {
			return false
		}
	}
	return true
}
