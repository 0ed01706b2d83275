// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package drain

import (
	"testing"
	"time"

	"pgregory.net/rapid"
)

// TestUnderAnAdversary plays random events, true and false, early and late, against a machine and a second, simple
// account of what its runner and its broker would know.
func TestUnderAnAdversary(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w := newAccount(t)
		for range rapid.IntRange(1, 80).Draw(t, "events") {
			w.now = w.now.Add(time.Duration(rapid.IntRange(0, 4000).Draw(t, "ms")) * time.Millisecond)
			w.step(w.draw())
		}
		w.finish()
	})
}

// account is what the runner of one process knows: which units it runs, since when the broker has confirmed them.
type account struct {
	t      *rapid.T
	m      *Machine
	config Config
	now    time.Time
	spec   Spec // the newest sent
	// busy are units whose calls may be running: started, and neither emptied nor aborted.
	busy map[Unit]Token
	// asked are the opens sent, answered those that were first answered; confirmed is when a unit's current token was last found to be ours; until is the
	// end of a quarantine.
	asked, answered  map[Unit]Token
	confirmed, until map[Unit]time.Time
	forced           map[Unit]int64
	stopping         map[Unit]bool
	incarnation      int64
	report, former   Report
	exited           bool
}

const quarantine = 12 * time.Second

func newAccount(t *rapid.T) *account {
	c := Config{Fence: 6 * time.Second, Born: dawn, Protocol: Protocol{1, 1}}
	if rapid.Bool().Draw(t, "barrier") {
		c.Barrier = 9 * time.Second
	}
	w := &account{
		t: t, m: New(c), config: c, now: dawn,
		busy: map[Unit]Token{}, asked: map[Unit]Token{}, answered: map[Unit]Token{}, stopping: map[Unit]bool{},
		confirmed: map[Unit]time.Time{}, until: map[Unit]time.Time{}, forced: map[Unit]int64{},
	}
	w.former = Report{Incarnation: rapid.Int64Range(0, 2).Draw(t, "incarnation")}
	if w.former.Incarnation > 0 {
		w.former.Observed = 3
		w.former.Held = []Held{{Unit: Unit{Lane, 1}, Epoch: 2, State: Running}}
	}
	w.report = w.former
	w.spec = Spec{Revision: 4, Quarantine: quarantine}
	w.respec()
	w.step(Started{Spec: w.spec, Report: w.former})
	return w
}

// respec writes the next spec: each unit is granted at a new epoch, kept, or revoked.
func (w *account) respec() {
	old := map[Unit]Grant{}
	for _, g := range w.spec.Grants {
		old[g.Unit] = g
	}
	next := Spec{Revision: w.spec.Revision + 1, Quarantine: quarantine}
	for i := range int32(3) {
		id := Unit{Kind(i / 2), i % 2}
		g, had := old[id]
		switch rapid.IntRange(0, 3).Draw(w.t, "grant") {
		case 0:
			continue
		case 1:
			if had {
				next.Grants = append(next.Grants, g)
				continue
			}
		}
		forced := rapid.Bool().Draw(w.t, "forced")
		next.Grants = append(next.Grants, Grant{Unit: id, Epoch: next.Revision, Forced: forced})
		if forced {
			w.forced[id] = next.Revision
		}
	}
	w.spec = next
}

func (w *account) draw() Event {
	id := Unit{Kind(rapid.IntRange(0, 1).Draw(w.t, "kind")), int32(rapid.IntRange(0, 1).Draw(w.t, "index"))}
	switch rapid.IntRange(0, 11).Draw(w.t, "event") {
	case 0:
		w.respec()
		return Seen{w.spec}
	case 1: // the past once more, with grants of its own
		past := Spec{Revision: w.spec.Revision - 1, Grants: []Grant{{Unit: id, Epoch: 1}}}
		return Seen{past}
	case 2, 3:
		return Raised{w.report.Incarnation}
	case 4, 5:
		sent := w.now.Add(-time.Duration(rapid.IntRange(0, 7000).Draw(w.t, "ago")) * time.Millisecond)
		return Opened{id, w.asked[id], sent}
	case 6:
		record := Token{w.asked[id].Epoch + int64(rapid.IntRange(0, 1).Draw(w.t, "above")), w.incarnation}
		return OpenRefused{id, w.asked[id], record, rapid.Bool().Draw(w.t, "own")}
	case 7, 8:
		sent := w.now.Add(-time.Duration(rapid.IntRange(0, 7000).Draw(w.t, "ago")) * time.Millisecond)
		return Confirmed{sent, []Grant{{Unit: id, Epoch: w.asked[id].Epoch}}}
	case 9:
		if w.stopping[id] {
			return Emptied{id, w.busy[id].Epoch}
		}
		return Ticked{}
	case 10:
		if rapid.IntRange(0, 4).Draw(w.t, "rarely") == 0 {
			return Terminated{}
		}
		return Superseded{id, w.asked[id].Epoch, w.asked[id].Epoch + int64(rapid.IntRange(0, 2).Draw(w.t, "above"))}
	}
	return Ticked{}
}

