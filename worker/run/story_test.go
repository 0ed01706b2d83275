// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package run_test

import (
	"fmt"
	"testing"
	"time"

	"convoy.dev/convoy/api/v1alpha1"
	"convoy.dev/convoy/worker/deliver"
	"convoy.dev/convoy/worker/run"
)

func TestLanesAreRunAndHandedBack(t *testing.T) {
	story(t, 4, func(w *world) {
		for i := range 40 {
			w.publish(int32(i%4), fmt.Sprint("key ", i%10, " of ", i%4))
		}
		p := w.start()
		w.grant(1, 1, 0, 1, 2)
		w.untilStates("0:Running 1:Running 2:Running")
		w.pass(time.Second)
		if got := w.handler.count(); got != 30 {
			w.t.Errorf("%d calls, want the 30 of three lanes", got)
		}
		w.grant(2, 2, 3, 2)
		w.until("the report has the new lanes", func() bool { return w.states() == "2:Running 3:Running" && w.api.report().Observed == 2 })
		w.allDone()
		p.worker.Stop()
		if got := p.wait(); got != run.Resigned {
			w.t.Errorf("ended as %v", got)
		}
		if r := w.api.report(); !r.Resigned || len(r.Held) > 0 {
			w.t.Errorf("report %+v", r)
		}
		for lane := range int32(4) {
			if saved := w.broker.Saved(lane); !saved.Final {
				w.t.Errorf("lane %d has no last word: %+v", lane, saved)
			}
		}
		if w.handler.repeats() > 0 {
			w.t.Errorf("%d messages came twice, in clean hand-overs", w.handler.repeats())
		}
	})
}

// A process dies with calls under way; the next one waits until the handler cannot be working on them any more, and
// repeats what was in flight and nothing that was flushed.
func TestAProcessDiesAndIsStartedAgain(t *testing.T) {
	story(t, 2, func(w *world) {
		w.barrier = timeout
		w.handler.does = func(string, int, *deliver.Call) (time.Duration, deliver.Outcome) {
			return 9 * time.Second, deliver.Outcome{Kind: deliver.Done}
		}
		p := w.start()
		w.grant(1, 1, 0, 1)
		w.untilStates("0:Running 1:Running")
		w.publish(0, "a", "b")
		w.publish(1, "c")
		w.until("three calls run", func() bool { return w.handler.count() == 3 })
		p.crash()
		died := time.Now()
		w.handler.set(func() { w.handler.does = nil })
		w.publish(0, "a")
		w.start()
		w.untilStates("0:Barred 1:Barred")
		w.until("a call comes again", func() bool { return w.handler.count() > 3 })
		if waited := time.Since(died); waited < timeout {
			w.t.Errorf("the next process called after %v, while the handler may still work", waited)
		}
		w.allDone()
		if got := w.api.report().Incarnation; got != 2 {
			w.t.Errorf("incarnation %d, want 2", got)
		}
		if got := w.handler.repeats(); got != 3 {
			w.t.Errorf("%d messages came twice, want the 3 in flight", got)
		}
	})
}

// Deleted by hand and made again empty, the object knows of no earlier process; the pod does.
func TestAProcessDiesAndItsObjectIsMadeAgain(t *testing.T) {
	story(t, 1, func(w *world) {
		w.barrier = timeout
		w.handler.does = func(string, int, *deliver.Call) (time.Duration, deliver.Outcome) {
			return 9 * time.Second, deliver.Outcome{Kind: deliver.Done}
		}
		p := w.start()
		w.grant(1, 1, 0)
		w.publish(0, "a")
		w.until("a call runs", func() bool { return w.handler.count() == 1 })
		p.crash()
		died := time.Now()
		w.api.remove()
		w.api.create(podUID)
		w.grant(2, 1, 0)
		w.handler.set(func() { w.handler.does = nil })
		w.publish(0, "a")
		w.start()
		w.allDone()
		if waited := time.Since(died); waited < timeout {
			w.t.Errorf("the next process went on after %v", waited)
		}
	})
}

