// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package run_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"convoy.dev/convoy/api/v1alpha1"
	"convoy.dev/convoy/worker/broker"
	"convoy.dev/convoy/worker/broker/brokertest"
	"convoy.dev/convoy/worker/deliver"
	"convoy.dev/convoy/worker/order"
)

// parking is a story with onFailure Park, and a handler that rejects every message of keys that are bad.
func parking(t *testing.T, lanes int32, tell func(w *world, bad map[string]bool)) {
	t.Helper()
	story(t, lanes, func(w *world) {
		bad := map[string]bool{}
		w.failure, w.handler.released = order.Park, true
		w.handler.does = func(k string, _ int, _ *deliver.Call) (time.Duration, deliver.Outcome) {
			if bad[k] {
				return time.Millisecond, deliver.Outcome{Kind: deliver.Failed, Permanent: true}
			}
			return time.Millisecond, deliver.Outcome{Kind: deliver.Done}
		}
		tell(w, bad)
	})
}

// parks waits until so many messages of a key are parked in lane 0; 0 means that the key is not parked at all.
func (w *world) parks(key string, messages int) broker.ParkedKey {
	w.t.Helper()
	var is broker.ParkedKey
	w.until(fmt.Sprintf("%d messages of %q are parked", messages, key), func() bool {
		is = broker.ParkedKey{}
		for _, k := range w.broker.Parked(0) {
			if k.Key == key {
				is = k
			}
		}
		return is.Messages == messages
	})
	return is
}

func TestAKeyIsParkedWithWhatFollows(t *testing.T) {
	parking(t, 1, func(w *world, bad map[string]bool) {
		p := w.start()
		w.grant(1, 1, 0)
		w.handler.set(func() { bad["a"] = true })
		w.publish(0, "a", "b", "a", "b", "a")
		is := w.parks("a", 3)
		if is.Reason != string(v1alpha1.ParkRejected) || is.Attempts != 1 || is.Released || time.Since(is.Since) > time.Second {
			w.t.Errorf("parked as %+v", is)
		}
		w.until("b is done", func() bool { return w.handler.completed("b") == 2 })
		if got := w.handler.completed("a"); got != 0 {
			w.t.Errorf("%d messages of the parked key are completed", got)
		}
		w.pass(2 * time.Second)
		if saved := w.broker.Saved(0).Progress; saved.LowWater != 5 || saved.Outstanding != 0 {
			w.t.Errorf("the lane is not completed past the parked key: %+v", saved)
		}
		if keys, messages := p.metric("convoy_worker_parked_keys", ""), p.metric("convoy_worker_parked_messages", ""); keys != 1 || messages != 3 {
			w.t.Errorf("the metrics say %v keys, %v messages", keys, messages)
		}
	})
}

// The next owner parks what comes of a parked key behind what is there, without a call.
func TestAParkedKeyMovesWithItsLane(t *testing.T) {
	parking(t, 1, func(w *world, bad map[string]bool) {
		p := w.start()
		w.grant(1, 1, 0)
		w.handler.set(func() { bad["a"] = true })
		w.publish(0, "a", "a")
		w.parks("a", 2)
		p.worker.Stop()
		p.wait()
		calls := w.handler.count()
		w.publish(0, "a", "b")
		w.again()
		w.grant(2, 2, 0)
		w.parks("a", 3)
		w.until("b is done", func() bool { return w.handler.completed("b") == 1 })
		if got := w.handler.count() - calls; got != 1 {
			w.t.Errorf("%d calls, want b's alone", got)
		}
	})
}

// again starts a worker in a new pod, whose object knows of no earlier process.
func (w *world) again() {
	w.t.Helper()
	w.api.remove()
	w.api.create(podUID)
	w.marks = w.t.TempDir()
	w.start()
}

// Each store operation of a key's parking fails once: before it is made, or so that only its answer is lost. Nothing is parked
// twice or lost, and the order stands.
func TestParkingIsTriedAgain(t *testing.T) {
	for _, operation := range []brokertest.Operation{brokertest.LoadParked, brokertest.MarkParked, brokertest.Park} {
		for _, late := range []bool{false, true} {
			parking(t, 1, func(w *world, bad map[string]bool) {
				w.broker.Fail(brokertest.Fault{Operation: operation, Times: 2, Late: late})
				w.start()
				w.grant(1, 1, 0)
				w.handler.set(func() { bad["a"] = true })
				w.publish(0, "a", "a", "a")
				w.parks("a", 3)
			})
		}
	}
}

