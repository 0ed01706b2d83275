// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package sim

import (
	"errors"
	"slices"
	"time"

	"convoy.dev/convoy/controllers/pool/plan"
)

// write is one write of a controller to the API server.
type write struct {
	read bool   // a live read that the next write depends on
	pod  string // the UID of the pod that is written to, "" for other objects
	whom about
	what string
	do   func() error
}

// apply carries a plan out: the table first, and the rest only if that was accepted or not needed. Between any two
// writes the controller may die, freeze or be overtaken by another.
func (c *controller) apply(v *view, p plan.Plan) {
	if !p.Requeue.IsZero() {
		c.ask(max(time.Millisecond, p.Requeue.Sub(c.w.wall())))
	}
	rest := c.writes(v, p)
	if p.Table == nil {
		c.carryOut(rest, false)
		return
	}
	c.w.api.request(c.process, nil, func() error { return c.writeTable(v, p) }, func(err error) {
		if err != nil {
			c.finish(30 * time.Millisecond)
			return
		}
		c.carryOut(rest, false)
	})
}

// makeTable makes an empty table, unless there is one after all.
func (c *controller) makeTable() {
	c.w.api.request(c.process, nil, func() error {
		return c.w.api.tables.create(tableName, ledger{Table: plan.Table{Revision: 1}})
	}, func(error) { c.finish(30 * time.Millisecond) })
}

func (c *controller) writeTable(v *view, p plan.Plan) error {
	api := c.w.api
	old := api.tables.get(tableName)
	next := ledger{*p.Table, v.table.uid}
	if err := c.w.faults.casTable(api, v.tableRV, next); err != nil {
		return err
	}
	v.tableRV = api.tables.get(tableName).rv
	api.writes++
	c.w.tables = append(c.w.tables, next)
	for _, move := range p.Moves {
		if c.w.story.on {
			c.w.tell(about{lane: unitName(move.Unit)}, "%s: table %d: %v %s -> %s, epoch %d, %v%s", c, p.Table.Revision,
				move.State, move.From.Name, move.To.Name, move.Epoch, move.Reason, ifTrue(move.Forced, ", forced"))
		}
	}
	var before *plan.Table
	if old != nil {
		before = &old.obj.Table
	}
	c.w.check.tableWritten(before, p.Table, v)
	return nil
}

func ifTrue(b bool, text string) string {
	if b {
		return text
	}
	return ""
}

// carryOut does the writes one after another. One that fails is left to the next reconcile.
func (c *controller) carryOut(writes []write, again bool) {
	if len(writes) == 0 {
		wait := time.Duration(0)
		if again {
			wait = 50 * time.Millisecond
		}
		c.finish(wait)
		return
	}
	next, made := writes[0], int64(0)
	c.w.api.request(c.process, nil, func() error {
		err := next.do()
		if pod := c.w.api.pods.get(next.whom.pod); pod != nil && pod.obj.uid == next.pod {
			made = pod.rv
		}
		if err == nil && !next.read {
			c.w.api.writes++
			c.w.tell(next.whom, "%s: %s", c, next.what)
		}
		return err
	}, func(err error) {
		if err == nil && made > 0 {
			c.patched[next.pod] = patch{made, c.w.clock.now}
		}
		done := 1
		if err != nil && next.read {
			done = 2
		}
		c.carryOut(writes[done:], again || err != nil && !errors.Is(err, errNotFound))
	})
}

