// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package sim

import (
	"time"
)

// action is one kind of trouble.
type action int

// What the adversary can do.
const (
	crashController action = iota
	deposeController
	freezeController
	stallWatches
	crashWorker
	crashHandler
	freezeWorker
	endWorker
	deletePod
	forceDelete
	stripAndDelete
	evictPod
	powerOff
	cutFromAPI
	cutFromBroker
	freezeMachine
	deleteNode
	apiOutage
	brokerOutage
	scalePool
	suspendPool
	rollOut
	limitPods
	blockImages
	loseTable
	restoreTable
	deleteMailbox
	watchBack
	releaseKeys
	remakePool
	actions
)

var actionNames = [actions]string{
	"crash a controller", "depose a controller", "freeze a controller", "stall watches", "crash a worker",
	"crash a handler", "freeze a worker", "end a worker by SIGTERM", "delete a pod", "delete a pod by force", "strip a pod's finalizer and delete it by force",
	"evict a pod", "power a machine off", "cut a machine from the API", "cut a machine from the broker", "freeze a machine",
	"delete a node", "API outage", "broker outage", "scale", "suspend", "roll out", "limit pods by quota", "block images",
	"lose the table", "restore an older table", "delete a mailbox", "a watch goes back in time", "release parked keys", "delete the pool by force and make it anew",
}

func (a action) String() string { return actionNames[a] }

// adversary makes trouble, and mends it after a while. What it does depends on the seed alone.
type adversary struct {
	w           *World
	mends       []*mend
	noPullUntil time.Duration
	idle        bool
	taken       [actions]int // how often each action was taken
}

// mend takes one trouble back, once.
type mend struct {
	done bool
	do   func()
}

// begin starts the trouble.
func (a *adversary) begin() {
	total := 0
	for _, weight := range a.w.settings.Weights {
		total += weight
	}
	if total == 0 {
		return
	}
	a.later(total)
}

func (a *adversary) later(total int) {
	d := a.w.dice
	a.w.clock.after(d.span(0, 2*a.w.settings.Pace), func() {
		if a.idle {
			return
		}
		n := d.below(total)
		for what, weight := range a.w.settings.Weights {
			if n -= weight; n < 0 {
				a.act(action(what))
				break
			}
		}
		a.later(total)
	})
}

// for a while does something and takes it back later, or when the adversary rests.
func (a *adversary) forAWhile(longest time.Duration, undo func()) {
	m := &mend{}
	m.do = func() {
		if !m.done {
			m.done = true
			undo()
		}
	}
	a.mends = append(a.mends, m)
	a.w.clock.after(a.w.dice.span(longest/20, longest), m.do)
}

func (a *adversary) act(what action) {
	a.taken[what]++
	a.w.tell(about{}, "ADVERSARY: %v", what)
	switch what {
	case crashController, deposeController, freezeController, stallWatches:
		a.onControllers(what)
	case crashWorker, crashHandler, freezeWorker, endWorker, evictPod:
		a.onProcesses(what)
	case deletePod, forceDelete, stripAndDelete, deleteMailbox, watchBack:
		a.onPods(what)
	case powerOff, cutFromAPI, cutFromBroker, freezeMachine, deleteNode:
		a.onMachines(what)
	case apiOutage:
		a.w.api.downUntil = a.w.clock.now + a.w.dice.span(50*time.Millisecond, 5*time.Second)
	case brokerOutage:
		a.w.troubled = true
		a.w.broker.downUntil = a.w.clock.now + a.w.dice.span(50*time.Millisecond, 4*time.Second)
	case loseTable, restoreTable:
		a.onTable(what)
	default:
		a.onPool(what)
	}
}

func (a *adversary) onControllers(what action) {
	d := a.w.dice
	c := pick(d, a.w.controllers)
	other := a.w.controllers[0]
	if other == c {
		other = a.w.controllers[1]
	}
	switch what {
	case crashController:
		if !c.process.alive {
			return
		}
		c.crash()
		a.w.clock.after(d.span(10*time.Millisecond, 2*time.Second), func() {
			if c.process.alive {
				return // the adversary rests
			}
			c.start()
			c.leads = c.leads || !other.leads || !other.process.alive
		})
	case deposeController:
		a.depose(c, other)
	case freezeController:
		a.freeze(c, other)
	case stallWatches:
		c.client.stalledUntil = a.w.clock.now + d.span(100*time.Millisecond, 5*time.Second)
	default:
	}
}