func TestAnObjectMadeAgainIsWrittenAgain(t *testing.T) {
	story(t, 1, func(w *world) {
		w.start()
		w.grant(5, 1, 0)
		w.untilStates("0:Running")
		w.api.remove()
		w.pass(time.Second)
		w.api.create(podUID)
		w.untilStates("0:Running")
		w.grant(5, 1, 0) // the same revision again
		w.publish(0, "a")
		w.allDone()
		if r := w.api.report(); r.Observed != 5 || r.Incarnation != 1 {
			w.t.Errorf("report %+v", r)
		}
	})
}

func TestAnObjectOfAnotherPodIsNotMine(t *testing.T) {
	story(t, 1, func(w *world) {
		w.api.remove()
		w.api.create("pod-0")
		w.start()
		w.grant(5, 1, 0)
		w.pass(5 * time.Second)
		if r := w.api.report(); r.Incarnation != 0 {
			w.t.Errorf("it was written: %+v", r)
		}
		w.api.remove()
		w.api.create(podUID)
		w.grant(6, 1, 0)
		w.untilStates("0:Running")
		w.api.remove()
		w.api.create("pod-0")
		w.grant(7, 2, 0)
		w.pass(5 * time.Second)
		if r := w.api.report(); r.Incarnation != 0 {
			w.t.Errorf("another pod's object was written: %+v", r)
		}
	})
}

func TestAnotherProcessTakesThePlace(t *testing.T) {
	story(t, 1, func(w *world) {
		p := w.start()
		w.grant(1, 1, 0)
		w.untilStates("0:Running")
		w.start()
		if ending := p.wait(); ending != run.Replaced {
			w.t.Errorf("ended as %v", ending)
		}
		w.publish(0, "a")
		w.allDone()
	})
}

func TestAnswersOfTheAPIServerAreLost(t *testing.T) {
	story(t, 1, func(w *world) {
		w.api.deaf = 2
		p := w.start()
		w.grant(1, 1, 0)
		w.publish(0, "a")
		w.allDone()
		w.untilStates("0:Running")
		w.api.change(func() { w.api.deaf = 1 })
		w.grant(2, 1)
		w.untilStates("")
		w.api.change(func() { w.api.deaf = 1 })
		p.worker.Stop()
		if ending := p.wait(); ending != run.Resigned {
			w.t.Errorf("ended as %v", ending)
		}
	})
}

func TestASpecOfThePastIsIgnored(t *testing.T) {
	story(t, 2, func(w *world) {
		w.start()
		w.grant(5, 1, 0)
		w.untilStates("0:Running")
		w.grant(4, 1, 0, 1)
		w.pass(5 * time.Second)
		if got := w.states(); got != "0:Running" {
			w.t.Errorf("lanes are %s", got)
		}
	})
}

func TestTheAPIServerIsAwayForAnHour(t *testing.T) {
	story(t, 2, func(w *world) {
		w.start()
		w.grant(1, 1, 0)
		w.untilStates("0:Running")
		w.api.goAway(true)
		for range 60 {
			w.publish(0, "a", "b", "c")
			w.pass(time.Minute)
		}
		w.allDone()
		w.handler.set(func() { w.handler.refuses, w.handler.down = 1, true })
		w.publish(0, "a")
		w.pass(time.Minute)
		w.api.goAway(false)
		w.until("the news of the hour is told", func() bool {
			status, _ := w.api.condition(v1alpha1.ConditionHandlerAccepting)
			return status == "False"
		})
		w.handler.set(func() { w.handler.down = false })
		w.grant(2, 2, 1)
		w.untilStates("1:Running")
	})
}

// The last that happens before the API server is there again is a write that fails and tells nothing but a condition.
func TestNewsThatCouldNotBeTold(t *testing.T) {
	story(t, 1, func(w *world) {
		w.start()
		w.grant(1, 1, 0)
		w.publish(0, "a")
		w.allDone()
		w.pass(5 * time.Second)
		w.api.goAway(true)
		w.handler.set(func() { w.handler.down = true })
		w.publish(0, "a")
		w.pass(5 * time.Second)
		w.api.goAway(false)
		w.until("the condition is told", func() bool {
			status, _ := w.api.condition(v1alpha1.ConditionHandlerAccepting)
			return status == "False"
		})
		w.handler.set(func() { w.handler.down = false })
		w.allDone()
	})
}