func (c *controller) writes(v *view, p plan.Plan) []write {
	var list []write
	api := c.w.api
	add := func(ref plan.PodRef, what string, do func() error) {
		list = append(list, write{whom: about{pod: ref.Name}, what: what, do: do})
	}
	patch := func(ref plan.PodRef, what string, change func(*podObject)) {
		list = append(list, write{whom: about{pod: ref.Name}, what: what, pod: ref.UID, do: func() error { return api.patchPod(ref.Name, ref.UID, change) }})
	}
	for _, spec := range p.Specs {
		do := func() error { return c.writeSpec(v, spec) }
		if spec.Recheck {
			// The mailbox was never written: only the table as it is now may be projected into it.
			list = append(list, write{read: true, do: func() error { return c.recheck(v, spec.Spec.Revision) }})
		}
		add(spec.Pod, specText(spec), do)
	}
	for _, gate := range p.Gates {
		list = append(list, write{whom: about{pod: gate.Pod.Name}, what: "serving gate " + ifElse(gate.Serving, "True", "False"), pod: gate.Pod.UID,
			do: func() error { return c.writePod(v, gate.Pod, func(o *podObject) { o.serving = gate.Serving }) }})
	}
	for _, ref := range p.Cheapen {
		list = append(list, write{whom: about{pod: ref.Name}, what: "lowest deletion cost", pod: ref.UID, do: func() error {
			return c.writePod(v, ref, func(o *podObject) { o.cheap, o.costSince = true, c.w.clock.now })
		}})
	}
	for _, ref := range p.Restore {
		patch(ref, "usual deletion cost", func(o *podObject) {
			if o.cheap {
				o.cheap, o.costSince = false, c.w.clock.now
			}
		})
	}
	for _, ref := range p.Unfinalize {
		patch(ref, "finalizer taken off", func(o *podObject) { o.finalizer = false })
	}
	for _, ref := range p.Delete {
		add(ref, "pod deleted", func() error { return api.deletePod(ref.Name, ref.UID, c.w.settings.Grace) })
	}
	if p.Replicas != v.deployment.obj.replicas {
		list = append(list, write{what: "replicas written", do: func() error {
			next := v.deployment.obj
			next.resize(p.Replicas)
			c.w.tell(about{}, "%s: deployment %d -> %d pods, wanted are %d", c, v.deployment.obj.replicas, p.Replicas, v.pool.obj.wanted)
			err := api.deployments.update(poolName, v.deployRV, next)
			if err == nil {
				c.deployed = api.deployments.get(poolName).rv
				c.w.check.resized(v, p)
			}
			return err
		}})
	}
	return list
}

// writePod changes a pod by compare-and-swap on what was observed of it.
func (c *controller) writePod(v *view, ref plan.PodRef, change func(*podObject)) error {
	at := slices.IndexFunc(v.pods, func(pod *version[podObject]) bool { return pod.obj.uid == ref.UID })
	if c.w.faults.blindGates {
		return c.w.api.patchPod(ref.Name, ref.UID, change)
	}
	return c.w.api.casPod(v.pods[at], change)
}

func ifElse(b bool, yes, no string) string {
	if b {
		return yes
	}
	return no
}

// recheck is a live read of the table: it still is the one that was planned from.
func (c *controller) recheck(v *view, revision int64) error {
	if table := c.w.api.tables.get(tableName); table == nil || table.uid != v.table.uid || table.obj.Revision != revision {
		return errConflict
	}
	return nil
}

func specText(s plan.SpecWrite) string {
	if s.Create {
		return "mailbox created"
	}
	return "spec written"
}

// writeSpec writes a mailbox's spec by compare-and-swap on the version that was observed.
func (c *controller) writeSpec(v *view, s plan.SpecWrite) error {
	api := c.w.api
	if s.Create {
		if pod := api.pods.get(s.Pod.Name); pod == nil || pod.obj.uid != s.Pod.UID {
			c.w.collectMailbox(s.Pod.UID) // an object made for an owner that is gone goes, too
		}
		return api.mailboxes.create(s.Pod.Name, mailbox{owner: s.Pod})
	}
	live := api.mailboxes.get(s.Pod.Name)
	switch {
	case live == nil || live.obj.owner != s.Pod:
		return errNotFound
	case live.rv != v.mailboxRVs[s.Pod.Name]:
		return errConflict
	}
	next := live.obj
	next.spec = s.Spec
	c.w.check.specWritten(s.Pod.Name, s.Pod.UID, s.Spec)
	api.mailboxes.put(s.Pod.Name, next)
	c.w.tell(about{pod: s.Pod.Name}, "%s: spec %s", c, describeSpec(s.Spec))
	return nil
}
