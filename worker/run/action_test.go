// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package run_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"convoy.dev/convoy/api/v1alpha1"
	"convoy.dev/convoy/worker/broker/brokertest"
	"convoy.dev/convoy/worker/deliver"
)

// releases is an order to release everything that is parked by now, as fast as it goes.
func releases(uid string) *v1alpha1.ActionOrder {
	now := metav1.NewMicroTime(time.Now())
	return &v1alpha1.ActionOrder{UID: uid, Type: v1alpha1.ActionRelease, ParkedBefore: &now, KeysPerMinute: 600_000}
}

// acts waits until the worker says that an order is complete, and compares what it says of it.
func (w *world) acts(want v1alpha1.ActionReport) {
	w.t.Helper()
	complete := true
	want.Complete = &complete
	var is v1alpha1.ActionReport
	w.until("the action "+want.UID+" is complete", func() bool {
		is, _ = w.api.acted()
		return is.UID == want.UID && is.Complete != nil
	})
	if diff := cmp.Diff(want, is); diff != "" {
		w.t.Errorf("the report (-want +got):\n%s", diff)
	}
}

// parkAll publishes messages of keys that are rejected, and waits until they are parked in lane 0.
func (w *world) parkAll(bad map[string]bool, messages int, keys ...string) {
	w.t.Helper()
	for _, key := range keys {
		w.handler.set(func() { bad[key] = true })
		for range messages {
			w.publish(0, key)
		}
	}
	for _, key := range keys {
		w.parks(key, messages)
	}
	w.pass(time.Second)
	w.handler.set(func() { clear(bad) })
}

func TestAParkedKeyIsReleasedInOrder(t *testing.T) {
	parking(t, 1, func(w *world, bad map[string]bool) {
		w.start()
		w.grant(1, 1, 0)
		w.parkAll(bad, 3, "a")
		w.until("the status names the key", func() bool { _, parked := w.api.acted(); return parked.Keys == 1 && parked.Messages == 3 })
		_, parked := w.api.acted()
		if l := parked.Longest; len(l) != 1 || l[0].Key != "a" || l[0].Reason != v1alpha1.ParkRejected || l[0].Messages != 3 || l[0].Attempts != 1 {
			w.t.Errorf("the status says %+v", parked)
		}
		w.api.order(releases("one"))
		w.publish(0, "a")
		w.allDone()
		w.acts(v1alpha1.ActionReport{UID: "one", Keys: 1, Done: 1, Messages: 4})
		w.parks("a", 0)
		w.until("the status is empty", func() bool { _, parked := w.api.acted(); return parked.Keys == 0 })
		w.publish(0, "a", "a")
		w.allDone()
		if w.handler.repeats() > 0 {
			w.t.Errorf("%d messages came twice", w.handler.repeats())
		}
		w.api.order(nil)
		w.until("the report is gone", func() bool { acted, _ := w.api.acted(); return acted.UID == "" })
	})
}

func TestAParkedKeyIsDiscarded(t *testing.T) {
	parking(t, 1, func(w *world, bad map[string]bool) {
		w.start()
		w.grant(1, 1, 0)
		w.parkAll(bad, 3, "a", "b")
		calls := w.handler.count()
		w.api.order(&v1alpha1.ActionOrder{
			UID: "one", Type: v1alpha1.ActionDiscard, KeysPerMinute: 60, KeyDigests: []string{v1alpha1.KeyDigest("a"), v1alpha1.KeyDigest("none")},
		})
		w.acts(v1alpha1.ActionReport{UID: "one", Keys: 1, Done: 1, Messages: 3})
		w.parks("a", 0)
		w.parks("b", 3)
		if got := w.handler.count(); got != calls {
			w.t.Errorf("%d calls while a key is discarded", got-calls)
		}
		w.handler.set(func() { w.handler.skips = true })
		w.publish(0, "a")
		w.until("the key goes on", func() bool { return w.handler.completed("a") == 4 })
	})
}

// A key that fails again stays where it is, behind nothing, and the same action does not release it twice, whoever has the
// lane. The next action does.
func TestAReleasedKeyFailsAgain(t *testing.T) {
	parking(t, 1, func(w *world, bad map[string]bool) {
		p := w.start()
		w.grant(1, 1, 0)
		w.parkAll(bad, 2, "a", "b")
		w.handler.set(func() {
			w.handler.does = func(k string, n int, _ *deliver.Call) (time.Duration, deliver.Outcome) {
				return time.Millisecond, map[bool]deliver.Outcome{
					true: {Kind: deliver.Failed, Permanent: true}, false: {Kind: deliver.Done},
				}[k == "a" && n == 2]
			}
		})
		order := releases("one")
		order.ParkedBefore = &metav1.MicroTime{Time: time.Now().Add(time.Hour)} // of a clock that is ahead
		w.api.order(order)
		w.acts(v1alpha1.ActionReport{UID: "one", Keys: 2, Done: 1, Failed: 1, Messages: 3})
		is := w.parks("a", 1)
		if is.Released || is.Action != "one" {
			w.t.Errorf("parked again as %+v", is)
		}
		p.worker.Stop()
		p.wait()
		calls := w.handler.count()
		w.again()
		w.api.order(order)
		w.grant(2, 2, 0)
		w.acts(v1alpha1.ActionReport{UID: "one"})
		if got := w.handler.count(); got != calls {
			w.t.Errorf("%d calls of the next owner for an action that was done", got-calls)
		}
		w.handler.set(func() { w.handler.does = nil })
		w.api.order(releases("two"))
		w.acts(v1alpha1.ActionReport{UID: "two", Keys: 1, Done: 1, Messages: 1})
		w.allDone()
	})
}