// step tells the account, then the machine, then checks what comes out.
func (w *account) step(e Event) {
	switch e := e.(type) {
	case Opened:
		if w.asked[e.Unit] == e.Token && w.answered[e.Unit] != e.Token {
			w.answered[e.Unit] = e.Token
			w.confirmed[e.Unit] = e.Sent
			w.until[e.Unit] = w.now.Add(quarantine)
		}
	case Confirmed:
		if g := e.Grants[0]; e.Sent.After(w.confirmed[g.Unit]) {
			w.confirmed[g.Unit] = e.Sent
		}
	case Raised:
		w.incarnation = max(w.incarnation, e.Incarnation)
	case Emptied:
		delete(w.busy, e.Unit)
		delete(w.stopping, e.Unit)
	}
	for _, effect := range w.m.Step(w.now, e, nil) {
		w.take(effect)
	}
	w.check()
}

func (w *account) take(e Effect) {
	switch e.Type {
	case OpenUnit:
		if e.Token.Incarnation > w.incarnation || w.incarnation == 0 {
			w.t.Fatalf("%v is opened as %v before its incarnation is written (%d is)", e.Unit, e.Token, w.incarnation)
		}
		if w.former.Incarnation > 0 && w.now.Before(w.config.Born.Add(w.config.Barrier)) {
			w.t.Fatalf("%v is opened while calls of an earlier process may run", e.Unit)
		}
		if _, open := w.busy[e.Unit]; open {
			w.t.Fatalf("%v is opened while calls of its last grant may run", e.Unit)
		}
		w.asked[e.Unit] = e.Token
		delete(w.answered, e.Unit)
	case StartUnit:
		if w.forced[e.Unit] == e.Token.Epoch && w.now.Before(w.until[e.Unit]) {
			w.t.Fatalf("%v starts before its quarantine is over", e.Unit)
		}
		w.busy[e.Unit] = e.Token
	case StopUnit:
		w.stopping[e.Unit] = true
	case AbortUnit:
		delete(w.busy, e.Unit)
		delete(w.stopping, e.Unit)
	case RaiseIncarnation, WriteReport:
		w.said(e.Report)
	case Exit:
		w.exited = true
		if len(w.busy) > 0 {
			w.t.Fatalf("the process ends with %v running", w.busy)
		}
	default:
	}
}

// said checks a report against the last one and against what runs.
func (w *account) said(r Report) {
	if r.Observed < w.report.Observed || r.Incarnation < w.report.Incarnation {
		w.t.Fatalf("the report goes back: %+v after %+v", r, w.report)
	}
	held := map[Unit]bool{}
	for _, h := range r.Held {
		held[h.Unit] = h.State.Holds()
	}
	for id := range w.busy {
		if !held[id] {
			w.t.Fatalf("%v is reported as not held, and its calls may run", id)
		}
	}
	if w.now.Before(w.config.Born.Add(w.config.Barrier)) && r.Observed > w.former.Observed && w.former.Incarnation > 0 {
		w.t.Fatalf("a revoke is answered at %d while calls of an earlier process may run", r.Observed)
	}
	if r.Resigned && len(w.busy) > 0 {
		w.t.Fatalf("the worker resigns with %v running", w.busy)
	}
	w.report = r
}

func (w *account) check() {
	for i := range int32(4) {
		id := Unit{Kind(i / 2), i % 2}
		if !w.m.MayStart(id, w.now) {
			continue
		}
		if _, open := w.busy[id]; !open || w.stopping[id] {
			w.t.Fatalf("%v may start a message and is not started, or is stopping", id)
		}
		if !w.now.Before(w.confirmed[id].Add(w.config.Fence)) {
			w.t.Fatalf("%v may start a message %v after its last confirmation", id, w.now.Sub(w.confirmed[id]))
		}
		if w.m.MayStart(id, w.confirmed[id].Add(w.config.Fence)) {
			w.t.Fatalf("%v may start a message when the fence is over", id)
		}
	}
	if next := w.m.Deadline(w.now); !next.IsZero() && !next.After(w.now) {
		w.t.Fatalf("at %v the deadline is %v", w.now, next)
	}
}

// finish: told to end, with a runner and a broker that answer, every process ends.
func (w *account) finish() {
	w.step(Terminated{})
	for range 20 {
		if w.exited {
			return
		}
		w.now = w.now.Add(w.config.Barrier + time.Second)
		w.step(Raised{w.report.Incarnation})
		for id := range w.stopping {
			w.step(Emptied{id, w.busy[id].Epoch})
		}
		w.step(Written{w.report})
	}
	w.t.Fatalf("the process does not end: %+v", w.report)
}
