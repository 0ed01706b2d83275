// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package run

import (
	"time"

	"convoy.dev/convoy/worker/drain"
)

// heartbeat is how long the loop sleeps at most, so that one that stalls is told from one that has nothing to do.
const heartbeat = time.Second

// loop does what was posted and what time brings, until the worker is over.
func (w *Worker) loop() {
	for !w.over {
		w.arm()
		select {
		case <-w.inbox.wake:
		case <-w.timer.C:
		case <-w.running.Done():
			w.end(Aborted)
		}
		w.turn()
	}
}

// turn is one turn of the loop.
func (w *Worker) turn() {
	w.at = w.now()
	w.metrics.turned(w.at.Sub(w.origin) - time.Duration(w.beat.Load()))
	w.beat.Store(int64(w.at.Sub(w.origin)))
	w.turns = w.inbox.take(w.turns)
	for i, turn := range w.turns {
		if w.turns[i] = nil; !w.over {
			turn()
		}
	}
	if !w.over && !w.machineAt.IsZero() && !w.at.Before(w.machineAt) {
		w.step(drain.Ticked{})
	}
	for !w.over && w.pump() {
	}
	if !w.over {
		w.tick()
		w.act()
		w.lookAround()
		w.post.send()
	}
}

// lookAround does what is due once a heartbeat.
func (w *Worker) lookAround() {
	if w.at.Sub(w.lookedAt) < heartbeat {
		return
	}
	w.lookedAt = w.at
	w.explainDrains()
	w.judgeReach()
	w.tellParked()
	w.shardsGoOn()
	w.sample()
	w.metrics.observe(w)
}

// pump carries out what the sequencer wants and hands it what it has room for; false when that changed nothing.
func (w *Worker) pump() bool {
	w.effects = w.seq.Poll(w.instant(w.at), w.effects)
	for i := range w.effects {
		w.carry(&w.effects[i])
	}
	fed := w.feedAll()
	return len(w.effects) > 0 || fed
}

// step gives the machine one event and does what it asks for.
func (w *Worker) step(e drain.Event) {
	if w.over {
		return
	}
	for _, effect := range w.machine.Step(w.now(), e, nil) {
		w.do(effect)
	}
	w.machineAt = w.machine.Deadline(w.now())
	w.dropOpenings()
}

// arm sets the timer to the next instant at which there is something to do, or to the next heartbeat.
func (w *Worker) arm() {
	now := w.now()
	wait := heartbeat
	sooner := func(at time.Time) {
		if !at.IsZero() {
			wait = min(wait, at.Sub(now))
		}
	}
	sooner(w.machineAt)
	sooner(w.tickAt)
	sooner(w.post.wakeAt())
	sooner(w.actionDue())
	if at, ok := w.seq.Deadline(); ok {
		sooner(w.origin.Add(time.Duration(at)))
	}
	w.timer.Reset(max(wait, 0))
}

// end ends the loop.
func (w *Worker) end(how Ending) {
	if !w.over {
		w.over, w.ending = true, how
		w.drained.raise() // Nobody would answer the hooks any more.
		w.config.Log.Info("the worker ends", "ending", how.String())
	}
}

// do carries out one effect of the machine.
func (w *Worker) do(e drain.Effect) {
	if e.Type != drain.Confirm {
		w.config.Log.Debug("hand-over", "effect", e.Type.String(), "kind", e.Unit.Kind, "unit", e.Unit.Index, "token", e.Token.String())
	}
	switch e.Type {
	case drain.RaiseIncarnation:
		w.post.raise(e.Report)
	case drain.WriteReport:
		w.reported(e.Report)
	case drain.OpenUnit:
		w.open(e.Unit, e.Token)
	case drain.StartUnit:
		w.startUnit(e.Unit, e.Token)
	case drain.StopUnit:
		w.stopUnit(e.Unit, e.Token)
	case drain.AbortUnit:
		delete(w.opened, e.Unit) // Nothing of it has started: its quarantine was not over.
	case drain.PauseUnit:
		w.holdLost(e.Unit)
	case drain.ResumeUnit:
		w.holdBack(e.Unit)
	case drain.Confirm:
		w.confirm(e.Grants)
	case drain.Exit:
		w.end(Resigned)
	default:
	}
}

// reported has the report written. A worker that resigns lets its pod's other containers go at once, whether or not the
// API server is there to be told.
func (w *Worker) reported(r drain.Report) {
	if r.Resigned {
		w.drained.raise()
	}
	w.post.write()
}
