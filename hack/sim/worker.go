// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package sim

import (
	"time"

	"convoy.dev/convoy/worker/drain"
	"convoy.dev/convoy/worker/order"
)

// protocol is what the operator and all workers speak.
var protocol = drain.Protocol{Min: 1, Max: 1}

// worker is one process of the convoy-worker container: the real hand-over machine and the real sequencer, joined by
// as little as will do: a mailbox client, a broker client, and calls of the handler beside it.
type worker struct {
	w       *World
	run     *podRun
	process *process
	machine *drain.Machine
	seq     *order.Sequencer
	mail    *postman

	lanes   []*heldLane         // in the sequencer, or being loaded for it; by number
	next    []*heldLane         // waits until the sequencer has drained the one before
	paused  map[drain.Unit]bool // lanes whose hold is lost, opened or about to be
	calls   []*delivery
	effects []order.Effect // the sequencer's buffer

	pumping  bool          // a pump is due
	alarm    time.Duration // the next wake-up; 0: none
	flushing bool          // the progress interval is running
}

// progressInterval is how often changed progress is flushed.
const progressInterval = 100 * time.Millisecond

func newWorker(w *World, run *podRun) *worker {
	s := &w.settings
	wk := &worker{
		w: w, run: run, process: w.newProcess(),
		lanes: make([]*heldLane, s.Lanes), next: make([]*heldLane, s.Lanes),
		paused: map[drain.Unit]bool{},
	}
	barrier := s.Timeout
	if s.RestartAll {
		barrier = 0
	}
	// The pod keeps a mark of earlier processes: it knows of them even when the mailbox was deleted and made anew.
	wk.machine = drain.New(w.faults.drain(drain.Config{
		Fence: s.Fence, Barrier: barrier, Born: w.wall(), Predecessor: run.processes > 1, Resigned: run.resigned, Protocol: protocol,
	}))
	seq, err := order.New(w.orderConfig())
	if err != nil {
		panic(err)
	}
	wk.seq = seq
	w.tell(about{pod: run.name}, "worker process %d of %s starts on %s", run.processes, run.uid, run.on.name)
	wk.mail = newPostman(wk)
	return wk
}

// step gives the machine one event and does what it asks for.
func (wk *worker) step(e drain.Event) {
	if !wk.process.alive {
		return
	}
	for _, effect := range wk.machine.Step(wk.w.wall(), e, nil) {
		if !wk.process.alive {
			return
		}
		wk.do(effect)
	}
	wk.arm()
}

func (wk *worker) do(e drain.Effect) {
	if wk.w.story.on {
		wk.tellEffect(e)
	}
	switch e.Type {
	case drain.RaiseIncarnation:
		wk.mail.raise(e.Report)
	case drain.WriteReport:
		wk.mail.write()
	case drain.OpenUnit:
		wk.open(e.Unit, e.Token)
	case drain.StartUnit:
		wk.w.check.runs(wk, e.Unit)
		wk.w.check.started(wk, e.Unit)
		wk.startUnit(e.Unit, e.Token)
	case drain.StopUnit:
		wk.stopUnit(e.Unit, e.Token)
	case drain.AbortUnit:
		wk.abortUnit(e.Unit, e.Token)
	case drain.PauseUnit:
		wk.pause(e.Unit)
	case drain.ResumeUnit:
		wk.w.check.runs(wk, e.Unit)
		wk.w.check.started(wk, e.Unit)
		wk.unpause(e.Unit)
	case drain.Confirm:
		wk.confirm(e.Grants)
	case drain.Exit:
		wk.end("exits")
	default:
	}
}

// pause stops one lane, that of a lost hold, and no other.
func (wk *worker) pause(unit drain.Unit) {
	if unit.Kind == drain.Shard {
		return
	}
	wk.paused[unit] = true
	wk.seq.Pause(unit.Index)
	wk.cancelCalls(unit)
}

func (wk *worker) unpause(unit drain.Unit) {
	delete(wk.paused, unit)
	if unit.Kind == drain.Lane {
		wk.seq.Resume(unit.Index)
	}
	wk.pumpSoon()
}

