// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package drain

import (
	"cmp"
	"iter"
	"time"
)

// Config is what a machine is made with.
type Config struct {
	// Fence is how long after its last confirmation at the broker a unit may start messages.
	Fence time.Duration
	// Barrier is how long after its start a process with a predecessor waits for that one's calls to be over:
	// delivery.timeoutSeconds, or 0 when the handler is known to have been restarted with the worker.
	Barrier time.Duration
	// Born is when the process started.
	Born time.Time
	// Predecessor says that another worker process has run in this pod, if the runner knows it.
	//
	// The status alone cannot tell: the object may have been deleted by hand and made again, empty. The runner
	// keeps a mark in the pod (a file that lives as long as the pod does), made before its first OpenUnit.
	Predecessor bool
	// Resigned says that the mark tells of a process that resigned. The runner makes it so before it writes a
	// report that resigns.
	Resigned bool
	// Protocol is what the worker speaks.
	Protocol Protocol
}

// Machine is the worker's side of the ownership protocol. It is owned by one goroutine.
type Machine struct {
	config Config
	// spec is the newest spec accepted; its revision never falls.
	spec Spec
	// wants has spec's grants by unit, unless the worker may hold nothing.
	wants map[Unit]Grant
	// units are by kind and index; nil when Closed.
	units [Shard + 1][]*unit
	// used has the last token that this process wrote, or tried to write, for each unit.
	used map[Unit]Token
	// former is the predecessor's report, while calls of its may be running: nothing it held is given back.
	former Report
	// incarnation is the one raised by this process, 0 before. target is the one being raised, 0 if none is.
	incarnation, target int64
	// confirmAt is when the broker is to be asked again.
	confirmAt time.Time
	// written is the report handed out last.
	written Report

	started     bool // the first live read is there
	barred      bool // an earlier process's calls may be running
	terminating bool // nothing is opened any more
	resigned    bool // and nothing is held: terminal
	exited      bool
}

// unit is one lane or shard that the worker has to do with.
type unit struct {
	grant Grant
	state HeldState
	// token is what was written to the epoch record, or is being written.
	token Token
	// confirmed is when the last request was sent that found the record to be this worker's.
	confirmed time.Time
	// until is when the quarantine of a forced grant ends, while Fencing.
	until time.Time
	// paused says that the runner was told of a lost hold.
	paused bool
	// floor is the broker's epoch, while Refused.
	floor int64
	// reopen says that the open waits for a higher incarnation.
	reopen bool
	// waits is the key that it waits for, while Draining.
	waits string
}

// New makes the machine of one worker process. Its first event is Started.
func New(c Config) *Machine {
	return &Machine{config: c, wants: map[Unit]Grant{}, used: map[Unit]Token{}}
}

// Step takes one event and appends what the runner is to do to out.
func (m *Machine) Step(now time.Time, e Event, out []Effect) []Effect {
	if m.exited {
		return out
	}
	out = m.take(now, e, out)
	if m.exited {
		return out
	}
	if m.terminating && len(m.wants) > 0 {
		out = m.settle(now, out)
	}
	return m.report(m.elapse(now, out))
}

func (m *Machine) take(now time.Time, e Event, out []Effect) []Effect {
	switch e := e.(type) {
	case Started:
		return m.start(now, e, out)
	case Seen:
		return m.accept(now, e.Spec, out)
	case Missing:
		return m.missing(now, out)
	case Waits:
		m.waits(e)
	case Raised:
		return m.raised(now, e.Incarnation, out)
	case Opened:
		return m.opened(now, e, out)
	case OpenRefused:
		return m.refused(now, e, out)
	case Confirmed:
		return m.confirm(now, e, out)
	case Superseded:
		return m.superseded(now, e, out)
	case Emptied:
		return m.emptied(now, e, out)
	case Written:
		return m.wrote(e, out)
	case Terminated:
		m.terminating = true
		return m.settle(now, out)
	case Replaced:
		return m.replaced(out)
	}
	return out
}

// start takes the first live read. What the predecessor had is kept until its calls can no longer run.
// Later reads are answers to a conflict over an incarnation: it is raised above what the object then has.
func (m *Machine) start(now time.Time, e Started, out []Effect) []Effect {
	if m.incarnation > 0 {
		if refused := m.target; refused > 0 {
			m.target = 0
			out = m.raise(max(refused, e.Report.Incarnation+1), out)
		}
		return m.accept(now, e.Spec, out)
	}
	m.started, m.target = true, 0
	m.former = e.Report
	m.resigned = e.Report.Resigned
	// Who has resigned holds nothing, so there is nothing to wait for; an object made again is told once more.
	m.terminating = m.terminating || m.config.Resigned
	m.barred = m.config.Barrier > 0 && !m.config.Resigned && (m.config.Predecessor || e.Report.Incarnation > 0)
	// An earlier process may have observed more than this spec: an object made again has its old report, and can be
	// written to by a controller of the past.
	if e.Spec.Revision >= max(m.spec.Revision, e.Report.Observed) {
		m.spec = e.Spec
	}
	if m.resigned {
		m.exited = true
		return append(out, Effect{Type: Exit})
	}
	return m.raise(e.Report.Incarnation+1, out)
}

