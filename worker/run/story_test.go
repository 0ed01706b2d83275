// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package run_test

import (
	"fmt"
	"testing"
	"time"

	"convoy.dev/convoy/api/v1alpha1"
	"convoy.dev/convoy/worker/broker"
	"convoy.dev/convoy/worker/broker/brokertest"
	"convoy.dev/convoy/worker/deliver"
	"convoy.dev/convoy/worker/drain"
	"convoy.dev/convoy/worker/order"
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

// The machine sleeps for an hour at one of the readings of the clock between the coming of a message and the question
// whether it may start, which is the last of them. Nothing starts before the broker has confirmed the lane again.
func TestTheMachineIsSuspended(t *testing.T) {
	const question = 2
	for reading := 1; reading <= question; reading++ {
		story(t, 1, func(w *world) {
			w.start()
			w.grant(1, 1, 0)
			w.publish(0, "a")
			w.allDone()
			w.pass(300 * time.Millisecond)
			before, confirms := w.broker.Calls(brokertest.Confirm), 0
			w.handler.set(func() {
				w.handler.does = func(string, int, *deliver.Call) (time.Duration, deliver.Outcome) {
					confirms = w.broker.Calls(brokertest.Confirm)
					return time.Millisecond, deliver.Outcome{Kind: deliver.Done}
				}
			})
			w.clock.suspend(reading, time.Hour)
			w.publish(0, "a")
			w.allDone()
			if confirms == before {
				w.t.Errorf("suspended at reading %d: the message started with the confirmation of an hour ago", reading)
			}
		})
	}
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

func TestTheBrokerIsAwayBeyondTheFence(t *testing.T) {
	story(t, 2, func(w *world) {
		w.handler.does = func(string, int, *deliver.Call) (time.Duration, deliver.Outcome) {
			return 100 * time.Millisecond, deliver.Outcome{Kind: deliver.Done}
		}
		w.start()
		w.grant(1, 1, 0, 1)
		w.untilStates("0:Running 1:Running")
		for range 200 {
			w.publish(0, "a")
		}
		w.publish(1, "b")
		w.until("it works", func() bool { return w.handler.completed("a") > 5 })
		w.broker.Stop()
		w.pass(fence)
		at := w.handler.count()
		w.pass(10 * time.Second)
		if now := w.handler.count(); now != at {
			w.t.Errorf("%d calls were made without the broker's word", now-at)
		}
		if at < 30 {
			w.t.Errorf("%d calls: it stopped before the fence was over", at)
		}
		w.broker.Start()
		w.allDone()
		w.until("progress is flushed", func() bool { return w.broker.Saved(0).Progress.LowWater >= 200 })
	})
}

// The answer to a confirmation may be on its way for nearly as long as the fence. It counts from when it was asked for.
func TestTheBrokerConfirmsSlowly(t *testing.T) {
	const slow = fence - time.Second
	for after := 8 * time.Second; after < 14*time.Second; after += 900 * time.Millisecond {
		story(t, 1, func(w *world) {
			w.broker.Delay(brokertest.Confirm, slow)
			w.handler.does = func(string, int, *deliver.Call) (time.Duration, deliver.Outcome) {
				return 50 * time.Millisecond, deliver.Outcome{Kind: deliver.Done}
			}
			w.start()
			w.grant(1, 1, 0)
			for range 500 {
				w.publish(0, "a")
			}
			w.pass(after)
			w.broker.Stop()
			w.pass(fence - slow + 100*time.Millisecond)
			stopped := w.handler.count()
			w.pass(10 * time.Second)
			if now := w.handler.count(); now != stopped {
				w.t.Errorf("stopped after %v: %d calls were made on a word of the broker's asked for longer ago than the fence", after, now-stopped)
			}
			w.broker.Delay(brokertest.Confirm, 0)
			w.broker.Start()
			w.allDone()
		})
	}
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

// Calls that were cancelled for want of a hold may go on in the handler: their keys wait, and other keys go on.
func TestTheHoldIsLostWithACallUnderWay(t *testing.T) {
	story(t, 1, func(w *world) {
		w.handler.does = func(k string, n int, _ *deliver.Call) (time.Duration, deliver.Outcome) {
			if k == "slow" && n == 1 {
				return timeout - time.Millisecond, deliver.Outcome{Kind: deliver.Done}
			}
			return time.Millisecond, deliver.Outcome{Kind: deliver.Done}
		}
		w.start()
		w.grant(1, 1, 0)
		w.untilStates("0:Running")
		w.publish(0, "slow", "slow", "quick")
		w.until("the slow call runs", func() bool { return w.handler.count() >= 2 })
		w.broker.Stop()
		w.pass(fence + time.Second)
		w.broker.Start()
		w.publish(0, "quick")
		w.until("the quick key goes on", func() bool { return w.handler.completed("quick") == 2 })
		if w.handler.completed("slow") > 0 {
			w.t.Error("the slow call is over; this shows nothing")
		}
		w.allDone()
	})
}

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

func TestSupersededWhileRunning(t *testing.T) {
	story(t, 2, func(w *world) {
		w.handler.does = func(string, int, *deliver.Call) (time.Duration, deliver.Outcome) {
			return 8 * time.Second, deliver.Outcome{Kind: deliver.Done}
		}
		w.start()
		w.grant(1, 1, 0, 1)
		w.untilStates("0:Running 1:Running")
		w.publish(0, "a")
		w.publish(1, "b")
		w.until("calls run", func() bool { return w.handler.count() == 2 })
		began := time.Now()
		w.broker.SetRecord(0, broker.Record{Token: drain.Token{Epoch: 7, Incarnation: 1}, Worker: "other"})
		w.until("the lane is refused", func() bool { return w.states() == "0:Refused 1:Running" })
		if took := time.Since(began); took < timeout-fence {
			w.t.Errorf("the lane was given up after %v, with its call perhaps running", took)
		}
		for _, h := range w.api.report().Held {
			if h.Index == 0 && h.Floor != 7 {
				w.t.Errorf("floor %d, want 7", h.Floor)
			}
		}
		if saved := w.broker.Saved(0); saved.Final {
			w.t.Error("it wrote a last word for a lane that is another's")
		}
	})
}

// The broker says that another has the lane when nothing of the lane runs any more and one request is still under way.
func TestSupersededWhenDrained(t *testing.T) {
	for _, under := range []struct {
		way     string
		slow    brokertest.Operation
		message string
	}{
		{"a flush", brokertest.Flush, `{"k": "a", "n": 1}`},
		{"a dead letter", brokertest.DeadLetter, `{}`},
	} {
		t.Run(under.way, func(t *testing.T) {
			story(t, 1, func(w *world) {
				w.start()
				w.grant(1, 1, 0)
				w.publish(0, "proof")
				w.allDone()
				w.pass(time.Second)
				w.broker.Delay(under.slow, time.Second)
				before := w.broker.Calls(under.slow)
				w.publishData(under.message)
				w.until("the request is under way", func() bool { return w.broker.Calls(under.slow) > before })
				w.broker.SetRecord(0, broker.Record{Token: drain.Token{Epoch: 7, Incarnation: 1}, Worker: "other"})
				w.grant(2, 1)
				w.untilStates("")
				w.broker.Delay(under.slow, 0)
				w.grant(3, 9, 0)
				w.untilStates("0:Running")
				w.publish(0, "b")
				w.until("the lane runs again", func() bool { return w.handler.completed("b") == 1 })
			})
		})
	}
}

func TestTheHandlerIsDownAtTheStart(t *testing.T) {
	story(t, 1, func(w *world) {
		w.handler.down = true
		p := w.start()
		w.grant(1, 1, 0)
		w.publish(0, "a")
		w.untilStates("0:Running")
		w.pass(10 * time.Second)
		if status, _ := w.api.condition(v1alpha1.ConditionHandlerAccepting); status != "False" || p.status(p.worker.Readyz) != 503 {
			w.t.Errorf("HandlerAccepting %q, ready %d", status, p.status(p.worker.Readyz))
		}
		w.handler.set(func() { w.handler.down = false })
		w.allDone()
		w.until("the condition is true", func() bool {
			status, _ := w.api.condition(v1alpha1.ConditionHandlerAccepting)
			return status == "True"
		})
		if p.status(p.worker.Readyz) != 200 {
			w.t.Error("not ready")
		}
	})
}

// A handler that is restarted refuses connections. No attempt is used up by that.
func TestTheHandlerIsRestarted(t *testing.T) {
	story(t, 1, func(w *world) {
		w.failure = order.DeadLetter
		w.start()
		w.grant(1, 1, 0)
		w.publish(0, "a")
		w.allDone()
		w.handler.set(func() { w.handler.down = true })
		w.publish(0, "a", "a", "b")
		w.pass(time.Minute)
		w.handler.set(func() { w.handler.down = false })
		w.allDone()
		w.handler.set(func() { w.handler.refuses = 20 })
		w.publish(0, "a")
		w.allDone()
		if got := len(w.broker.DeadLetters()); got > 0 {
			w.t.Errorf("%d messages were dead-lettered", got)
		}
	})
}

func TestTheHandlerHangs(t *testing.T) {
	story(t, 1, func(w *world) {
		w.handler.deaf = true
		w.start()
		w.grant(1, 1, 0)
		w.publish(0, "a", "b", "a")
		w.pass(35 * time.Second)
		w.handler.set(func() { w.handler.deaf = false })
		w.allDone()
	})
}

func TestConnectionsBreak(t *testing.T) {
	story(t, 1, func(w *world) {
		w.handler.cut = true
		w.start()
		w.grant(1, 1, 0)
		w.publish(0, "a", "b", "a")
		w.until("calls were cut", func() bool { return w.handler.count() == 2 })
		w.handler.set(func() { w.handler.cut = false })
		began := time.Now()
		w.allDone()
		if took := time.Since(began); took < timeout-time.Second {
			w.t.Errorf("the keys went on after %v: the handler may have been at work", took)
		}
	})
}
