// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package run_test

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
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

// rejecting answers for one message and lets every other succeed.
func rejecting(key string, number int, o deliver.Outcome) func(string, int, *deliver.Call) (time.Duration, deliver.Outcome) {
	return func(k string, n int, _ *deliver.Call) (time.Duration, deliver.Outcome) {
		if k == key && n == number {
			return time.Millisecond, o
		}
		return time.Millisecond, deliver.Outcome{Kind: deliver.Done}
	}
}

func TestARejectedMessageIsDeadLetteredAndItsKeyGoesOn(t *testing.T) {
	story(t, 1, func(w *world) {
		w.failure, w.handler.skips = order.DeadLetter, true
		w.handler.does = rejecting("a", 2, deliver.Outcome{Kind: deliver.Failed, Permanent: true})
		w.broker.Fail(brokertest.Fault{Operation: brokertest.DeadLetter, Times: 3})
		w.start()
		w.grant(1, 1, 0)
		w.publish(0, "a", "a", "a", "b")
		w.until("the key goes on", func() bool { return w.handler.completed("a") == 3 && w.handler.completed("b") == 1 })
		letters := w.broker.DeadLetters()
		if len(letters) != 1 || letters[0].Key != "a" || letters[0].Reason != "Rejected" || letters[0].Attempts != 1 || string(letters[0].Data) != `{"k": "a", "n": 2}` {
			w.t.Errorf("dead letters %+v", letters)
		}
	})
}

func TestAMessageThatFailsForGoodIsDeadLettered(t *testing.T) {
	story(t, 1, func(w *world) {
		w.failure, w.handler.skips = order.DeadLetter, true
		w.handler.does = rejecting("a", 1, deliver.Outcome{Kind: deliver.Failed, RetryAfter: 5 * time.Second})
		w.start()
		w.grant(1, 1, 0)
		began := time.Now()
		w.publish(0, "a", "a")
		w.until("the key goes on", func() bool { return w.handler.completed("a") == 2 })
		if letters := w.broker.DeadLetters(); len(letters) != 1 || letters[0].Reason != "AttemptsExhausted" || letters[0].Attempts != 3 {
			w.t.Errorf("dead letters %+v", letters)
		}
		if took := time.Since(began); took < 10*time.Second {
			w.t.Errorf("three attempts took %v: Retry-After was not honoured", took)
		}
	})
}

// The broker says in answer to a dead letter that another has the lane: nothing more of it is waited for.
func TestSupersededWithADeadLetterUnderWay(t *testing.T) {
	story(t, 1, func(w *world) {
		w.failure, w.handler.skips = order.DeadLetter, true
		w.handler.does = rejecting("a", 1, deliver.Outcome{Kind: deliver.Failed, Permanent: true})
		w.broker.Delay(brokertest.DeadLetter, time.Second)
		w.start()
		w.grant(1, 1, 0)
		w.untilStates("0:Running")
		w.publish(0, "a", "a")
		w.until("the message is rejected", func() bool { return w.handler.count() == 1 })
		w.broker.SetRecord(0, broker.Record{Token: drain.Token{Epoch: 7, Incarnation: 1}, Worker: "other"})
		w.untilStates("0:Refused")
		if got := len(w.broker.DeadLetters()); got > 0 {
			w.t.Errorf("%d dead letters of a lane that is another's", got)
		}
	})
}

func TestABlockingKeyIsTriedForEver(t *testing.T) {
	story(t, 1, func(w *world) {
		w.handler.does = rejecting("a", 1, deliver.Outcome{Kind: deliver.Failed, Permanent: true})
		w.start()
		w.grant(1, 1, 0)
		w.publish(0, "a", "a", "b")
		w.pass(time.Minute)
		if w.handler.completed("a") != 0 || w.handler.completed("b") != 1 || w.handler.count() < 20 {
			w.t.Errorf("a %d, b %d, %d calls", w.handler.completed("a"), w.handler.completed("b"), w.handler.count())
		}
		w.handler.set(func() { w.handler.does = nil })
		w.allDone()
	})
}

func TestNothingButFailuresComesBack(t *testing.T) {
	story(t, 2, func(w *world) {
		w.failure = order.DeadLetter
		w.handler.does = func(string, int, *deliver.Call) (time.Duration, deliver.Outcome) {
			return time.Millisecond, deliver.Outcome{Kind: deliver.Failed, Detail: "the handler answered 404 Not Found"}
		}
		w.start()
		w.grant(1, 1, 0, 1)
		for i := range 50 {
			w.publish(int32(i%2), fmt.Sprint("key ", i))
		}
		w.until("HandlerAccepting is False", func() bool {
			status, message := w.api.condition(v1alpha1.ConditionHandlerAccepting)
			return status == "False" && strings.Contains(message, "404")
		})
		w.pass(time.Minute)
		if got := len(w.broker.DeadLetters()); got > 0 {
			w.t.Errorf("%d messages were dead-lettered in an outage", got)
		}
		w.handler.set(func() { w.handler.does = nil })
		w.allDone()
	})
}

