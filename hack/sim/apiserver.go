// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package sim

import (
	"time"
)

// apiServer holds the objects. Each request is one atomic step there, some time after it was sent; the answer is
// under way for some time again, or lost.
type apiServer struct {
	clock     *clock
	dice      *dice
	manners   apiManners
	revision  int64
	downUntil time.Duration
	writes    int // by controllers and workers, for the check of a steady state
	podGone   func(uid string)

	pools       *store[poolSpec]
	tables      *store[ledger]
	mailboxes   *store[mailbox]
	pods        *store[podObject]
	deployments *store[deploymentObject]
	replicaSets *store[replicaSetObject]
	nodes       *store[nodeObject]
}

// apiManners say how well the API server and the way to it behave.
type apiManners struct {
	slow, slowest time.Duration // usual and worst delay of a request or an answer
	late          float64       // probability that a request takes up to slowest
	lost          float64       // probability that an answer is lost
	watchLag      time.Duration // worst usual delay of a watch
}

// giveUp is how long a client waits for an answer.
const giveUp = 3 * time.Second

func newAPIServer(c *clock, d *dice, m apiManners) *apiServer {
	a := &apiServer{clock: c, dice: d, manners: m}
	a.pools = newStore[poolSpec](a)
	a.tables = newStore[ledger](a)
	a.mailboxes = newStore[mailbox](a)
	a.pods = newStore[podObject](a)
	a.deployments = newStore[deploymentObject](a)
	a.replicaSets = newStore[replicaSetObject](a)
	a.nodes = newStore[nodeObject](a)
	return a
}

// link is a process's way to the API server or the broker; nil always works.
type link struct {
	cut  bool
	held []func() // watch events that arrive when it is mended
}

func (l *link) works() bool { return l == nil || !l.cut }

// mend lets what was held back arrive, in order.
func (l *link) mend(c *clock) {
	l.cut = false
	held := l.held
	l.held = nil
	for _, arrive := range held {
		c.after(0, arrive)
	}
}

// request runs act at the API server and tells p what came of it. An answer of errUnavailable says nothing about
// whether act was run, or will be.
func (a *apiServer) request(p *process, by *link, act func() error, reply func(error)) {
	answered := false
	answer := func(err error) {
		p.enter(func() {
			if !answered {
				answered = true
				reply(err)
			}
		})
	}
	if !by.works() || a.clock.now < a.downUntil {
		p.after(a.dice.span(giveUp/10, giveUp), func() { answer(errUnavailable) })
		return
	}
	there := a.dice.span(a.manners.slow/10, a.manners.slow)
	if a.dice.chance(a.manners.late) {
		there = a.dice.span(a.manners.slow, a.manners.slowest)
	}
	back := a.dice.span(a.manners.slow/10, a.manners.slow)
	lost := a.dice.chance(a.manners.lost)
	a.clock.after(there, func() {
		if a.clock.now < a.downUntil {
			return
		}
		err := act()
		if !lost {
			a.clock.after(back, func() {
				if by.works() {
					answer(err)
				}
			})
		}
	})
	p.after(giveUp, func() { answer(errUnavailable) })
}

// deletePod is the API's delete call.
func (a *apiServer) deletePod(name, uid string, grace time.Duration) error {
	v := a.pods.get(name)
	if v == nil || v.obj.uid != uid {
		return errNotFound
	}
	pod := v.obj
	if pod.deleting && (grace >= pod.grace || pod.forced) {
		return nil
	}
	pod.deleting, pod.grace, pod.forced = true, grace, grace == 0
	a.settlePod(name, pod)
	return nil
}

// patchPod changes a pod, if it is still the same one.
func (a *apiServer) patchPod(name, uid string, change func(*podObject)) error {
	v := a.pods.get(name)
	if v == nil || v.obj.uid != uid {
		return errNotFound
	}
	pod := v.obj
	change(&pod)
	if pod != v.obj {
		a.settlePod(name, pod)
	}
	return nil
}

// casPod changes a pod, if it is still as it was read.
func (a *apiServer) casPod(read *version[podObject], change func(*podObject)) error {
	if v := a.pods.get(read.name); v != nil && v.obj.uid == read.obj.uid && v.rv != read.rv {
		return errConflict
	}
	return a.patchPod(read.name, read.obj.uid, change)
}

// settlePod writes a pod, or removes it when it is deleted and nothing holds it any more.
func (a *apiServer) settlePod(name string, pod podObject) {
	if pod.deleting && !pod.finalizer && (pod.forced || pod.terminated || pod.node == "") {
		a.pods.remove(name)
		a.podGone(pod.uid)
		return
	}
	a.pods.put(name, pod)
}
