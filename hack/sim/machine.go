// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package sim

import (
	"slices"
	"time"

	"convoy.dev/convoy/controllers/pool/plan"
)

// machine is one node as it really is: the kubelet and the processes on it, whatever the API server says about them.
type machine struct {
	w        *World
	name     string
	kubelet  *process
	client   *client
	pods     *cache[podObject]
	api      *link // of everything on the machine
	broker   *link
	runs     []*podRun // by start
	silences int       // how often the kubelet has fallen silent or spoken again
}

// podRun is one pod as it really is on its machine.
type podRun struct {
	name, uid string
	on        *machine
	begun     bool // containers have been started at least once
	worker    *worker
	handler   *handler

	processes   int // worker processes so far
	crashes     int
	downSince   time.Duration // since when the worker container has not been running
	waits       time.Duration // the current wait before a restart
	healthy     bool          // readiness has been seen
	terminating bool
	orphan      bool // its object is gone
	killAt      time.Duration
	stopped     bool // everything has ended for good
	pool        int  // how often the pool had been made anew
	resigned    bool // a worker of it has resigned: a mark that lives and dies with the pod
	posting     bool // a status write is due, or under way
	outdated    bool // and what it says is not the newest
}

func newMachine(w *World, name string) *machine {
	m := &machine{w: w, name: name, api: &link{}, broker: &link{}}
	w.api.nodes.put(name, nodeObject{reachable: true})
	m.boot()
	return m
}

// boot starts the kubelet, which lists its pods.
func (m *machine) boot() {
	m.kubelet = m.w.newProcess()
	m.client = m.w.newClient(m.kubelet)
	m.client.link = m.api
	m.pods = m.w.api.pods.watchSome(m.client,
		func(_ string, pod *podObject) bool { return pod.node == m.name }, m.sync)
	m.runs = slices.DeleteFunc(m.runs, func(run *podRun) bool { return !run.begun && !run.terminating }) // the list shows them anew
	for _, run := range slices.Clone(m.runs) {
		switch {
		case run.terminating || run.stopped:
			m.settle(run)
		case run.begun:
			m.restartAll(run)
		}
	}
}

// heard says whether the node controller hears the kubelet.
func (m *machine) heard() bool { return m.kubelet.alive && !m.kubelet.frozen && m.api.works() }

// sync makes the machine agree with one pod object.
func (m *machine) sync(name string) {
	v := m.pods.get(name)
	run := m.runOf(name, v)
	if v == nil || v.obj.node != m.name {
		return
	}
	terminal := v.obj.phase == plan.Failed || v.obj.phase == plan.Succeeded
	switch {
	case run == nil && v.obj.deleting:
		m.runs = append(m.runs, &podRun{name: name, uid: v.obj.uid, on: m, terminating: true, stopped: true})
		m.post(m.runs[len(m.runs)-1])
	case run == nil && !terminal:
		m.begin(&podRun{name: name, uid: v.obj.uid, pool: v.obj.pool, on: m})
	case run != nil && v.obj.deleting:
		m.terminate(run, max(v.obj.grace, forceKill))
		m.post(run)
	case run != nil:
		m.post(run)
	}
}

// runOf is what runs of a pod object here. What runs of the name and is not that object's comes to an end.
func (m *machine) runOf(name string, v *version[podObject]) (run *podRun) {
	for _, r := range slices.Clone(m.runs) {
		switch {
		case r.name != name:
		case v != nil && v.obj.uid == r.uid:
			run = r
		case r.stopped:
			m.forget(r)
		default:
			r.orphan = true
			m.terminate(r, forceKill)
		}
	}
	return run
}

// begin starts a pod's containers when their images are there.
func (m *machine) begin(run *podRun) {
	m.runs = append(m.runs, run)
	m.post(run)
	wait := m.w.dice.span(50*time.Millisecond, 700*time.Millisecond)
	m.kubelet.after(wait, func() { m.startWhenPulled(run) })
}

func (m *machine) startWhenPulled(run *podRun) {
	switch {
	case run.terminating:
	case m.w.clock.now < m.w.adversary.noPullUntil:
		m.kubelet.after(500*time.Millisecond, func() { m.startWhenPulled(run) })
	default:
		run.begun = true
		run.handler = newHandler(m.w, run)
		m.startWorker(run)
	}
}