// raise asks for an incarnation. A pod whose worker has started too often for a token's 16 bits resigns.
func (m *Machine) raise(incarnation int64, out []Effect) []Effect {
	if incarnation > MaxIncarnation {
		m.terminating = true
		m.incarnation = MaxIncarnation
		return out
	}
	if incarnation == m.target {
		return out
	}
	m.target = incarnation
	r := m.Report()
	r.Incarnation = incarnation
	m.written = r
	return append(out, Effect{Type: RaiseIncarnation, Report: r})
}

func (m *Machine) raised(now time.Time, incarnation int64, out []Effect) []Effect {
	if incarnation != m.target {
		return out
	}
	m.incarnation, m.target = incarnation, 0
	for id, u := range m.all() {
		if u.reopen && u.state == Opening {
			u.reopen = false
			out = m.open(now, id, u, out)
		}
	}
	return m.settle(now, out)
}

// accept takes a spec unless it is older than the newest one seen: a watch may show the past once more.
func (m *Machine) accept(now time.Time, s Spec, out []Effect) []Effect {
	if !m.started || s.Revision <= m.spec.Revision || s.Revision < m.former.Observed {
		return out
	}
	m.spec = s
	return m.settle(now, out)
}

// settle brings every unit towards what the spec wants.
func (m *Machine) settle(now time.Time, out []Effect) []Effect {
	if !m.started || m.barred || m.incarnation == 0 {
		return out
	}
	clear(m.wants)
	if !m.terminating {
		for _, g := range m.spec.Grants {
			m.wants[g.Unit] = g
		}
	}
	for id := range m.all() {
		out = m.settleUnit(now, id, out)
	}
	for _, g := range m.spec.Grants {
		if m.at(g.Unit) == nil {
			out = m.settleUnit(now, g.Unit, out)
		}
	}
	return out
}

// settleUnit gives up a grant that is no longer wanted and, once nothing is held of it, opens the one that is.
func (m *Machine) settleUnit(now time.Time, id Unit, out []Effect) []Effect {
	want, ok := m.wants[id]
	if u := m.at(id); u != nil {
		if ok && u.grant.Epoch >= want.Epoch {
			return out
		}
		return m.fire(now, id, unwanted, out)
	}
	if !ok {
		return out
	}
	m.put(id, &unit{grant: want})
	return m.fire(now, id, wanted, out)
}

func (m *Machine) emptied(now time.Time, e Emptied, out []Effect) []Effect {
	if u := m.at(e.Unit); u == nil || u.grant.Epoch != e.Epoch {
		return out
	}
	return m.fire(now, e.Unit, emptied, out)
}

// fire takes a unit through one transition, and on to the next grant when that has closed it.
func (m *Machine) fire(now time.Time, id Unit, t trigger, out []Effect) []Effect {
	u := m.at(id)
	next := u.state.on(t)
	if next == stay {
		return out
	}
	u.state = next.to
	switch next.do {
	case NoEffect:
	case OpenUnit:
		out = m.open(now, id, u, out)
	default:
		out = append(out, Effect{Type: next.do, Unit: id, Token: u.token})
	}
	if u.state == Closed {
		m.put(id, nil)
		return m.settleUnit(now, id, out)
	}
	return out
}

// put makes u the unit of this name, or ends it when u is nil.
func (m *Machine) put(id Unit, u *unit) {
	for int(id.Index) >= len(m.units[id.Kind]) {
		m.units[id.Kind] = append(m.units[id.Kind], nil)
	}
	m.units[id.Kind][id.Index] = u
}

// at is the unit of this name, or nil when it is Closed.
func (m *Machine) at(id Unit) *unit {
	units := m.units[id.Kind]
	if int(id.Index) >= len(units) {
		return nil
	}
	return units[id.Index]
}

// all are the units that are not Closed, by kind and index. The one at hand may change or end meanwhile.
func (m *Machine) all() iter.Seq2[Unit, *unit] {
	return func(yield func(Unit, *unit) bool) {
		for kind, units := range m.units {
			for index, u := range units {
				if u != nil && !yield(Unit{Kind(kind), int32(index)}, u) {
					return
				}
			}
		}
	}
}

// open asks for the epoch record. A process never opens one token twice: what is keyed by it, such as progress, would
// mix two sessions, and a late write of the first would count in the second. A lane is granted twice at one epoch
// when the table was lost while the lane drained.
//
// An epoch below one that it has written is refused here and now, as the broker would: it comes from a table that was put
// back, and no incarnation overcomes it.
func (m *Machine) open(now time.Time, id Unit, u *unit, out []Effect) []Effect {
	token := Token{u.grant.Epoch, m.incarnation}
	if written := m.used[id]; written.Epoch > token.Epoch {
		u.floor = written.Epoch
		return m.fire(now, id, superseded, out)
	}
	if !m.used[id].Less(token) {
		u.reopen = true
		return m.raise(max(m.target, m.incarnation+1), out)
	}
	m.used[id], u.token = token, token
	return append(out, Effect{Type: OpenUnit, Unit: id, Token: u.token})
}

func compareUnits(a, b Unit) int {
	return cmp.Or(cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.Index, b.Index))
}
