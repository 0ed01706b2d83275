// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package run_test

import (
	"testing"
	"time"

	"convoy.dev/convoy/worker/broker/brokertest"
	"convoy.dev/convoy/worker/deliver"
	"convoy.dev/convoy/worker/run"
)

func TestStoppedWithACallThatHangs(t *testing.T) {
	story(t, 2, func(w *world) {
		w.handler.does = func(k string, _ int, _ *deliver.Call) (time.Duration, deliver.Outcome) {
			if k == "stuck" {
				return time.Hour, deliver.Outcome{}
			}
			return time.Millisecond, deliver.Outcome{Kind: deliver.Done}
		}
		p := w.start()
		w.grant(1, 1, 0, 1)
		w.untilStates("0:Running 1:Running")
		w.publish(0, "stuck", "a")
		w.publish(1, "b")
		w.until("calls run", func() bool { return w.handler.count() == 3 })
		stopped := time.Now()
		p.worker.Stop()
		p.worker.Stop()
		w.untilStates("0:Draining")
		if took := time.Since(stopped); took > time.Second {
			w.t.Errorf("the other lane was given up after %v", took)
		}
		w.until("the report names the key", func() bool {
			held := w.api.report().Held
			return len(held) == 1 && held[0].Waits == "stuck"
		})
		if ending := p.wait(); ending != run.Resigned {
			w.t.Errorf("ended as %v", ending)
		}
		if took := time.Since(stopped); took > timeout+time.Second {
			w.t.Errorf("the drain took %v", took)
		}
	})
}

func TestStoppedAndTheAPIServerIsAway(t *testing.T) {
	story(t, 1, func(w *world) {
		p := w.start()
		w.grant(1, 1, 0)
		w.untilStates("0:Running")
		w.api.goAway(true)
		p.worker.Stop()
		w.pass(20 * time.Second)
		if r := w.api.report(); r.Resigned {
			w.t.Fatal("it was told")
		}
		w.api.goAway(false)
		if ending := p.wait(); ending != run.Resigned || !w.api.report().Resigned {
			w.t.Errorf("ended as %v, report %+v", ending, w.api.report())
		}
		again := w.start()
		if ending := again.wait(); ending != run.Resigned {
			w.t.Errorf("the next process of the pod ended as %v", ending)
		}
		w.api.remove()
		w.api.create(podUID)
		w.grant(9, 9, 0)
		third := w.start()
		if ending := third.wait(); ending != run.Resigned || !w.api.report().Resigned || w.broker.Record(0).Token.Epoch == 9 {
			w.t.Errorf("with an object made again the next process ended as %v, report %+v", ending, w.api.report())
		}
	})
}

// Nothing of a drained lane runs, so that a broker that does not take its last word is not waited for longer than the
// fence.
func TestStoppedAndTheBrokerIsAway(t *testing.T) {
	story(t, 1, func(w *world) {
		p := w.start()
		w.grant(1, 1, 0)
		w.publish(0, "a")
		w.allDone()
		w.broker.Stop()
		stopped := time.Now()
		p.worker.Stop()
		if ending := p.wait(); ending != run.Resigned {
			w.t.Errorf("ended as %v", ending)
		}
		if took := time.Since(stopped); took > fence+time.Second {
			w.t.Errorf("it took %v", took)
		}
	})
}

func TestADrainThatTakesTooLongIsGivenUp(t *testing.T) {
	story(t, 1, func(w *world) {
		w.drainTimeout = 3 * time.Second
		w.handler.deaf = true
		p := w.start()
		w.grant(1, 1, 0)
		w.publish(0, "a")
		w.until("a call runs", func() bool { return w.handler.count() == 1 })
		stopped := time.Now()
		p.worker.Stop()
		if ending := p.wait(); ending != run.Aborted || time.Since(stopped) != w.drainTimeout {
			w.t.Errorf("ended as %v after %v", ending, time.Since(stopped))
		}
		if w.api.report().Resigned {
			w.t.Error("it resigned with a call running")
		}
	})
}

// With the pool its RoleBinding goes: nobody can be told, and nobody asks.
func TestStoppedWithoutAnyRight(t *testing.T) {
	story(t, 1, func(w *world) {
		w.handler.does = func(string, int, *deliver.Call) (time.Duration, deliver.Outcome) {
			return 7 * time.Second, deliver.Outcome{Kind: deliver.Done}
		}
		p := w.start()
		w.grant(1, 1, 0)
		w.publish(0, "a")
		w.until("a call runs", func() bool { return w.handler.count() == 1 })
		w.api.forbid(true)
		w.pass(time.Second)
		stopped := time.Now()
		p.worker.Stop()
		if ending := p.wait(); ending != run.Resigned || w.handler.completed("a") != 1 {
			w.t.Errorf("ended as %v with %d messages completed", ending, w.handler.completed("a"))
		}
		if took := time.Since(stopped); took < 6*time.Second || took > 20*time.Second {
			w.t.Errorf("it took %v", took)
		}
	})
}

// An API server that starts refuses for a moment what it does not know yet.
func TestStoppedAndRefusedForAMoment(t *testing.T) {
	story(t, 1, func(w *world) {
		p := w.start()
		w.grant(1, 1, 0)
		w.untilStates("0:Running")
		for range 3 {
			w.api.forbid(true)
			p.worker.Stop()
			w.pass(3 * time.Second)
			w.api.forbid(false)
			w.api.goAway(true)
			w.pass(3 * time.Second)
			w.api.goAway(false)
			w.api.forbid(true)
		}
		select {
		case <-p.ended:
			w.t.Fatal("it ended though the API server was to come back")
		default:
		}
		w.api.forbid(false)
		if ending := p.wait(); ending != run.Resigned || !w.api.report().Resigned {
			w.t.Errorf("ended as %v, report %+v", ending, w.api.report())
		}
	})
}

// The worker is asked to stop while the API server does not take the incarnation that it raises. What is written at last raises it
// and says that the worker has resigned, in one.
func TestStoppedWhileAnIncarnationIsRaised(t *testing.T) {
	story(t, 1, func(w *world) {
		p := w.start()
		w.grant(1, 1, 0)
		w.untilStates("0:Running")
		p.crash()
		w.api.remove() // The next process knows of no incarnation, and meets its own record at the broker.
		w.api.create(podUID)
		w.grant(2, 1, 0)
		w.broker.Delay(brokertest.Open, time.Second)
		p = w.start()
		w.untilStates("0:Opening")
		w.api.goAway(true)
		w.pass(2 * time.Second)
		p.worker.Stop()
		w.pass(time.Second)
		w.api.goAway(false)
		if ending := p.wait(); ending != run.Resigned || w.api.report().Incarnation != 2 {
			w.t.Errorf("ended as %v, report %+v", ending, w.api.report())
		}
	})
}