func (m *machine) startWorker(run *podRun) {
	if run.terminating || run.worker != nil {
		return
	}
	run.processes++
	run.waits = 0
	run.worker = newWorker(m.w, run)
	m.kubelet.after(m.w.dice.span(10*time.Millisecond, 200*time.Millisecond), func() {
		run.healthy = run.worker != nil && run.handler != nil
		m.post(run)
	})
	m.post(run)
}

// workerEnded is called when a worker process has ended, for whatever reason.
func (m *machine) workerEnded(run *podRun) {
	run.worker = nil
	run.healthy = false
	run.downSince = m.w.clock.now
	if m.kubelet.alive {
		m.kubelet.after(m.w.dice.span(5*time.Millisecond, 60*time.Millisecond), func() { m.noticeEnd(run) })
	}
}

func (m *machine) noticeEnd(run *podRun) {
	if run.worker != nil || run.stopped {
		return
	}
	if run.terminating {
		m.endHandler(run)
		m.post(run)
		return
	}
	m.restart(run)
}

// restart starts the worker again after a back-off that doubles. Where the container's RestartAllContainers rule is
// honoured the handler is killed and started with it.
func (m *machine) restart(run *podRun) {
	if m.w.settings.RestartAll && run.handler != nil {
		run.handler.kill()
		run.handler = nil
	}
	run.crashes++
	run.waits = min(100*time.Millisecond<<min(run.crashes, 5), 2*time.Second)
	m.post(run)
	m.kubelet.after(run.waits, func() {
		if run.terminating || run.worker != nil {
			return
		}
		if run.handler == nil {
			run.handler = newHandler(m.w, run)
		}
		m.startWorker(run)
	})
}

// restartAll is what a kubelet does that finds a pod's containers gone.
func (m *machine) restartAll(run *podRun) {
	if run.worker == nil && run.handler == nil {
		m.restart(run)
	}
}

// terminate stops a pod: the worker is told first; the handler's preStop hook waits for it; at the end of the grace
// whatever still runs is killed.
func (m *machine) terminate(run *podRun, grace time.Duration) {
	killAt := m.w.clock.now + grace
	if run.stopped || run.terminating && killAt >= run.killAt {
		return
	}
	first := !run.terminating
	run.terminating, run.killAt = true, killAt
	m.kubelet.after(grace, func() {
		if !run.stopped && m.w.clock.now >= run.killAt {
			m.killAll(run)
		}
	})
	if !first {
		return
	}
	m.w.tell(about{pod: run.name}, "kubelet of %s: SIGTERM to %s, grace %v", m.name, run.uid, grace)
	if run.worker != nil {
		run.worker.sigterm()
		return
	}
	m.endHandler(run)
}

func (m *machine) endHandler(run *podRun) {
	if run.handler == nil || run.handler.ignoresTerm {
		m.settle(run)
		return
	}
	m.kubelet.after(m.w.dice.span(time.Millisecond, 80*time.Millisecond), func() {
		if run.handler != nil {
			run.handler.kill()
			run.handler = nil
		}
		m.settle(run)
	})
}

func (m *machine) killAll(run *podRun) {
	m.w.tell(about{pod: run.name}, "kubelet of %s: SIGKILL to all that is left of %s", m.name, run.uid)
	m.destroy(run)
	m.settle(run)
}

// destroy ends the pod's processes at once, whoever does it.
func (m *machine) destroy(run *podRun) {
	if run.worker != nil {
		run.worker.kill()
	}
	if run.handler != nil {
		run.handler.kill()
		run.handler = nil
	}
}

// settle notes that a terminating pod has come to its end.
func (m *machine) settle(run *podRun) {
	if !run.terminating || run.worker != nil || run.handler != nil {
		return
	}
	if !run.stopped {
		run.stopped = true
		m.w.tell(about{pod: run.name}, "kubelet of %s: every container of %s has terminated", m.name, run.uid)
	}
	if run.orphan {
		m.forget(run)
		return
	}
	m.post(run)
}

func (m *machine) forget(run *podRun) {
	m.runs = slices.DeleteFunc(m.runs, func(other *podRun) bool { return other == run })
}

// evict is a kubelet's own eviction: everything is stopped and the pod is Failed.
func (m *machine) evict(run *podRun) {
	m.w.tell(about{pod: run.name}, "kubelet of %s: evicted", m.name)
	run.terminating = true
	m.killAll(run)
}
