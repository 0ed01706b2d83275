// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package sim

import (
	"time"
)

// onMachines makes trouble with a whole machine, and mends it later.
func (a *adversary) onMachines(what action) {
	m := pick(a.w.dice, a.w.kube.machines)
	if !m.heard() {
		return
	}
	a.w.tell(about{}, "ADVERSARY: %v: %s", what, m.name)
	switch what {
	case powerOff:
		m.powerOff()
		m.silent()
		a.forAWhile(25*time.Second, func() {
			m.boot()
			m.speaks()
		})
	case cutFromAPI:
		m.api.cut = true
		m.silent()
		if a.w.dice.chance(0.5) {
			a.w.troubled = true
			m.broker.cut = true
		}
		a.forAWhile(20*time.Second, func() {
			m.broker.mend(a.w.clock)
			m.api.mend(a.w.clock)
			m.speaks()
		})
	case cutFromBroker:
		a.w.troubled = true
		m.broker.cut = true
		a.forAWhile(8*time.Second, func() { m.broker.mend(a.w.clock) })
	case freezeMachine:
		a.freezeMachine(m, a.w.dice.chance(0.5))
	case deleteNode:
		a.freezeMachine(m, a.w.dice.chance(0.5))
		a.w.api.nodes.remove(m.name)
		a.w.kube.nodeDeleted(m.name)
	default:
	}
}

// freezeMachine stops the kubelet, and the workers with it or not.
func (a *adversary) freezeMachine(m *machine, workers bool) {
	m.kubelet.freeze()
	m.silent()
	var frozen []*process
	for _, run := range m.runs {
		if workers && run.worker != nil {
			run.worker.process.freeze()
			frozen = append(frozen, run.worker.process)
		}
	}
	kubelet := m.kubelet
	a.forAWhile(25*time.Second, func() {
		kubelet.thaw()
		for _, p := range frozen {
			p.thaw()
		}
		m.speaks()
	})
}

// powerOff ends everything on the machine at once.
func (m *machine) powerOff() {
	m.kubelet.kill()
	m.client.closed = true
	m.w.api.pods.prune()
	for _, run := range m.runs {
		run.posting = false
		m.destroy(run)
		if run.terminating {
			run.stopped = true
		}
	}
}

// silent and speaks tell the node controller what it will notice.
func (m *machine) silent() {
	m.silences++
	m.w.kube.nodeSilent(m)
}

func (m *machine) speaks() {
	if !m.heard() {
		return
	}
	m.silences++
	silence := m.silences
	m.kubelet.after(m.w.dice.span(10*time.Millisecond, 500*time.Millisecond), func() {
		if m.silences != silence || !m.heard() {
			return
		}
		if v := m.w.api.nodes.get(m.name); v == nil || !v.obj.reachable {
			m.w.tell(about{}, "node controller: %s is reachable", m.name)
			m.w.api.nodes.put(m.name, nodeObject{reachable: true})
		}
		for _, run := range m.runs {
			m.post(run)
		}
	})
}

// onPool does what users and administrators do.
func (a *adversary) onPool(what action) {
	d, api := a.w.dice, a.w.api
	pool := api.pools.get(poolName).obj
	switch what {
	case scalePool:
		pool.wanted = d.between(0, a.w.settings.MaxWorkers)
		a.w.tell(about{}, "ADVERSARY: scale to %d", pool.wanted)
		api.pools.put(poolName, pool)
	case suspendPool:
		pool.suspended = true
		api.pools.put(poolName, pool)
		a.forAWhile(8*time.Second, func() {
			again := api.pools.get(poolName).obj
			again.suspended = false
			api.pools.put(poolName, again)
		})
	case rollOut:
		next := api.deployments.get(poolName).obj
		next.generation++
		next.written++
		api.deployments.put(poolName, next)
	case limitPods:
		a.w.kube.quota = max(1, len(api.pods.objects.names)-d.between(0, 1))
		a.forAWhile(10*time.Second, func() { a.w.kube.quota = 0 })
	case blockImages:
		a.noPullUntil = a.w.clock.now + d.span(time.Second, 8*time.Second)
	case releaseKeys:
		a.release()
	case remakePool:
		a.remakePool()
	default:
	}
}

// remakePool leaves nothing of what the API server knew of the workers, while some of them run on. What the broker holds
// is kept, and the pool that is made anew adopts it; its Deployment begins without pods.
func (a *adversary) remakePool() {
	api := a.w.api
	a.w.remade++
	api.tables.remove(tableName)
	fresh := api.deployments.get(poolName).obj
	fresh.resize(0)
	api.deployments.put(poolName, fresh)
	a.w.check.poolRemade()
	for _, v := range api.pods.all() {
		if v.obj.finalizer {
			a.w.kube.patch(v, func(p *podObject) { p.finalizer = false })
		}
		if again := api.pods.get(v.name); again != nil {
			a.w.kube.delete(again, 0)
		}
		if api.mailboxes.get(v.name) != nil {
			api.mailboxes.remove(v.name)
		}
	}
}

// release is a person's ConvoyAction: every parked key is released.
func (a *adversary) release() {
	for n, l := range a.w.broker.lanes {
		for _, key := range l.park.names {
			l.park.values[key].wished = true
		}
		a.w.check.workers(func(wk *worker) { wk.releaseParked(int32(n)) })
	}
}

// rest mends everything: from now on only what is under way goes on. One controller leads.
func (a *adversary) rest() {
	w := a.w
	w.tell(about{}, "the adversary rests")
	a.idle = true
	w.resting = true
	for _, m := range a.mends {
		m.do()
	}
	for _, m := range w.kube.machines {
		if !m.kubelet.alive {
			m.boot()
		}
		m.kubelet.thaw()
		m.api.mend(w.clock)
		m.broker.mend(w.clock)
		m.speaks()
	}
	w.check.workers(func(wk *worker) { wk.process.thaw() })
	w.api.downUntil, w.broker.downUntil, w.kube.quota, a.noPullUntil = 0, 0, 0, 0
	w.api.manners.late, w.api.manners.lost, w.broker.manners.late, w.broker.manners.lost = 0, 0, 0, 0
	for i, c := range w.controllers {
		c.process.thaw()
		c.client.stalledUntil = 0
		if !c.process.alive {
			c.start()
		}
		c.leads = i == 0
		c.ask(0)
	}
	if w.settings.UnreachableAfter == 0 {
		w.settings.UnreachableAfter = 2 * time.Second // somebody says that what has vanished is gone
	}
	pool := poolSpec{wanted: w.dice.between(1, w.settings.MaxWorkers)}
	if w.settings.Shutdown {
		pool.wanted = 0
	}
	w.api.pools.put(poolName, pool)
}
