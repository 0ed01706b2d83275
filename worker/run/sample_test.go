// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package run_test

import (
	"slices"
	"testing"
	"time"

	"convoy.dev/convoy/worker/broker/brokertest"
	"convoy.dev/convoy/worker/drain"
)

// backlog is the sample that the worker reports, nil for none.
func (a *apiServer) backlog() []int64 {
	a.lock.Lock()
	defer a.lock.Unlock()
	if a.object.Status == nil || a.object.Status.Backlog == nil {
		return nil
	}
	return a.object.Status.Backlog.Lanes
}

func (a *apiServer) written() int {
	a.lock.Lock()
	defer a.lock.Unlock()
	return a.writes
}

func (w *world) untilBacklog(want ...int64) {
	w.t.Helper()
	w.until("the backlog is reported", func() bool { return slices.Equal(w.api.backlog(), want) })
}

func TestTheWorkerThatIsAskedCountsTheBacklog(t *testing.T) {
	story(t, 2, func(w *world) {
		w.start()
		spec := drain.Spec{Revision: 1, Slot: 0, Sample: true, Grants: []drain.Grant{{Unit: drain.Unit{}, Epoch: 1}}}
		w.api.spec(spec)
		w.untilBacklog(0, 0)
		w.publish(1, "a", "b", "c") // Nobody has lane 1.
		began := time.Now()
		w.untilBacklog(0, 3)
		if took := time.Since(began); took > 10*time.Second {
			w.t.Errorf("that there is a backlog at all was reported after %v", took)
		}
		w.pass(time.Second)
		writes := w.api.written()
		w.pass(2 * time.Minute)
		if more := w.api.written() - writes; more > 0 {
			w.t.Errorf("%d reports of a backlog that stays", more)
		}
		w.publish(1, "a")
		w.untilBacklog(0, 4) // The last report is two minutes old.
		w.publish(1, "a")
		w.pass(10 * time.Second)
		if slices.Equal(w.api.backlog(), []int64{0, 5}) {
			w.t.Error("a backlog that is somewhat larger is reported at once")
		}
		w.untilBacklog(0, 5)
		w.publish(1, "a", "a", "a", "a", "a")
		began = time.Now()
		w.untilBacklog(0, 10)
		if took := time.Since(began); took > 10*time.Second {
			w.t.Errorf("that it doubled was reported after %v", took)
		}
		w.broker.Fail(brokertest.Fault{Operation: brokertest.Sample, Times: 2})
		w.publish(1, "a", "a", "a", "a", "a", "a", "a", "a", "a", "a")
		w.untilBacklog(0, 20)
		spec.Revision, spec.Sample = 2, false
		w.api.spec(spec)
		w.untilBacklog()
	})
}

func TestAWorkerThatIsNotAskedCountsNothing(t *testing.T) {
	story(t, 2, func(w *world) {
		w.start()
		w.grant(1, 1, 0)
		w.untilStates("0:Running")
		w.publish(1, "a")
		w.pass(time.Minute)
		if w.api.backlog() != nil || w.broker.Calls(brokertest.Sample) > 0 {
			w.t.Errorf("it counts %v", w.api.backlog())
		}
	})
}