// The lane moves in the middle of an action: the next owner goes on with what is left.
func TestALaneMovesInTheMiddleOfAnAction(t *testing.T) {
	parking(t, 1, func(w *world, bad map[string]bool) {
		p := w.start()
		w.grant(1, 1, 0)
		w.parkAll(bad, 2, "a", "b", "c", "d", "e")
		order := releases("one")
		order.KeysPerMinute = 60
		w.api.order(order)
		w.until("two keys are done", func() bool { acted, _ := w.api.acted(); return acted.Done == 2 })
		if acted, _ := w.api.acted(); acted.Keys != 5 || acted.Complete != nil {
			w.t.Errorf("in the middle the report is %+v", acted)
		}
		p.worker.Stop()
		p.wait()
		acted, _ := w.api.acted()
		if acted.Keys != acted.Done {
			w.t.Errorf("after the lane left the report is %+v", acted)
		}
		w.again()
		w.api.order(order)
		w.grant(2, 2, 0)
		w.acts(v1alpha1.ActionReport{UID: "one", Keys: 5 - acted.Done, Done: 5 - acted.Done, Messages: 10 - acted.Messages})
		w.allDone()
		if w.handler.repeats() > 0 {
			w.t.Errorf("%d messages came twice, in a clean hand-over", w.handler.repeats())
		}
	})
}

// The process dies in the middle of an action, at any operation of the parking store. Every key is run, in order, and what
// was counted stays counted.
func TestAProcessDiesInTheMiddleOfAnAction(t *testing.T) {
	for _, operation := range []brokertest.Operation{brokertest.MarkParked, brokertest.ReadParked, brokertest.Unpark} {
		for nth := 1; nth <= 6; nth++ {
			parking(t, 1, func(w *world, bad map[string]bool) {
				w.barrier = timeout
				p := w.start()
				w.grant(1, 1, 0)
				w.parkAll(bad, 3, "a", "b")
				at := w.broker.Calls(operation) + nth
				w.api.order(releases("one"))
				w.until("it gets there", func() bool { return w.broker.Calls(operation) >= at || len(w.broker.Parked(0)) == 0 })
				p.crash()
				w.start()
				w.allDone()
				w.until("nothing is parked", func() bool { return len(w.broker.Parked(0)) == 0 })
				w.until("the action is complete", func() bool { acted, _ := w.api.acted(); return acted.Complete != nil })
			})
		}
	}
}

// Store operations of a release fail, with the operation carried out or not.
func TestAReleaseThroughTrouble(t *testing.T) {
	for _, late := range []bool{false, true} {
		parking(t, 1, func(w *world, bad map[string]bool) {
			w.start()
			w.grant(1, 1, 0)
			w.parkAll(bad, 40, "a", "b")
			for _, operation := range []brokertest.Operation{brokertest.MarkParked, brokertest.Unpark, brokertest.ReadParked} {
				w.broker.Fail(brokertest.Fault{Operation: operation, Times: 3, Late: late && operation != brokertest.ReadParked})
			}
			w.api.order(releases("one"))
			w.acts(v1alpha1.ActionReport{UID: "one", Keys: 2, Done: 2, Messages: 80})
			w.allDone()
		})
	}
}

func TestWhatAnActionSelects(t *testing.T) {
	exhausted, rejected := v1alpha1.ParkAttemptsExhausted, v1alpha1.ParkRejected
	for name, c := range map[string]struct {
		reason *v1alpha1.ParkReason
		early  bool
		keys   int64
	}{
		"all": {keys: 2}, "one reason": {reason: &rejected, keys: 2}, "another": {reason: &exhausted}, "early": {early: true, keys: 1},
	} {
		t.Run(name, func(t *testing.T) {
			parking(t, 1, func(w *world, bad map[string]bool) {
				w.start()
				w.grant(1, 1, 0)
				w.parkAll(bad, 1, "a")
				between := metav1.NewMicroTime(time.Now())
				w.parkAll(bad, 1, "b")
				order := releases("one")
				order.Reason = c.reason
				if c.early {
					order.ParkedBefore = &between
				}
				w.api.order(order)
				w.acts(v1alpha1.ActionReport{UID: "one", Keys: c.keys, Done: c.keys, Messages: c.keys})
			})
		})
	}
}

// An action begins its keys at its rate, the oldest first.
func TestAnActionKeepsItsRate(t *testing.T) {
	parking(t, 1, func(w *world, bad map[string]bool) {
		w.start()
		w.grant(1, 1, 0)
		for i := range 5 {
			w.parkAll(bad, 1, fmt.Sprint("key ", i))
		}
		order := releases("one")
		order.KeysPerMinute = 30
		w.api.order(order)
		began := time.Now()
		w.until("the first is done", func() bool { return w.handler.completed("key 0") == 1 })
		w.acts(v1alpha1.ActionReport{UID: "one", Keys: 5, Done: 5, Messages: 5})
		if took := time.Since(began); took < 8*time.Second || took > 11*time.Second {
			w.t.Errorf("five keys at 30 a minute took %v", took)
		}
	})
}