func TestMessagesWithoutAKeyAreDeadLetteredOnceOneHasAKey(t *testing.T) {
	story(t, 2, func(w *world) {
		w.start()
		w.grant(1, 1, 0, 1)
		w.untilStates("0:Running 1:Running")
		for range 3 {
			w.publishData(`{"other": 1}`)
		}
		w.pass(10 * time.Second)
		status, message := w.api.condition(v1alpha1.ConditionKeyExpressionValid)
		if status != "False" || !strings.Contains(message, "body.k") || !strings.Contains(message, "first 3 messages") || len(w.broker.DeadLetters()) > 0 {
			w.t.Errorf("KeyExpressionValid %q %q, %d dead letters", status, message, len(w.broker.DeadLetters()))
		}
		w.publish(1, "a")
		w.publish(0, "b")
		w.allDone()
		letters := w.broker.DeadLetters()
		if len(letters) != 3 || letters[0].Reason != "NoKeyMissing" || letters[0].Key != "" {
			w.t.Errorf("dead letters %+v", letters)
		}
		w.until("KeyExpressionValid is True", func() bool {
			status, _ := w.api.condition(v1alpha1.ConditionKeyExpressionValid)
			return status == "True"
		})
		// A hand-over deals with none of them again.
		w.grant(2, 2, 1)
		w.untilStates("1:Running")
		w.grant(3, 3, 0, 1)
		w.untilStates("0:Running 1:Running")
		w.publish(0, "b")
		w.allDone()
		if got := len(w.broker.DeadLetters()); got != 3 {
			w.t.Errorf("%d dead letters after a hand-over", got)
		}
	})
}

// The dead letter lies between two messages that wait: the progress record names it.
func TestAMessageWithoutAKeyIsPartOfProgress(t *testing.T) {
	story(t, 1, func(w *world) {
		w.handler.does = rejecting("stuck", 1, deliver.Outcome{Kind: deliver.Failed})
		w.start()
		w.grant(1, 1, 0)
		w.publish(0, "stuck")
		w.publishData(`{}`)
		w.publish(0, "stuck", "a")
		w.until("the other key is completed", func() bool { return w.handler.completed("a") == 1 })
		w.grant(2, 1)
		w.untilStates("")
		if got := w.broker.Saved(0).Progress; got.LowWater != 0 || !slices.Equal(got.Ranges, []order.Range{{From: 2, To: 2}, {From: 4, To: 4}}) {
			w.t.Errorf("progress %+v", got)
		}
		w.handler.set(func() { w.handler.does = nil })
		w.grant(3, 2, 0)
		w.allDone()
		if got := len(w.broker.DeadLetters()); got != 1 {
			w.t.Errorf("%d dead letters, want the one", got)
		}
	})
}

// After a crash every start has to be on record before it is made. That costs a request each, not the progress interval.
func TestARecordIsNotWaitedFor(t *testing.T) {
	story(t, 1, func(w *world) {
		p := w.start()
		w.grant(1, 1, 0)
		w.publish(0, "a")
		w.allDone()
		for range 30 {
			w.publish(0, "a")
		}
		p.crash()
		w.handler.rest() // With no barrier the handler has ended with its worker.
		var first time.Time
		w.handler.set(func() {
			w.handler.does = func(string, int, *deliver.Call) (time.Duration, deliver.Outcome) {
				if first.IsZero() {
					first = time.Now()
				}
				return time.Millisecond, deliver.Outcome{Kind: deliver.Done}
			}
		})
		w.start()
		w.allDone()
		if took := time.Since(first); took > time.Second {
			w.t.Errorf("30 messages took %v after a crash", took)
		}
	})
}

func TestAMessageWithoutAKeyBlocksItsLane(t *testing.T) {
	story(t, 2, func(w *world) {
		w.missing = v1alpha1.MissingBlock
		w.start()
		w.grant(1, 1, 0, 1)
		w.publish(0, "a")
		w.publishData(`{"k": 1.5}`)
		w.publish(0, "never")
		w.publish(1, "b")
		w.until("LaneBlocked", func() bool {
			status, message := w.api.condition(v1alpha1.ConditionLaneBlocked)
			return status == "True" && strings.Contains(message, "lane 0")
		})
		w.publish(1, "b")
		w.until("the other lane goes on", func() bool { return w.handler.completed("b") == 2 })
		if w.handler.completed("a") != 1 || w.handler.completed("never") != 0 || len(w.broker.DeadLetters()) > 0 {
			w.t.Error("the lane did not stop at the message")
		}
		w.grant(2, 2, 1)
		w.until("LaneBlocked is over", func() bool {
			status, _ := w.api.condition(v1alpha1.ConditionLaneBlocked)
			return status == "False"
		})
	})
}

