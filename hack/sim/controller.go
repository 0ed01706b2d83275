// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package sim

import (
	"fmt"
	"time"

	"convoy.dev/convoy/controllers/pool/plan"
)

// controller is one operator replica: it observes, plans and applies as the real one does, one write after another.
// Two may believe that they lead.
type controller struct {
	w       *World
	name    string
	process *process
	client  *client
	leads   bool

	pools       *cache[poolSpec]
	tables      *cache[ledger]
	mailboxes   *cache[mailbox]
	pods        *cache[podObject]
	deployments *cache[deploymentObject]
	replicaSets *cache[replicaSetObject]
	nodes       *cache[nodeObject]

	deployed int64            // the version of the Deployment that this process wrote last
	patched  map[string]patch // the version of each pod that it wrote last, by UID, until its cache shows it

	due  bool          // a reconcile has been asked for
	busy bool          // one is under way
	wake time.Duration // the earliest requeue asked for; 0: none
}

// patch is a write to a pod whose answer has come.
type patch struct {
	rv int64
	at time.Duration
}

func newController(w *World, name string) *controller {
	c := &controller{w: w, name: name}
	c.start()
	return c
}

// start is a new process with empty caches.
func (c *controller) start() {
	c.process = c.w.newProcess()
	c.client = c.w.newClient(c.process)
	c.due, c.busy, c.wake, c.deployed, c.patched = false, false, 0, 0, map[string]patch{}
	changed := func(string) { c.ask(0) }
	api := c.w.api
	c.pools = api.pools.watch(c.client, changed)
	c.tables = api.tables.watch(c.client, changed)
	c.mailboxes = api.mailboxes.watch(c.client, changed)
	c.pods = api.pods.watch(c.client, changed)
	c.deployments = api.deployments.watch(c.client, changed)
	c.replicaSets = api.replicaSets.watch(c.client, changed)
	c.nodes = api.nodes.watch(c.client, changed)
	c.pods.inOrder, c.replicaSets.inOrder = true, true
}

// crash ends the process between any two of its writes; what it has sent goes on.
func (c *controller) crash() {
	c.w.tell(about{}, "controller %s: killed", c.name)
	c.client.closed = true
	c.process.kill()
	c.w.api.prune()
}

func (a *apiServer) prune() {
	a.pools.prune()
	a.tables.prune()
	a.mailboxes.prune()
	a.pods.prune()
	a.deployments.prune()
	a.replicaSets.prune()
	a.nodes.prune()
}

// ask requests a reconcile after at least wait. Changes within 50 ms are answered together.
func (c *controller) ask(wait time.Duration) {
	if !c.process.alive || c.due {
		return
	}
	if wait > 0 {
		at := c.w.clock.now + wait
		if c.wake != 0 && c.wake <= at {
			return
		}
		c.wake = at
		c.process.after(wait, func() {
			if c.wake == at {
				c.wake = 0
				c.ask(0)
			}
		})
		return
	}
	c.due = true
	c.process.after(c.w.dice.span(time.Millisecond, 50*time.Millisecond), c.reconcile)
}

func (c *controller) reconcile() {
	if c.busy {
		c.process.after(10*time.Millisecond, c.reconcile)
		return
	}
	c.due = false
	if !c.leads {
		return
	}
	v := c.observe()
	if v == nil || c.behind(v) {
		c.ask(25 * time.Millisecond)
		return
	}
	c.busy = true
	c.decide(v)
}

// behind says that the cache does not show yet what this process has written to a pod. It is not waited for longer than
// a watch takes.
func (c *controller) behind(v *view) bool {
	behind := false
	for _, pod := range v.pods {
		p, wrote := c.patched[pod.obj.uid]
		if wrote && pod.rv >= p.rv {
			delete(c.patched, pod.obj.uid)
			continue
		}
		behind = behind || wrote && c.w.clock.now-p.at < watchLag
	}
	return behind
}

// decide plans from a view and carries the plan out, or looks closer first.
func (c *controller) decide(v *view) {
	p := plan.Make(c.w.faults.state(v.state), c.w.wall())
	c.w.plans++
	switch {
	case p.ObserveLive && !v.state.Live:
		c.observeLive(&view{}, 0)
	case p.MakeTable:
		c.makeTable()
	case len(p.Confirm) > 0:
		c.confirm(v, p.Confirm)
	default:
		c.apply(v, c.w.faults.plan(v.state, p))
	}
}

// confirm looks for pods by live reads.
func (c *controller) confirm(v *view, missing []plan.PodRef) {
	if len(missing) == 0 {
		c.decide(v)
		return
	}
	ref := missing[0]
	found := false
	c.w.api.request(c.process, nil, func() error {
		pod := c.w.api.pods.get(ref.Name)
		found = pod != nil && pod.obj.uid == ref.UID
		return nil
	}, func(err error) {
		if err != nil || found {
			c.finish(100 * time.Millisecond) // the cache will show it, or another look is needed
			return
		}
		v.state.Absent = append(v.state.Absent, ref)
		c.confirm(v, missing[1:])
	})
}

// finish ends a reconcile; a next one follows after wait if that is not 0.
func (c *controller) finish(wait time.Duration) {
	c.busy = false
	if wait > 0 {
		c.ask(wait)
	}
}

func (c *controller) String() string { return fmt.Sprintf("controller %s", c.name) }
