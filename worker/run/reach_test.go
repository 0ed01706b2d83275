// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package run_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"convoy.dev/convoy/api/v1alpha1"
	"convoy.dev/convoy/worker/broker"
	"convoy.dev/convoy/worker/broker/brokertest"
	"convoy.dev/convoy/worker/deliver"
	"convoy.dev/convoy/worker/order"
)

var errDeleted = &broker.PermanentError{Err: errors.New("stream not found"), Mend: "make the stream again"}

// reached waits until SourceReachable has the status, and a message with the words.
func (w *world) reached(want string, words ...string) {
	w.t.Helper()
	w.until("SourceReachable is "+want+" with "+strings.Join(words, ", "), func() bool {
		status, message := w.api.condition(v1alpha1.ConditionSourceReachable)
		for _, word := range words {
			if !strings.Contains(message, word) {
				return false
			}
		}
		return status == want
	})
}

// stays looks whether SourceReachable has the status all the time.
func (w *world) stays(want string, during time.Duration) {
	w.t.Helper()
	for end := time.Now().Add(during); time.Now().Before(end); w.pass(100 * time.Millisecond) {
		if status, message := w.api.condition(v1alpha1.ConditionSourceReachable); status != want {
			w.t.Fatalf("SourceReachable is %q, want %s: %s", status, want, message)
		}
	}
}

// Nothing is published after the broker is back: the readers have nothing to show for themselves.
func TestAHoldThatIsLostIsShown(t *testing.T) {
	story(t, 2, func(w *world) {
		w.start()
		w.grant(1, 1, 0, 1)
		w.untilStates("0:Running 1:Running")
		w.publish(0, "a")
		w.allDone()
		w.reached("True")
		w.broker.Stop()
		w.stays("True", fence/4)
		w.reached("False", "not confirmed 2 lanes", "confirming lanes: ", "stopped")
		before := w.api.writes
		w.stays("False", 5*time.Minute)
		if wrote := w.api.writes - before; wrote > 30 {
			w.t.Errorf("%d writes in 5 minutes of the same trouble", wrote)
		}
		w.broker.Start()
		w.reached("True")
		w.stays("True", time.Minute)
	})
}

// The record of one lane cannot be read: that lane stops when its hold is over, and no other does.
func TestARecordThatCannotBeReadStopsItsLaneAlone(t *testing.T) {
	story(t, 2, func(w *world) {
		w.start()
		w.grant(1, 1, 0, 1)
		w.publish(0, "a")
		w.publish(1, "b")
		w.allDone()
		w.broker.Damage(0, &broker.PermanentError{Err: errors.New("the record is damaged"), Mend: "mend it"})
		w.reached("False", "confirming a lane (lane 0): the record is damaged: mend it")
		w.pass(fence + time.Second)
		w.publish(0, "a")
		for range 10 {
			w.publish(1, "b")
			w.pass(time.Second)
		}
		if a, b := w.handler.completed("a"), w.handler.completed("b"); a != 1 || b != 11 {
			w.t.Errorf("%d messages of the lane that nobody confirms and %d of the other were completed, want 1 and 11", a, b)
		}
		w.broker.Damage(0, nil)
		w.allDone()
		w.reached("True")
		w.stays("True", time.Minute)
	})
}

// Somebody deletes what the pool has in the broker, and another pool makes its claim there.
func TestAClaimThatIsLostStopsOpening(t *testing.T) {
	story(t, 2, func(w *world) {
		w.start()
		w.grant(1, 1, 0)
		w.publish(0, "a")
		w.allDone()
		mine := w.broker.Claimed()
		theirs := mine
		theirs.Cluster = "another"
		w.broker.SetClaim(theirs)
		w.grant(2, 1, 0, 1)
		w.until("SourceClaimed is False", func() bool {
			status, message := w.api.condition(v1alpha1.ConditionSourceClaimed)
			return status == "False" && strings.Contains(message, "another") && w.api.reason(v1alpha1.ConditionSourceClaimed) == v1alpha1.ReasonHeldByAnother
		})
		w.pass(time.Minute)
		if token := w.broker.Record(1).Token; token.Epoch != 0 {
			w.t.Errorf("a lane was opened at %v under another pool's claim", token)
		}
		w.broker.SetClaim(mine)
		w.publish(1, "b")
		w.allDone()
		w.until("SourceClaimed is True", func() bool {
			status, _ := w.api.condition(v1alpha1.ConditionSourceClaimed)
			return status == "True"
		})
	})
}