// A key with more messages than the buffer holds is kept as positions, which are read again; other keys go on.
func TestAHotKeyStopsNobody(t *testing.T) {
	story(t, 1, func(w *world) {
		w.handler.does = func(k string, _ int, _ *deliver.Call) (time.Duration, deliver.Outcome) {
			if k == "hot" {
				return 50 * time.Millisecond, deliver.Outcome{Kind: deliver.Done}
			}
			return time.Millisecond, deliver.Outcome{Kind: deliver.Done}
		}
		w.start()
		w.grant(1, 1, 0)
		for range 300 {
			w.publish(0, "hot")
		}
		w.broker.Fail(brokertest.Fault{Operation: brokertest.Fetch, Times: 5})
		w.publish(0, "cold", "cold")
		w.until("the cold key goes on", func() bool { return w.handler.completed("cold") == 2 })
		if w.handler.completed("hot") > 100 {
			w.t.Error("the hot key is nearly through; this shows nothing")
		}
		w.allDone()
	})
}

func TestAMessageThatIsGoneLetsItsKeyGoOn(t *testing.T) {
	story(t, 1, func(w *world) {
		w.handler.skips = true
		w.handler.does = func(string, int, *deliver.Call) (time.Duration, deliver.Outcome) {
			return 20 * time.Millisecond, deliver.Outcome{Kind: deliver.Done}
		}
		p := w.start()
		w.grant(1, 1, 0)
		for range 300 {
			w.publish(0, "hot")
		}
		w.until("it runs", func() bool { return w.handler.completed("hot") > 5 })
		w.broker.Trim(250)
		w.allDone()
		if got := p.metric("convoy_worker_messages_total", "gone"); got < 100 {
			w.t.Errorf("%v messages are counted as gone", got)
		}
		w.until("progress is whole", func() bool { return w.broker.Saved(0).Progress.LowWater == 300 })
	})
}

func TestALaneBlockedAtItsLookAheadSaysSo(t *testing.T) {
	story(t, 1, func(w *world) {
		w.handler.does = rejecting("stuck", 1, deliver.Outcome{Kind: deliver.Failed})
		p := w.start()
		w.grant(1, 1, 0)
		for range 600 {
			w.publish(0, "stuck")
		}
		w.until("LaneBlocked names the key", func() bool {
			status, message := w.api.condition(v1alpha1.ConditionLaneBlocked)
			return status == "True" && strings.Contains(message, `"stuck"`)
		})
		w.handler.set(func() { w.handler.does = nil })
		w.allDone()
		w.until("LaneBlocked is over", func() bool {
			status, _ := w.api.condition(v1alpha1.ConditionLaneBlocked)
			return status == "False"
		})
		w.pass(3 * time.Second)
		if left := p.metric("convoy_worker_messages_in_memory", ""); left != 0 {
			w.t.Errorf("%v messages are left in memory", left)
		}
	})
}

func TestAClaimHeldByAnother(t *testing.T) {
	story(t, 1, func(w *world) {
		w.claimed("another")
		w.start()
		w.grant(1, 1, 0)
		w.until("SourceClaimed is False", func() bool {
			status, message := w.api.condition(v1alpha1.ConditionSourceClaimed)
			return status == "False" && strings.Contains(message, "another")
		})
		w.pass(time.Minute)
		if w.states() != "0:Opening" || w.broker.Record(0) != (broker.Record{}) {
			w.t.Errorf("lanes are %s, record %+v", w.states(), w.broker.Record(0))
		}
		w.grant(2, 1)
		w.untilStates("")
	})
}