// A message whose body is not in memory is read again to be parked, and that fails, too.
func TestReadingWhatIsParkedIsTriedAgain(t *testing.T) {
	parking(t, 1, func(w *world, _ map[string]bool) {
		w.memory = 1
		w.handler.does = func(string, int, *deliver.Call) (time.Duration, deliver.Outcome) {
			w.broker.Fail(brokertest.Fault{Operation: brokertest.Fetch, Times: 2})
			w.handler.does = nil
			return time.Millisecond, deliver.Outcome{Kind: deliver.Failed, Permanent: true}
		}
		w.start()
		w.grant(1, 1, 0)
		w.publish(0, "a", "a", "a")
		w.parks("a", 3)
		w.api.order(releases("one"))
		w.allDone()
	})
}

// The process dies at each store operation that parking takes, carried out or not. The next process finds a park that is
// whole: what is not in it comes from the lane, and goes there.
func TestAProcessDiesWhileItParks(t *testing.T) {
	for _, operation := range []brokertest.Operation{brokertest.MarkParked, brokertest.Park, brokertest.Flush} {
		for nth := 1; nth <= 4; nth++ {
			parking(t, 1, func(w *world, bad map[string]bool) {
				w.handler.set(func() { bad["a"] = true })
				w.publish(0, "a", "a", "b", "a")
				p := w.start()
				w.grant(1, 1, 0)
				w.until("it gets there or everything is parked", func() bool {
					return w.broker.Calls(operation) >= nth || len(w.broker.Parked(0)) > 0 && w.broker.Parked(0)[0].Messages == 3
				})
				p.crash()
				w.start()
				w.parks("a", 3)
				w.until("b is done", func() bool { return w.handler.completed("b") == 1 })
			})
		}
	}
}

// Beyond maxKeys a key blocks: it is tried again and again, and nothing is lost.
func TestBeyondTheBoundAKeyBlocks(t *testing.T) {
	parking(t, 1, func(w *world, bad map[string]bool) {
		w.maxKeys = 2
		w.start()
		w.grant(1, 1, 0)
		w.handler.set(func() { bad["a"], bad["b"], bad["c"] = true, true, true })
		w.publish(0, "a")
		w.parks("a", 1)
		w.publish(0, "b")
		w.parks("b", 1)
		w.publish(0, "c", "d")
		w.pass(20 * time.Second)
		if got := len(w.broker.Parked(0)); got != 2 {
			w.t.Errorf("%d keys are parked, and 2 may be", got)
		}
		w.handler.set(func() { bad["c"] = false })
		w.until("c and d are done", func() bool { return w.handler.completed("c") == 1 && w.handler.completed("d") == 1 })
	})
}

// hot is a story with a key that outgrows the look-ahead.
func hot(t *testing.T, tell func(w *world)) {
	t.Helper()
	parking(t, 1, func(w *world, _ map[string]bool) {
		w.handler.does = func(string, int, *deliver.Call) (time.Duration, deliver.Outcome) {
			return 20 * time.Millisecond, deliver.Outcome{Kind: deliver.Done}
		}
		for range 900 {
			w.publish(0, "hot")
		}
		w.publish(0, "cold")
		tell(w)
		w.allDone()
		w.parks("hot", 0)
		if w.broker.Calls(brokertest.Park) == 0 {
			w.t.Error("nothing went through the park")
		}
		w.publish(0, "hot")
		w.allDone()
	})
}

// A key that outgrows the look-ahead is drained through the park by itself, in order, and holds up no other.
func TestAHotKeyIsDivertedAndComesBack(t *testing.T) {
	hot(t, func(w *world) {
		w.start()
		w.grant(1, 1, 0)
		w.until("the other key is done", func() bool { return w.handler.completed("cold") == 1 })
		if got := w.handler.completed("hot"); got > 450 {
			w.t.Errorf("the other key waited for %d messages of the hot one", got)
		}
		w.until("everything is done", func() bool { return w.handler.completed("hot") == 900 })
		if got := w.handler.repeats(); got > 0 {
			w.t.Errorf("%d messages came twice", got)
		}
	})
}

// The store fails while a key is drained through it, with the operation carried out or not.
func TestAHotKeyIsDrainedThroughTrouble(t *testing.T) {
	for _, late := range []bool{false, true} {
		hot(t, func(w *world) {
			for _, operation := range []brokertest.Operation{brokertest.Park, brokertest.Unpark, brokertest.ReadParked} {
				w.broker.Fail(brokertest.Fault{Operation: operation, Times: 3, Late: late && operation != brokertest.ReadParked})
			}
			w.broker.Delay(brokertest.Unpark, 70*time.Millisecond)
			w.start()
			w.grant(1, 1, 0)
		})
	}
}

// The process dies, again and again, while a key is drained through the park: it stays in order.
func TestAHotKeySurvivesItsProcesses(t *testing.T) {
	hot(t, func(w *world) {
		w.barrier = timeout
		p := w.start()
		w.grant(1, 1, 0)
		for stop := 100; stop < 900; stop += 130 {
			w.until("it has come that far", func() bool { return w.handler.completed("hot") >= stop })
			p.crash()
			p = w.start()
		}
	})
}

