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

	shrinks  []*shrink                  // smaller sizes of the Deployment that may not be carried out yet
	named    map[string]naming          // by pod UID: how the table came to name it, of those that it names
	namings  []named                    // every pod that a table has come to name, in order
	told     map[string]int64           // by pod UID: the newest revision written to its mailbox
	revision int64                      // of the table written last
	mixed    bool                       // the table was lost, or put back
	recorded map[drain.Unit][]recording // every write of the epoch record, in order
}

// recording is one write of an epoch record.
type recording struct {
	at    time.Duration
	token token
}

func newChecker(w *World) *checker {
	return &checker{w: w, keys: map[string]*convoy{}, recorded: map[drain.Unit][]recording{}, told: map[string]int64{}, excused: map[string]int{}, named: map[string]naming{}}
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
	if next.Revision <= c.revision && !begins(next) {
		c.fail(RevisionAgain, about{}, "a table has revision %d after %d", next.Revision, c.revision)
	}
	c.revision = next.Revision
	c.noteNamed(next, before == nil || next.Rebuilt == next.Revision, v)
	if before == nil {
		return
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

// begins says that nothing was ever granted by a table, nor by one before it that anybody knows of: the pool is new, or
// was made anew, or nothing is left of it.
func begins(t *plan.Table) bool {
	return t.Rebuilt == 0 && !slices.ContainsFunc(slices.Concat(t.Lanes, t.Shards), func(l plan.Lane) bool { return l.Epoch > 0 })
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