// Every kind of request fails now and then, before or after it was carried out.
func TestRequestsFailAndAnswersAreLost(t *testing.T) {
	story(t, 2, func(w *world) {
		for _, operation := range []brokertest.Operation{
			brokertest.Claim, brokertest.Open, brokertest.Load, brokertest.Read, brokertest.Flush, brokertest.Confirm,
		} {
			w.broker.Fail(brokertest.Fault{Operation: operation, Times: 2})
			w.broker.Fail(brokertest.Fault{Operation: operation, Late: true})
		}
		p := w.start()
		w.grant(1, 1, 0, 1)
		for range 20 {
			w.publish(0, "a", "b")
			w.publish(1, "c")
			w.pass(500 * time.Millisecond)
		}
		w.allDone()
		w.broker.Fail(brokertest.Fault{Operation: brokertest.Flush, Times: 3})
		p.worker.Stop()
		if p.wait() != run.Resigned || !w.broker.Saved(0).Final || w.broker.Saved(1).Progress.LowWater == 0 {
			w.t.Errorf("ended as %v, saved %+v", p.wait(), w.broker.Saved(0))
		}
		if w.handler.repeats() > 0 {
			w.t.Errorf("%d messages came twice", w.handler.repeats())
		}
		if first := (drain.Token{Epoch: 1, Incarnation: 1}); w.broker.Record(0).Token != first || w.broker.Record(1).Token != first {
			w.t.Errorf("a lost answer cost an incarnation: %v, %v", w.broker.Record(0).Token, w.broker.Record(1).Token)
		}
	})
}

func TestNobodyButAPersonCanMendIt(t *testing.T) {
	for cause, reason := range map[broker.Cause]string{
		broker.CauseOther: v1alpha1.ReasonRequestRefused, broker.CauseNotFound: v1alpha1.ReasonSourceNotFound, broker.CauseDenied: v1alpha1.ReasonAccessDenied,
		broker.CauseUnfit: v1alpha1.ReasonStoreUnfit, broker.CauseFull: v1alpha1.ReasonRequestRefused,
	} {
		t.Run(reason, func(t *testing.T) {
			story(t, 1, func(w *world) {
				w.broker.Fail(brokertest.Fault{Operation: brokertest.Claim, Err: &broker.PermanentError{Err: errors.New("no"), Mend: "grant it", Cause: cause}})
				w.start()
				w.grant(1, 1, 0)
				w.until("SourceClaimed is False", func() bool {
					status, message := w.api.condition(v1alpha1.ConditionSourceClaimed)
					return status == "False" && strings.Contains(message, "grant it") && w.api.reason(v1alpha1.ConditionSourceClaimed) == reason
				})
				w.untilStates("0:Running")
			})
		})
	}
}

func TestEndpoints(t *testing.T) {
	story(t, 1, func(w *world) {
		p := w.start()
		w.grant(1, 1, 0)
		w.untilStates("0:Running")
		began := time.Now()
		if got := p.status(p.worker.Drained); got != http.StatusOK || time.Since(began) != 2*time.Second {
			w.t.Errorf("a hook of a worker that goes on: %d after %v", got, time.Since(began))
		}
		if got := p.status(p.worker.Healthz); got != http.StatusOK {
			w.t.Errorf("health %d", got)
		}
		w.handler.set(func() { w.handler.deaf = true })
		w.publish(0, "a")
		w.until("a call runs", func() bool { return w.handler.count() == 1 })
		began = time.Now()
		go func() {
			<-time.NewTimer(time.Second).C
			p.worker.Stop()
		}()
		if got := p.status(p.worker.Drained); got != http.StatusOK || time.Since(began) < timeout-time.Second {
			w.t.Errorf("a hook that came before the signal: %d after %v", got, time.Since(began))
		}
		p.wait()
		w.pass(time.Minute)
		if got := p.status(p.worker.Healthz); got != http.StatusServiceUnavailable {
			w.t.Errorf("health of a loop that does not turn: %d", got)
		}
	})
}

// With hardly room for a body most are read again at their turn. A key that cannot go on takes no room from others, and the
// dead letter is whole.
func TestMemoryIsBoundedBySize(t *testing.T) {
	story(t, 2, func(w *world) {
		w.memory, w.failure, w.handler.skips = 100, order.DeadLetter, true
		w.handler.does = rejecting("a", 5, deliver.Outcome{Kind: deliver.Failed, Permanent: true})
		w.broker.Fail(brokertest.Fault{Operation: brokertest.Fetch, Times: 5})
		p := w.start()
		w.grant(1, 1, 0, 1)
		for range 10 {
			w.publish(0, "a", "b", "c")
			w.publish(1, "d", "e")
		}
		w.until("it is through", func() bool {
			if bytes := p.metric("convoy_worker_message_bytes_in_memory", ""); bytes > 100 {
				w.t.Fatalf("%v bytes in memory", bytes)
			}
			return w.handler.completed("a") == 10 && w.handler.completed("c") == 10 && w.handler.completed("e") == 10
		})
		if w.broker.Calls(brokertest.Fetch) < 20 {
			w.t.Errorf("%d messages were read again", w.broker.Calls(brokertest.Fetch))
		}
		if letters := w.broker.DeadLetters(); len(letters) != 1 || string(letters[0].Data) != `{"k": "a", "n": 5}` {
			w.t.Errorf("dead letters %+v", letters)
		}
	})
}