// depose lets both believe that they lead, for a while.
func (a *adversary) depose(c, other *controller) {
	if !other.process.alive || !c.leads {
		return
	}
	other.leads = true
	other.ask(0)
	a.forAWhile(4*time.Second, func() {
		if other.leads {
			c.leads = false
		}
	})
}

// freeze stops a controller in the middle of whatever it does; another leads meanwhile.
func (a *adversary) freeze(c, other *controller) {
	c.process.freeze()
	if c.leads && !other.leads {
		other.leads = true
		other.ask(0)
	}
	frozen := c.process
	a.forAWhile(5*time.Second, func() {
		frozen.thaw()
		a.w.clock.after(a.w.dice.span(0, time.Second), func() {
			if other.leads && other.process.alive {
				c.leads = false
			}
		})
	})
}

// victims are all pods whose containers have started and not stopped.
func (a *adversary) victims() []*podRun {
	var list []*podRun
	for _, m := range a.w.kube.machines {
		for _, run := range m.runs {
			if run.begun && !run.stopped {
				list = append(list, run)
			}
		}
	}
	return list
}

func (a *adversary) onProcesses(what action) {
	list := a.victims()
	if len(list) == 0 {
		return
	}
	run := pick(a.w.dice, list)
	a.w.tell(about{pod: run.name}, "ADVERSARY: %v", what)
	switch what {
	case crashWorker:
		if run.worker != nil {
			run.worker.kill()
		}
	case crashHandler:
		if run.handler != nil && !run.terminating {
			run.handler.kill()
			run.handler = newHandler(a.w, run)
		}
	case freezeWorker:
		if wk := run.worker; wk != nil {
			wk.process.freeze()
			a.forAWhile(12*time.Second, wk.process.thaw)
		}
	case endWorker:
		// A liveness probe, or somebody in the container: the pod stays.
		if run.worker != nil {
			run.worker.sigterm()
		}
	case evictPod:
		if run.on.heard() {
			run.on.evict(run)
		}
	default:
	}
}

func (a *adversary) onPods(what action) {
	names := a.w.api.pods.objects.names
	if len(names) == 0 {
		return
	}
	v := a.w.api.pods.get(pick(a.w.dice, names))
	a.w.tell(about{pod: v.name}, "ADVERSARY: %v", what)
	switch what {
	case deletePod:
		a.w.kube.delete(v, a.w.settings.Grace)
	case forceDelete:
		a.w.kube.delete(v, 0)
	case stripAndDelete:
		a.w.kube.patch(v, func(p *podObject) { p.finalizer = false })
		if again := a.w.api.pods.get(v.name); again != nil {
			a.w.kube.delete(again, 0)
		}
	case deleteMailbox:
		a.w.api.mailboxes.remove(v.name)
	case watchBack:
		a.showThePast(v.name)
	default:
	}
}

// showThePast delivers an earlier version of a mailbox to its worker once more.
func (a *adversary) showThePast(name string) {
	history := a.w.api.mailboxes.history[name]
	if len(history) == 0 {
		return
	}
	old := pick(a.w.dice, history)
	a.w.check.workers(func(wk *worker) {
		if wk.run.name == name {
			wk.process.after(0, func() { wk.mail.seen(old) })
		}
	})
}

func (a *adversary) onTable(what action) {
	tables := a.w.api.tables
	a.w.check.tableLost()
	tables.remove(tableName)
	if what == loseTable || len(a.w.tables) == 0 {
		return
	}
	// A backup may be of any age. The API server takes no older revision over a newer one: the copy is another object.
	old := pick(a.w.dice, a.w.tables)
	a.w.tell(about{}, "ADVERSARY: the table is back at revision %d", old.Revision)
	tables.put(tableName, old)
	a.w.check.noteNamed(&old.Table, false, nil)
}