// Only the source is gone: lanes are confirmed and progress is written.
func TestTheSourceIsDeleted(t *testing.T) {
	story(t, 1, func(w *world) {
		w.start()
		w.grant(1, 1, 0)
		w.publish(0, "a")
		w.allDone()
		w.reached("True")
		w.broker.Fail(brokertest.Fault{Operation: brokertest.Read, Err: errDeleted, Times: 30})
		w.publish(0, "a")
		w.reached("False", "reading a lane (lane 0)", "stream not found", "make the stream again")
		before := w.api.writes
		w.stays("False", time.Minute)
		if wrote := w.api.writes - before; wrote > 0 {
			w.t.Errorf("%d writes in a minute of the same trouble", wrote)
		}
		if w.states() != "0:Running" {
			w.t.Errorf("lanes are %s", w.states())
		}
		w.allDone()
		w.pass(3 * time.Second)
		w.stays("True", time.Minute)
	})
}

// An open that only a person can help is tried again, but not at the pace of one whose answer was lost.
func TestWhatAPersonHasToMendIsNotAskedForAllTheTime(t *testing.T) {
	story(t, 1, func(w *world) {
		w.broker.Fail(brokertest.Fault{Operation: brokertest.Open, Err: errDeleted, Times: 1000})
		w.start()
		w.grant(1, 1, 0)
		w.pass(time.Minute)
		if n := w.broker.Calls(brokertest.Open); n < 10 || n > 30 {
			w.t.Errorf("%d attempts in a minute", n)
		}
		w.reached("False", "opening a lane (lane 0)")
	})
}

// Every request of a lane is refused for a while.
func TestWhatIsRefusedIsShown(t *testing.T) {
	for operation, words := range map[brokertest.Operation]string{
		brokertest.Open: "opening a lane (lane 0)", brokertest.Load: "loading a lane (lane 0)", brokertest.Read: "reading a lane (lane 0)",
		brokertest.Fetch: "reading a message again (lane 0)", brokertest.DeadLetter: "writing a dead letter (lane 0)",
		brokertest.Flush: "writing the progress of a lane (lane 0)", brokertest.Confirm: "confirming lanes",
	} {
		t.Run(words, func(t *testing.T) {
			story(t, 1, func(w *world) {
				w.memory, w.failure, w.handler.skips = 1, order.DeadLetter, true
				w.handler.does = rejecting("a", 1, deliver.Outcome{Kind: deliver.Failed, Permanent: true})
				w.broker.Fail(brokertest.Fault{Operation: operation, Err: errDeleted, Times: 12})
				w.start()
				w.grant(1, 1, 0)
				w.publish(0, "a", "b")
				w.reached("False", words, "stream not found: make the stream again")
				w.until("it goes on", func() bool { return w.handler.completed("b") == 1 })
				w.reached("True")
			})
		})
	}
}

func TestWhatFailsForLongIsShown(t *testing.T) {
	story(t, 1, func(w *world) {
		w.start()
		w.grant(1, 1, 0)
		w.untilStates("0:Running")
		w.broker.Fail(brokertest.Fault{Operation: brokertest.Flush, Times: 4})
		w.publish(0, "a")
		w.stays("True", 2*fence)
		w.broker.Fail(brokertest.Fault{Operation: brokertest.Flush, Times: 20})
		w.publish(0, "a")
		w.stays("True", fence)
		w.reached("False", "writing the progress of a lane (lane 0)", brokertest.ErrFault.Error())
		w.reached("True")
		w.stays("True", time.Minute)
	})
}

// Trouble that comes and goes every two seconds.
func TestTheStatusDoesNotFlap(t *testing.T) {
	story(t, 1, func(w *world) {
		w.start()
		w.grant(1, 1, 0)
		w.untilStates("0:Running")
		w.reached("True")
		changes, before := 0, "True"
		for range 30 {
			w.broker.Fail(brokertest.Fault{Operation: brokertest.Read, Err: errDeleted, Times: 5})
			w.publish(0, "a")
			for range 40 {
				w.pass(100 * time.Millisecond)
				if status, _ := w.api.condition(v1alpha1.ConditionSourceReachable); status != before {
					changes, before = changes+1, status
				}
			}
		}
		if changes == 0 || changes > 24 {
			w.t.Errorf("SourceReachable changed %d times in two minutes", changes)
		}
		w.allDone()
	})
}

// A lane that nobody asks for any more is no trouble.
func TestTroubleLeavesWithItsLane(t *testing.T) {
	story(t, 1, func(w *world) {
		w.broker.Fail(brokertest.Fault{Operation: brokertest.Load, Err: errDeleted, Times: 1000})
		w.start()
		w.grant(1, 1, 0)
		w.reached("False", "loading a lane (lane 0)")
		w.stays("False", time.Minute)
		w.grant(2, 1)
		w.untilStates("")
		w.pass(3 * time.Second)
		w.stays("True", time.Minute)
	})
}
