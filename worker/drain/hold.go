// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package drain

import "time"

// MayStart says whether a message of the unit may start now. It is asked before every call: a hold that has run
// out is respected even when nothing else has noticed yet.
func (m *Machine) MayStart(id Unit, now time.Time) bool {
	u := m.at(id)
	return u != nil && u.state == Running && m.holds(u, now)
}

// Token is what the unit's calls and writes carry; zero when the worker has nothing to do with it.
func (m *Machine) Token(id Unit) Token {
	if u := m.at(id); u != nil {
		return u.token
	}
	return Token{}
}

func (m *Machine) holds(u *unit, now time.Time) bool {
	return now.Before(u.confirmed.Add(m.config.Fence))
}

func (m *Machine) opened(now time.Time, e Opened, out []Effect) []Effect {
	u := m.at(e.Unit)
	if u == nil || u.state != Opening || u.reopen || u.token != e.Token {
		return out
	}
	u.confirmed = e.Sent
	if !u.grant.Forced {
		return m.fire(now, e.Unit, opened, out)
	}
	u.until = now.Add(m.spec.Quarantine)
	return m.fire(now, e.Unit, openedForced, out)
}

// refused tells this worker's own earlier record, which a higher incarnation overcomes, from another's.
func (m *Machine) refused(now time.Time, e OpenRefused, out []Effect) []Effect {
	u := m.at(e.Unit)
	if u == nil || u.state != Opening || u.token != e.Token {
		return out
	}
	if !e.Own || e.Record.Epoch > e.Token.Epoch {
		u.floor = e.Record.Epoch
		return m.fire(now, e.Unit, superseded, out)
	}
	switch {
	case m.target > e.Record.Incarnation:
		u.reopen = true
		return out
	case m.incarnation > e.Record.Incarnation:
		return m.open(now, e.Unit, u, out)
	}
	u.reopen = true
	return m.settle(now, m.raise(e.Record.Incarnation+1, out))
}

func (m *Machine) superseded(now time.Time, e Superseded, out []Effect) []Effect {
	u := m.at(e.Unit)
	if u == nil || u.grant.Epoch != e.Epoch || e.Floor < e.Epoch {
		return out
	}
	u.floor = e.Floor
	// Whatever was confirmed before is confirmed no more: calls are cancelled at once.
	u.confirmed = time.Time{}
	return m.fire(now, e.Unit, superseded, out)
}

// confirm renews the hold of what the broker has confirmed, as of the instant at which it was asked.
func (m *Machine) confirm(now time.Time, e Confirmed, out []Effect) []Effect {
	for _, g := range e.Grants {
		u := m.at(g.Unit)
		if u == nil || u.grant.Epoch != g.Epoch || !e.Sent.After(u.confirmed) {
			continue
		}
		u.confirmed = e.Sent
		if u.paused && m.holds(u, now) {
			u.paused = false
			out = append(out, Effect{Type: ResumeUnit, Unit: g.Unit, Token: u.token})
		}
	}
	m.confirmAt = e.Sent.Add(m.config.Fence / 2)
	return out
}

// elapse does what time alone brings: the end of the barrier, of a quarantine, of a hold; the next confirmation.
func (m *Machine) elapse(now time.Time, out []Effect) []Effect {
	if m.barred && !now.Before(m.config.Born.Add(m.config.Barrier)) {
		m.barred = false
		out = m.settle(now, out)
	}
	for id, u := range m.all() {
		switch {
		case u.state == Fencing && !now.Before(u.until) && m.holds(u, now):
			out = m.fire(now, id, outlasted, out)
		case (u.state == Running || u.state == Draining) && !u.paused && !m.holds(u, now):
			u.paused = true
			out = append(out, Effect{Type: PauseUnit, Unit: id, Token: u.token})
		}
	}
	return m.ask(now, out)
}

// ask sends for a confirmation every half fence, and every quarter while there is no answer.
func (m *Machine) ask(now time.Time, out []Effect) []Effect {
	if now.Before(m.confirmAt) {
		return out
	}
	var grants []Grant
	for _, u := range m.all() {
		if u.confirmable() {
			grants = append(grants, u.grant)
		}
	}
	if grants == nil {
		return out
	}
	m.confirmAt = now.Add(m.config.Fence / 4)
	return append(out, Effect{Type: Confirm, Grants: grants})
}

// confirmable says that the unit's epoch record is this worker's, as far as it knows.
func (u *unit) confirmable() bool {
	return u.state == Fencing || u.state == Running || u.state == Draining
}

// Deadline is the next instant after now at which time alone changes something; zero if there is none.
func (m *Machine) Deadline(now time.Time) time.Time {
	var next time.Time
	sooner := func(t time.Time) {
		if t.After(now) && (next.IsZero() || t.Before(next)) {
			next = t
		}
	}
	if m.barred {
		sooner(m.config.Born.Add(m.config.Barrier))
	}
	for _, u := range m.all() {
		if u.state == Fencing {
			sooner(u.until)
		}
		if (u.state == Running || u.state == Draining) && !u.paused {
			sooner(u.confirmed.Add(m.config.Fence))
		}
		if u.confirmable() {
			sooner(m.confirmAt)
		}
	}
	return next
}
