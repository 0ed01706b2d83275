// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package faults

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"convoy.dev/convoy/api/v1alpha1"
	"convoy.dev/convoy/hack/faults/proxy"
	"convoy.dev/convoy/worker/drain"
)

// A worker that stood still while it was told to give a message up goes on as if nothing had been. By then the message has
// succeeded elsewhere. What it writes counts for nothing.
func TestAZombieDeadLetters(t *testing.T) {
	w := newWorld(t, v1alpha1.LanesNative)
	frozen, thawed := make(chan struct{}), make(chan struct{})
	var once atomic.Bool
	d := newDesk(t, nil)
	d.answer = func(at *place, m note) int {
		if m != (note{bad, 1}) || at != w.places[0] || !once.CompareAndSwap(false, true) {
			return http.StatusOK
		}
		at.worker.freeze()
		close(frozen)
		<-thawed
		return http.StatusBadRequest // Permanent: a dead letter.
	}
	zombie, other := w.pair(d, deadLetters)
	<-frozen
	taken := w.seize(zombie, other)
	// The call of the zombie is over by the contract when the quarantine is; the desk would take it for an overlap.
	d.forget(bad)
	w.sendNotes(others)
	w.until("the lanes run elsewhere", func() bool { return w.runs(other, taken...) && d.finished(1+others) })
	close(thawed)
	w.wake(zombie, other, taken)
	w.sendNotes(others)
	w.until("every message is completed", func() bool { return d.finished(1 + others + others) })
	for key := range keys {
		d.begunOnce(fmt.Sprintf("key-%d", key), 2, 1+2*others)
	}
	if letters := w.stored(deadStream, ">"); len(letters) > 0 {
		t.Errorf("dead letters %+v, of a message that succeeded", letters)
	}
}

// A worker stands still after it was told that a message fails for good: before the parking store has heard of it, or at
// some moment of parking it. Another one parks the key. When the first one goes on, nothing is parked twice or out of order,
// which shows when the key is released.
func TestAZombieParks(t *testing.T) {
	for name, c := range map[string]struct {
		laneType v1alpha1.LaneType
		// held says that what the zombie writes comes to the broker when its lanes run elsewhere.
		held bool
		// within is how long after the answer it stands still, at most.
		within time.Duration
	}{
		"late":           {v1alpha1.LanesNative, true, 200 * time.Millisecond},
		"at some moment": {v1alpha1.LanesRouted, false, 20 * time.Millisecond},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, c.laneType)
			decided := make(chan struct{})
			var once, mended atomic.Bool
			d := newDesk(t, nil)
			d.answer = func(at *place, m note) int {
				if m.Key != bad || mended.Load() {
					return http.StatusOK
				}
				if once.CompareAndSwap(false, true) {
					if c.held {
						at.network.Hold(proxy.Up)
					}
					close(decided)
				}
				return http.StatusBadRequest
			}
			zombie, other := w.pair(d, byKey)
			<-decided
			moment := rand.N(c.within)
			t.Logf("it stands still after %v", moment)
			w.pass(moment)
			zombie.worker.freeze()
			taken := w.seize(zombie, other)
			w.sendNotes(others)
			w.until("the key is parked elsewhere", func() bool { return len(w.parked()) >= 1+others && d.finishedBut(1+others, bad) })
			zombie.network.Heal()
			w.wake(zombie, other, taken)
			w.sendNotes(others)
			const all = 1 + 2*others
			w.until("what follows is parked, too", func() bool { return len(w.parked()) >= all && d.finishedBut(all, bad) })
			var want []note
			for sent := range all {
				want = append(want, note{bad, sent + 1})
			}
			if diff := cmp.Diff(want, w.parked()); diff != "" {
				t.Errorf("what is parked (-want +got):\n%s", diff)
			}
			mended.Store(true)
			zombie.action = &v1alpha1.ActionOrder{UID: "release", Type: v1alpha1.ActionRelease, KeysPerMinute: 600}
			w.tell(zombie)
			w.until("the key is run from the park", func() bool { return d.finished(all) && len(w.parked()) == 0 })
			d.begunOnce(bad, 2, all)
		})
	}
}

// pair makes two places with the settings changed, and gives the first all that there is, and a message of each key.
func (w *world) pair(d *desk, change func(*v1alpha1.WorkerSettings)) (first, second *place) {
	w.t.Helper()
	first, second = w.newPlace(0, change), w.newPlace(1, change)
	w.sendNotes(1)
	for _, p := range w.places {
		d.serve(p)
		p.worker.start()
	}
	w.grant(first, false, w.units()...)
	return first, second
}

// wake has a zombie go on. It lets go of what another one has, and gets that back.
func (w *world) wake(zombie, other *place, taken []drain.Unit) {
	w.t.Helper()
	zombie.worker.thaw()
	w.tell(zombie)
	w.until("the zombie lets go", func() bool { return w.released(zombie, taken) })
	w.move(other, zombie, taken...)
}

// parked are the messages in the parking store.
func (w *world) parked() []note {
	w.t.Helper()
	var notes []note
	for _, m := range w.stored(parkStream, "convoy.default.orders.parked.message.>") {
		notes = append(notes, m.note)
	}
	return notes
}
