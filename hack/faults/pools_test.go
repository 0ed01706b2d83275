// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package faults

import (
	"fmt"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"convoy.dev/convoy/api/v1alpha1"
	"convoy.dev/convoy/worker/drain"
)

// Pools of two names on one stream have each all of it. One that has the name of another one in another cluster is refused,
// and so is one that names another's lanes: they run nothing.
func TestPoolsOnOneStream(t *testing.T) {
	w := newWorld(t, v1alpha1.LanesRouted)
	var desks []*desk
	for number, change := range []func(*v1alpha1.WorkerSettings){
		func(*v1alpha1.WorkerSettings) {},
		func(s *v1alpha1.WorkerSettings) { s.Pool.Name, s.Pool.UID = "copies", "u2" },
		func(s *v1alpha1.WorkerSettings) { s.Cluster, s.Pool.UID = "d", "u3" },
		func(s *v1alpha1.WorkerSettings) {
			store := v1alpha1.NATSLaneStream("default", "orders")
			s.Pool.Name, s.Pool.UID, s.Lanes.Routed.Store = "thieves", "u4", &v1alpha1.LaneStore{Name: &store}
		},
	} {
		d := newDesk(t, func(*place, note) int { return http.StatusOK })
		desks = append(desks, d)
		d.serve(w.newPlace(number, byKey, change))
	}
	w.sendNotes(1)
	for _, p := range w.places[:2] {
		p.worker.start()
		w.grant(p, false, w.units()...)
	}
	w.until("both pools have all", func() bool { return desks[0].finished(1) && desks[1].finished(1) })
	namesake, thief := w.places[2], w.places[3]
	for _, p := range []*place{namesake, thief} {
		p.worker.start()
		w.grant(p, true, w.units()...)
	}
	w.refusesClaim(namesake, v1alpha1.ReasonHeldByAnother, "rename one of the two pools")
	w.refusesClaim(thief, v1alpha1.ReasonStoreUnfit, "name another stream in lanes.routed.store.name")
	w.sendNotes(others)
	w.until("both pools have all that came since", func() bool { return desks[0].finished(1+others) && desks[1].finished(1+others) })
	for number, want := range []int{1, 1, 0, 0} {
		for key := range keys {
			if name := fmt.Sprintf("key-%d", key); desks[number].calls(name, 1) != want {
				t.Errorf("%s has begun message 1 of %s %d times, want %d", w.places[number].name, name, desks[number].calls(name, 1), want)
			}
		}
	}
	for _, p := range []*place{namesake, thief} {
		for _, h := range w.report(p).Held {
			if h.State != drain.Opening {
				t.Errorf("%s has no claim and reports %+v", p.name, h)
			}
		}
	}
}

// A pool is deleted and made again while its lanes hold messages. With another key expression it is refused, since keys could
// change their lanes; with the same it goes on where the one before ended, above its epochs, and repeats nothing.
func TestAPoolMadeAgain(t *testing.T) {
	for _, laneType := range laneTypes {
		t.Run(string(laneType), func(t *testing.T) {
			w := newWorld(t, laneType)
			var mended atomic.Bool
			d := newDesk(t, func(_ *place, m note) int {
				if m.Key == bad && !mended.Load() {
					return http.StatusServiceUnavailable
				}
				return http.StatusOK
			})
			again := func(s *v1alpha1.WorkerSettings) { s.Pool.UID = "again" }
			otherwise := func(s *v1alpha1.WorkerSettings) { s.Key.Expression = "body.key + '-'" }
			before := w.newPlace(0, byKey, patient)
			d.serve(before)
			w.sendNotes(1)
			before.worker.start()
			w.grant(before, false, w.units()...)
			w.until("only the bad key is left", func() bool { return d.calls(bad, 1) > 0 && d.finishedBut(1, bad) })
			before.worker.stop()

			changed := w.newPlace(1, byKey, patient, again, otherwise)
			d.serve(changed)
			changed.worker.start()
			w.refusesClaim(changed, v1alpha1.ReasonFingerprintDiffers, "put back the source, key expression and lanes")
			changed.worker.stop()

			same := w.newPlace(2, byKey, patient, again)
			d.serve(same)
			same.worker.start()
			w.epochs = map[drain.Unit]int64{} // A new pool has a new table.
			w.grant(same, false, w.units()...)
			w.epochs = w.refused(same)
			w.revoke(same)
			w.grant(same, false, w.units()...)
			w.sendNotes(others)
			mended.Store(true)
			w.until("all is completed", func() bool { return d.finished(1 + others) })
			for key := range keys {
				if name := fmt.Sprintf("key-%d", key); name != bad {
					d.begunOnce(name, 1, 1+others)
				}
			}
			d.begunOnce(bad, 2, 1+others)
			same.worker.stop()
			if laneType == v1alpha1.LanesRouted {
				return // It is never known to be at rest.
			}

			next := w.newPlace(3, byKey, patient, again, otherwise)
			d.serve(next)
			next.worker.start()
			w.grant(next, false, w.units()...)
			w.sendNotes(1)
			w.until("a pool at rest is changed", func() bool { return d.finished(1 + others + 1) })
		})
	}
}

// patient has no message given up, because it fails more often than any does.
func patient(s *v1alpha1.WorkerSettings) {
	many, backoff := int32(1000), int32(100)
	s.Delivery.Retry = &v1alpha1.Retry{MaxAttempts: &many, InitialBackoffMilliseconds: &backoff, MaxBackoffMilliseconds: &backoff}
}

// refusesClaim waits until a worker says that it has no claim, and how that is mended.
func (w *world) refusesClaim(p *place, reason, mend string) {
	w.t.Helper()
	var said *metav1.Condition
	w.until("the claim is refused", func() bool {
		if status := w.object(p).Status; status != nil {
			said = meta.FindStatusCondition(status.Conditions, v1alpha1.ConditionSourceClaimed)
		}
		return said != nil && said.Status == metav1.ConditionFalse && said.Reason == reason
	})
	if !strings.Contains(said.Message, mend) {
		w.t.Errorf("it says %q, want the mend: %q", said.Message, mend)
	}
}
