// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package drain

import (
	"slices"
	"time"
	"unicode/utf8"
)

// Report is what the worker's status is to say now.
//
// While calls of an earlier process may be running it repeats what that one reported, and adds what the spec
// grants: the predecessor may have held it without having come to say so. Observed stays where it was, so that
// no revoke is answered by a process that does not know what still runs.
func (m *Machine) Report() Report {
	r := Report{
		Incarnation: max(m.incarnation, m.former.Incarnation),
		Protocol:    m.config.Protocol,
	}
	if m.barred || m.incarnation == 0 {
		r.Observed = m.former.Observed
		r.Held = m.inherited()
		return r
	}
	r.Observed = max(m.spec.Revision, m.former.Observed)
	r.Resigned = m.resigned
	for id, u := range m.all() {
		h := Held{Unit: id, Epoch: u.grant.Epoch, State: u.state}
		switch u.state {
		case Refused:
			h.Floor = u.floor
		case Draining:
			h.Waits = u.waits
		default:
		}
		r.Held = append(r.Held, h)
	}
	return r
}

// inherited is what an earlier process of this pod may hold.
func (m *Machine) inherited() []Held {
	if !m.barred {
		return slices.Clone(m.former.Held)
	}
	barred := map[Unit]int64{}
	for _, h := range m.former.Held {
		if h.State.Holds() {
			barred[h.Unit] = h.Epoch
		}
	}
	for _, g := range m.spec.Grants {
		barred[g.Unit] = max(barred[g.Unit], g.Epoch)
	}
	held := make([]Held, 0, len(barred))
	for id, epoch := range barred {
		held = append(held, Held{Unit: id, Epoch: epoch, State: Barred})
	}
	slices.SortFunc(held, func(a, b Held) int { return compareUnits(a.Unit, b.Unit) })
	return held
}

// report hands out the report when it says something new. A worker that is to go resigns once it holds nothing.
func (m *Machine) report(out []Effect) []Effect {
	if !m.started || m.incarnation == 0 {
		return out
	}
	if m.terminating && !m.barred && !m.resigned && !m.holdsAny() {
		m.resigned = true
	}
	r := m.Report()
	if m.target != 0 {
		r.Incarnation = m.written.Incarnation
	}
	if r.equal(m.written) {
		return out
	}
	m.written = r
	return append(out, Effect{Type: WriteReport, Report: r})
}

// wrote ends the process once the world knows that it has resigned.
func (m *Machine) wrote(e Written, out []Effect) []Effect {
	if !e.Report.Resigned || !m.resigned {
		return out
	}
	m.exited = true
	return append(out, Effect{Type: Exit})
}

// missing ends a process that is to go when there is no object to say so in, and it holds nothing. It need not have read
// its object before: then it has opened nothing, and nobody was told anything that would have to last.
func (m *Machine) missing(now time.Time, out []Effect) []Effect {
	if !m.terminating || m.holdsAny() || m.predecessorMayRun(now) {
		return out
	}
	m.exited = true
	return append(out, Effect{Type: Exit})
}

// predecessorMayRun says that calls of an earlier process may be running: while they are, the pod is not empty.
func (m *Machine) predecessorMayRun(now time.Time) bool {
	if m.started {
		return m.barred
	}
	return m.config.Predecessor && !m.config.Resigned && now.Before(m.config.Born.Add(m.config.Barrier))
}

// waits keeps what a drain waits for, cut to what a report carries.
func (m *Machine) waits(e Waits) {
	if u := m.at(e.Unit); u != nil && u.grant.Epoch == e.Epoch && u.state == Draining {
		u.waits = cut(e.Key, MaxWaits)
	}
}

// cut cuts a text to at most so many bytes, between two characters.
func cut(text string, most int) string {
	if len(text) <= most {
		return text
	}
	for most > 0 && !utf8.RuneStart(text[most]) {
		most--
	}
	return text[:most]
}

func (m *Machine) holdsAny() bool {
	for _, u := range m.all() {
		if u.state.Holds() {
			return true
		}
	}
	return false
}

// replaced ends a process whose pod has a newer one: everything it had is that one's to open again.
func (m *Machine) replaced(out []Effect) []Effect {
	for id, u := range m.all() {
		if u.state.Holds() {
			out = append(out, Effect{Type: AbortUnit, Unit: id, Token: u.token})
		}
	}
	m.units = [Shard + 1][]*unit{}
	m.exited = true
	return append(out, Effect{Type: Exit})
}

func (r Report) equal(s Report) bool {
	return r.Observed == s.Observed && r.Incarnation == s.Incarnation && r.Resigned == s.Resigned &&
		r.Protocol == s.Protocol && slices.Equal(r.Held, s.Held)
}
