// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package sim

import (
	"errors"
	"time"

	"convoy.dev/convoy/controllers/pool/plan"
)

// podFacts is what a kubelet has to say about one of its pods.
type podFacts struct {
	worker, handler plan.ContainerState
	ready           bool // both containers are
	gate            bool // the serving gate, as the kubelet has last seen it
	stopped         bool
	down            bool
	downSince       time.Duration
	backOff         bool
	restarts        int
}

func (m *machine) facts(run *podRun) podFacts {
	f := podFacts{worker: plan.Waiting, handler: plan.Waiting, stopped: run.stopped, restarts: max(0, run.processes-1)}
	if run.worker != nil {
		f.worker = plan.Started
	} else if run.begun {
		f.worker = plan.Terminated
		f.down, f.downSince = true, run.downSince
		f.backOff = run.waits > time.Second
	}
	if run.handler != nil {
		f.handler = plan.Started
	} else if run.begun {
		f.handler = plan.Terminated
	}
	if run.stopped {
		f.worker, f.handler = plan.Terminated, plan.Terminated
	}
	f.ready = run.healthy && run.worker != nil && run.handler != nil
	if v := m.pods.get(run.name); v != nil && v.obj.uid == run.uid {
		f.gate = v.obj.serving
	}
	return f
}

// apply writes the facts into the pod's status. A terminal phase stays.
func (f podFacts) apply(p *podObject, now time.Duration) {
	p.worker, p.handler = f.worker, f.handler
	if f.ready && !p.containersReady {
		p.containersReadySince = now
	}
	p.containersReady = f.ready
	p.workerDown, p.workerDownSince, p.backOff = f.down, f.downSince, f.backOff
	p.restarts = f.restarts
	if p.phase != plan.Failed && p.phase != plan.Succeeded {
		switch {
		case f.stopped:
			p.phase = plan.Failed
		case f.worker != plan.Waiting || f.handler != plan.Waiting:
			p.phase = plan.Running
		}
	}
	ready := f.ready && f.gate && p.phase == plan.Running
	if ready && !p.ready {
		p.readySince, p.readyLate = now, !p.serving
	}
	p.unreadyLate = !ready && f.late(p)
	p.ready = ready
	if f.stopped && p.deleting {
		p.terminated = true
	}
}

// late says that these are the facts from before the pod's gate was opened, and that newer ones were written.
func (f podFacts) late(p *podObject) bool { return p.serving && !f.gate && (p.ready || p.unreadyLate) }

// post sends the pod's facts to the API server soon, and again until it has answered: one write at a time, so that an
// older one does not come after a newer one.
func (m *machine) post(run *podRun) {
	if run.posting || !m.kubelet.alive {
		run.outdated = true
		return
	}
	run.posting, run.outdated = true, false
	kubelet := m.kubelet
	kubelet.after(m.w.dice.span(2*time.Millisecond, 30*time.Millisecond), func() {
		run.outdated = false
		facts := m.facts(run)
		m.w.api.request(kubelet, m.api, func() error {
			return m.w.api.patchPod(run.name, run.uid, func(p *podObject) { facts.apply(p, m.w.clock.now) })
		}, func(err error) {
			run.posting = false
			if run.outdated || err != nil && !errors.Is(err, errNotFound) {
				m.post(run)
			}
		})
	})
}