// open writes the epoch record, again and again until there is an answer or nobody wants it any more.
func (wk *worker) open(unit drain.Unit, token drain.Token) {
	b := wk.w.broker
	sent := wk.w.wall()
	var record epochRecord
	var written bool
	b.request(wk.process, wk.run.on.broker, func() error {
		var err error
		record, written, err = b.open(unit, token, wk.run)
		return err
	}, func(err error) {
		switch {
		case err != nil && wk.machine.Token(unit) == token:
			wk.process.after(wk.w.settings.Fence/8, func() {
				if wk.machine.Token(unit) == token {
					wk.open(unit, token)
				}
			})
		case err != nil:
		case written:
			wk.step(drain.Opened{Unit: unit, Token: token, Sent: sent})
		default:
			wk.step(drain.OpenRefused{Unit: unit, Token: token, Record: record.token, Own: b.same(record.worker, wk.run.uid)})
		}
	})
}

// confirm asks the broker whether this worker's records are the newest.
func (wk *worker) confirm(grants []drain.Grant) {
	b := wk.w.broker
	sent := wk.w.wall()
	tokens := make([]drain.Token, len(grants))
	for i, g := range grants {
		tokens[i] = wk.machine.Token(g.Unit)
	}
	var good []drain.Grant
	var lost []drain.Superseded
	b.request(wk.process, wk.run.on.broker, func() error {
		for i, g := range grants {
			record := b.records[g.Unit]
			if b.owns(g.Unit, tokens[i], wk.run.uid) || b.w.faults.confirmAll {
				good = append(good, g)
			} else {
				lost = append(lost, drain.Superseded{Unit: g.Unit, Epoch: g.Epoch, Floor: record.token.Epoch})
			}
		}
		return nil
	}, func(err error) {
		if err != nil {
			wk.step(drain.Ticked{})
			return
		}
		wk.step(drain.Confirmed{Sent: sent, Grants: good})
		for _, e := range lost {
			wk.step(e)
		}
	})
}

// sigterm asks the process to end well.
func (wk *worker) sigterm() {
	wk.process.enter(func() { wk.step(drain.Terminated{}) })
}

// kill ends the process without a word.
func (wk *worker) kill() { wk.end("is killed") }

func (wk *worker) end(how string) {
	if !wk.process.alive {
		return
	}
	wk.w.tell(about{pod: wk.run.name}, "worker process %d of %s %s", wk.run.processes, wk.run.uid, how)
	wk.process.kill()
	wk.mail.client.closed = true
	wk.w.api.mailboxes.prune()
	wk.w.check.ended(wk)
	wk.run.on.workerEnded(wk.run)
}

// arm sets the alarm for the next instant at which time alone has an effect.
func (wk *worker) arm() {
	next := time.Duration(0)
	if at := wk.machine.Deadline(wk.w.wall()); !at.IsZero() {
		next = at.Sub(epochStart)
	}
	if at, ok := wk.seq.Deadline(); ok && (next == 0 || time.Duration(at) < next) {
		next = time.Duration(at)
	}
	if next == 0 || wk.alarm != 0 && wk.alarm <= next {
		return
	}
	next = max(next, wk.w.clock.now+50*time.Microsecond)
	wk.alarm = next
	wk.process.after(next-wk.w.clock.now, func() {
		if wk.alarm == next {
			wk.alarm = 0
			wk.pump()
		}
	})
}

// pumpSoon lets the sequencer go on after what is being done now.
func (wk *worker) pumpSoon() {
	if wk.pumping {
		return
	}
	wk.pumping = true
	wk.process.after(10*time.Microsecond, wk.pump)
}

// pump lets time pass in both machines and carries out what the sequencer wants. The hold is looked at first: one
// that has run out stops what would start.
func (wk *worker) pump() {
	wk.pumping = false
	wk.step(drain.Ticked{})
	if !wk.process.alive {
		return
	}
	wk.effects = wk.seq.Poll(wk.instant(), wk.effects)
	for i := range wk.effects {
		wk.carry(&wk.effects[i])
		if !wk.process.alive {
			return
		}
	}
	for _, l := range wk.lanes {
		wk.feed(l)
	}
	wk.arm()
}

func (wk *worker) instant() order.Instant { return order.Instant(wk.w.clock.now) }
