// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package run_test

import (
	"testing"
	"time"

	"convoy.dev/convoy/worker/broker"
	"convoy.dev/convoy/worker/broker/brokertest"
	"convoy.dev/convoy/worker/deliver"
	"convoy.dev/convoy/worker/drain"
)

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
