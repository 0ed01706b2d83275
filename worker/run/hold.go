// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package run

import (
	"context"
	"time"

	"convoy.dev/convoy/api/v1alpha1"
	"convoy.dev/convoy/worker/drain"
)

// hush lets the lane's messages start, or not: they need the hold, and a handler that listens.
func (w *Worker) hush(l *heldLane) {
	if l.unheld || !w.gate.open {
		w.seq.Pause(l.number)
	} else {
		w.seq.Resume(l.number)
	}
}

// holdLost starts nothing more of a lane and cancels its calls: their keys stay held while the handler may work on them.
func (w *Worker) holdLost(unit drain.Unit) {
	l := w.lanes.current[unit.Index]
	if unit.Kind != drain.Lane || l == nil || l.unheld {
		return
	}
	w.config.Log.Warn("the broker has not confirmed the lane in time; nothing of it starts", "lane", l.number)
	l.unheld = true
	l.stopCalling()
	w.hush(l)
}

func (w *Worker) holdBack(unit drain.Unit) {
	l := w.lanes.current[unit.Index]
	if unit.Kind != drain.Lane || l == nil || !l.unheld {
		return
	}
	w.config.Log.Info("the broker has confirmed the lane again", "lane", l.number)
	l.unheld = false
	if !l.fenced {
		l.calling, l.stopCalling = context.WithCancel(l.living)
	}
	w.hush(l)
}

// gate is closed while the handler accepts no connection: at the start, and when a call was refused. Messages then wait
// without using up attempts, because nobody has tried them.
type gate struct {
	open bool
	// probing says that a task waits for the handler.
	probing bool
}

// probeInterval is the wait between two attempts at a connection to the handler, which is in the same pod.
const probeInterval = 200 * time.Millisecond

// closeGate starts nothing more until the handler accepts a connection.
func (w *Worker) closeGate() {
	w.gate.open = false
	for _, l := range w.lanes.round {
		w.hush(l)
	}
	if w.gate.probing {
		return
	}
	w.gate.probing = true
	w.ask(func(ctx context.Context) func() {
		waits := backoff{least: probeInterval, most: probeInterval}
		for {
			err := w.probe(ctx)
			if err == nil {
				return w.openGate
			}
			w.inbox.post(func() {
				w.setCondition(v1alpha1.ConditionHandlerAccepting, false, v1alpha1.ReasonNoConnection, "the handler does not listen: "+err.Error())
			})
			if !waits.wait(ctx) {
				return nil
			}
		}
	})
}

func (w *Worker) probe(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, requestTime)
	defer cancel()
	return w.config.Reachable(ctx)
}

func (w *Worker) openGate() {
	w.gate = gate{open: true}
	w.ready.raise()
	w.setCondition(v1alpha1.ConditionHandlerAccepting, true, v1alpha1.ReasonCallsSucceed, "the handler accepts connections")
	for _, l := range w.lanes.round {
		w.hush(l)
	}
}

// mayStart says whether a message of the lane may start at this instant. A hold that has run out is noticed here at the
// latest, and then told to the machine.
func (w *Worker) mayStart(l *heldLane) bool {
	if !w.gate.open || l.unheld || l.fenced {
		return false
	}
	if w.machine.MayStart(laneUnit(l.number), w.now()) {
		return true
	}
	w.step(drain.Ticked{})
	if !l.unheld {
		w.seq.Pause(l.number)
	}
	return false
}