// Messages that do not fit into memory are read again from where they are: the lane or the park.
func TestLargeMessagesAreParkedAndRun(t *testing.T) {
	hot(t, func(w *world) {
		w.memory = 200
		w.start()
		w.grant(1, 1, 0)
	})
}

// The handler answers with failures for ten minutes, then recovers: nobody has to do anything, and nothing is parked.
func TestAnOutageParksNothing(t *testing.T) {
	parking(t, 2, func(w *world, _ map[string]bool) {
		out := true
		w.handler.set(func() {
			w.handler.does = func(string, int, *deliver.Call) (time.Duration, deliver.Outcome) {
				if out {
					return time.Millisecond, deliver.Outcome{Kind: deliver.Failed, Detail: "500"}
				}
				return time.Millisecond, deliver.Outcome{Kind: deliver.Done}
			}
		})
		w.start()
		w.grant(1, 1, 0, 1)
		for i := range 60 {
			for k := range 4 {
				w.publish(int32(k%2), fmt.Sprint("key ", i, " ", k), fmt.Sprint("often ", k))
			}
			w.pass(10 * time.Second)
		}
		if got := w.api.reason(v1alpha1.ConditionHandlerAccepting); got != v1alpha1.ReasonOnlyFailures {
			w.t.Errorf("HandlerAccepting for the reason %q", got)
		}
		if got := len(w.broker.Parked(0)) + len(w.broker.Parked(1)); got > 0 {
			w.t.Errorf("%d keys are parked", got)
		}
		w.handler.set(func() { out = false })
		w.allDone()
		w.until("the condition says so", func() bool {
			return w.api.reason(v1alpha1.ConditionHandlerAccepting) == v1alpha1.ReasonCallsSucceed
		})
	})
}

// The handler rejects every message for a while, as after a bad release of it: the lane brakes before all keys are parked,
// says so, and goes on by itself when the handler is mended. What was parked waits for a person.
func TestABadReleaseOfTheHandlerIsBraked(t *testing.T) {
	parking(t, 1, func(w *world, bad map[string]bool) {
		w.handler.set(func() {
			for i := range 200 {
				bad[fmt.Sprint("key ", i)] = true
			}
		})
		w.start()
		w.grant(1, 1, 0)
		for i := range 200 {
			w.publish(0, fmt.Sprint("key ", i))
		}
		w.until("the lane brakes", func() bool { return w.api.reason(v1alpha1.ConditionBraking) == v1alpha1.ReasonManyKeysFail })
		w.pass(10 * time.Minute)
		parked := len(w.broker.Parked(0))
		if parked < 10 || parked > 20 {
			w.t.Errorf("%d of 200 keys are parked, though the lane braked", parked)
		}
		w.handler.set(func() { clear(bad) })
		w.until("every other key is done", func() bool {
			done := 0
			for i := range 200 {
				done += w.handler.completed(fmt.Sprint("key ", i))
			}
			return done == 200-parked
		})
		w.until("the condition says so", func() bool { return w.api.reason(v1alpha1.ConditionBraking) == v1alpha1.ReasonAllFlow })
		w.api.order(releases("one"))
		w.allDone()
	})
}

// A lane is full of messages that may not be parked. It says which bound is in the way, and goes on when there is room.
func TestAFullParkIsShown(t *testing.T) {
	for bound, set := range map[string]func(*world){
		"maxKeys": func(w *world) { w.maxKeys = 1 }, "maxMessagesPerKey": func(w *world) { w.maxMessages = 2 },
	} {
		t.Run(bound, func(t *testing.T) {
			parking(t, 1, func(w *world, bad map[string]bool) {
				set(w)
				p := w.start()
				w.grant(1, 1, 0)
				w.handler.set(func() { bad["a"], bad["b"] = true, true })
				w.publish(0, "a")
				w.parks("a", 1)
				key := "a"
				if w.maxKeys > 0 {
					key = "b"
				}
				for range 600 {
					w.publish(0, key)
				}
				w.until("LaneBlocked says why", func() bool {
					is := w.condition(v1alpha1.ConditionLaneBlocked)
					return strings.HasPrefix(is, "True/ParkFull: lane 0 takes no more messages: ") && strings.Contains(is, fmt.Sprintf("%q", key)) &&
						strings.HasSuffix(is, "raise delivery.onFailure.park."+bound)
				})
				if got := p.metric("convoy_worker_lanes_halted", v1alpha1.ConditionLaneBlocked); got != 1 {
					w.t.Errorf("%v lanes are counted as halted", got)
				}
				w.handler.set(func() { bad["a"], bad["b"] = false, false })
				w.api.order(releases("one"))
				w.allDone()
				w.until("it goes on", func() bool { return strings.HasPrefix(w.condition(v1alpha1.ConditionLaneBlocked), "False/AllFlow") })
			})
		})
	}
}
