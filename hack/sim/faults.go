// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package sim

import (
	"convoy.dev/convoy/controllers/pool/plan"
	"convoy.dev/convoy/worker/drain"
)

// faults are rules taken away, from the outside: what the code under test is given, or what it decides, is bent. The
// zero value bends nothing.
type faults struct {
	focus        func(*Settings) // not a fault: the kind of trouble that is wanted
	bendSettings func(*Settings)
	bendState    func(plan.State) plan.State
	bendPlan     func(plan.State, plan.Plan) plan.Plan
	bendDrain    func(*drain.Config)
	bendSpec     func(*postman, drain.Spec) drain.Spec
	bendRead     func(*postman, *version[mailbox]) *version[mailbox]

	blindReports  bool // reports are written whatever has been written meanwhile
	anyClaim      bool // a worker opens lanes whichever pool has the claim
	anyWorker     bool // an epoch record does not say whose it is
	headOfLine    bool // while a message is to be tried again nothing more of its lane is taken
	blindTables   bool // tables are written whatever has been written meanwhile
	blindGates    bool // serving gates are set whatever has become of the pod
	noHold        bool // calls are made though the hold has run out
	openAnything  bool // the broker takes any epoch record
	confirmAll    bool // the broker confirms whatever it is asked for
	anyPark       bool // the park is written though a newer epoch is in force
	unchainedPark bool // a late copy of a write to the park counts
	keyByEpoch    bool // progress is keyed by the lane's epoch alone
	noLastWord    bool // a lane is said to be empty before its progress is recorded
	timeoutFails  bool // a timed-out call counts as failed at once
	failedIsDone  bool // a call that failed is answered as if it had succeeded
}

func (f *faults) settings(s *Settings) {
	if f.focus != nil {
		f.focus(s)
	}
	if f.bendSettings != nil {
		f.bendSettings(s)
	}
}

func (f *faults) state(s plan.State) plan.State {
	if f.bendState != nil {
		return f.bendState(s)
	}
	return s
}

func (f *faults) plan(s plan.State, p plan.Plan) plan.Plan {
	if f.bendPlan != nil {
		return f.bendPlan(s, p)
	}
	return p
}

func (f *faults) drain(c drain.Config) drain.Config {
	if f.bendDrain != nil {
		f.bendDrain(&c)
	}
	return c
}

func (f *faults) seenSpec(p *postman, s drain.Spec) drain.Spec {
	if f.bendSpec != nil {
		return f.bendSpec(p, s)
	}
	return s
}

func (f *faults) firstRead(p *postman, v *version[mailbox]) *version[mailbox] {
	if f.bendRead != nil {
		return f.bendRead(p, v)
	}
	return v
}

func (f *faults) casTable(api *apiServer, rv int64, t ledger) error {
	if f.blindTables {
		api.tables.put(tableName, t)
		return nil
	}
	return api.tables.update(tableName, rv, t)
}

func (f *faults) casReport(w *World, on *version[mailbox], r drain.Report) error {
	live := w.api.mailboxes.get(on.name)
	switch {
	case live == nil:
		return errNotFound
	case live.rv != on.rv && !f.blindReports:
		return errConflict
	}
	w.check.reportWritten(on.name, live.obj.report, r)
	next := live.obj
	next.report = r
	w.api.mailboxes.put(on.name, next)
	return nil
}

// holdsUp says that a failing message stops its lane's reader.
func (f *faults) holdsUp(l *heldLane) bool { return f.headOfLine && len(l.failing) > 0 }

func (f *faults) progressKey(t drain.Token) int64 {
	if f.keyByEpoch {
		return t.Epoch
	}
	return t.Number()
}
