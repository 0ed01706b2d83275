// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package brokertest

import (
	"context"
	"errors"
	"slices"

	"github.com/google/go-cmp/cmp"

	"convoy.dev/convoy/worker/broker"
	"convoy.dev/convoy/worker/drain"
)

// fenced checks that an error is of kind Fenced.
func (s *suite) fenced(doing string, err error) {
	s.t.Helper()
	if err == nil || broker.KindOf(err) != broker.Fenced {
		s.t.Errorf("%s as an old epoch: %v, want Fenced", doing, err)
	}
}

// zombie lets an owner go on after the next one has opened the lane, at every station of that one.
func (s *suite) zombie() {
	s.Publish(s.t, 1, numbered(0, 30)...)
	a := s.own(1, 1)
	a.complete(a.read(10)...)
	a.flush(false)
	a.complete(a.read(10)...)
	b := s.opened(s.connect(), 1, 2)
	harm := func(when string) {
		s.fenced("flushing "+when, a.lane.Flush(s.t.Context(), a.progress(), false))
		s.fenced("draining "+when, a.lane.Flush(s.t.Context(), a.progress(), true))
		_, err := a.lane.Load(s.t.Context())
		s.fenced("loading "+when, err)
	}
	harm("before the new owner has loaded")
	b.load()
	if !b.opening.Crashed {
		s.t.Errorf("the zombie's last word counted: %+v", b.opening)
	}
	harm("after it has loaded")
	s.same("after the zombie's writes", data(b.read(20)), wants(10, 20))
	b.complete(b.taken...)
	b.flush(true)
	harm("after it has drained")
	if c := s.own(1, 3); c.opening.Crashed || c.opening.Progress.Outstanding != 0 {
		s.t.Errorf("the zombie changed what the new owner had written: %+v", c.opening)
	}
}

// zombieReturns lets the zombie do what clients do by habit: connect again, make its claim, and make its reader anew.
func (s *suite) zombieReturns() {
	s.Publish(s.t, 1, numbered(0, 20)...)
	a := s.own(1, 1)
	a.complete(a.read(5)...)
	a.flush(false)
	b := s.own(1, 2)
	connection := s.connect()
	_, err := connection.Open(s.t.Context(), grantOf(1, 1))
	s.refused(err, token(2), false)
	a.read(5) // To read is no write: it may.
	a.complete(a.taken...)
	s.fenced("flushing", a.lane.Flush(s.t.Context(), a.progress(), true))
	s.same("after the zombie read again", data(b.read(15)), wants(5, 15))
	b.complete(b.taken...)
	b.flush(false)
	if c := s.own(1, 3); c.opening.Progress.LowWater != b.progress().LowWater {
		s.t.Errorf("progress is %+v, want %+v", c.opening.Progress, b.progress())
	}
}

// refused checks that an open was refused, by which record.
func (s *suite) refused(err error, record drain.Token, own bool) {
	s.t.Helper()
	var refused *broker.RefusedError
	if !errors.As(err, &refused) {
		s.t.Errorf("opening: %v, want it refused by %v", err, record)
		return
	}
	if refused.Record != record || refused.Own != own {
		s.t.Errorf("refused by %v, own %v; want %v, own %v", refused.Record, refused.Own, record, own)
	}
}

func (s *suite) refusals() {
	connection := s.connect()
	open := func(epoch, incarnation int64, worker string) error {
		_, err := connection.Open(s.t.Context(), broker.Grant{Lane: 1, Token: drain.Token{Epoch: epoch, Incarnation: incarnation}, Worker: worker})
		return err
	}
	record := drain.Token{Epoch: 5, Incarnation: 3}
	opens := func(epoch, incarnation int64, worker string) {
		s.t.Helper()
		if err := open(epoch, incarnation, worker); err != nil {
			s.t.Fatalf("opening at %d.%d as %s: %v", epoch, incarnation, worker, err)
		}
	}
	opens(5, 3, "a")
	s.refused(open(5, 3, "a"), record, true)
	s.refused(open(5, 3, "a"), record, true) // That was an answer, and this is no retry.
	s.refused(open(5, 2, "a"), record, true)
	s.refused(open(4, 9, "a"), record, true)
	s.refused(open(5, 3, "b"), record, false)
	s.refused(open(5, 4, "b"), record, false)
	s.refused(open(4, 9, "b"), record, false)
	opens(5, 4, "a")
	s.refused(open(5, 3, "a"), drain.Token{Epoch: 5, Incarnation: 4}, true)
	opens(6, 1, "b")
	s.refused(open(5, 5, "a"), token(6), false)
	opens(1<<40, 1<<16-1, "a")
	s.refused(open(6, 2, "b"), drain.Token{Epoch: 1 << 40, Incarnation: 1<<16 - 1}, false)
}

func (s *suite) confirms() {
	connection, other := s.connect(), s.connect()
	var grants []broker.Grant
	for lane := range s.Lanes {
		s.opened(connection, lane, 1)
		grants = append(grants, grantOf(lane, 1))
	}
	confirm := func() []broker.Unconfirmed {
		var superseded []broker.Unconfirmed
		s.must("confirming", func(ctx context.Context) (err error) {
			superseded, err = connection.Confirm(ctx, grants)
			return err
		})
		slices.SortFunc(superseded, func(a, b broker.Unconfirmed) int { return int(a.Lane - b.Lane) })
		return superseded
	}
	if got := confirm(); len(got) > 0 {
		s.t.Errorf("nobody was superseded: %v", got)
	}
	s.opened(other, 0, 2)
	s.opened(other, 3, 8)
	want := []broker.Unconfirmed{{Lane: 0, Token: token(1), Record: token(2)}, {Lane: 3, Token: token(1), Record: token(8)}}
	if diff := cmp.Diff(want, confirm()); diff != "" {
		s.t.Errorf("superseded (-want +got):\n%s", diff)
	}
	grants = grants[1:2]
	if got := confirm(); len(got) > 0 {
		s.t.Errorf("lane 1 was not superseded: %v", got)
	}
	grants[0].Worker = "another"
	if got := confirm(); len(got) != 1 {
		s.t.Errorf("the same number of another worker was confirmed: %v", got)
	}
}

func (s *suite) confirmsNothing() {
	connection := s.connect()
	s.opened(connection, 1, 3)
	for _, grant := range []broker.Grant{grantOf(2, 1), grantOf(1, 4)} {
		s.doubts(connection, grant, grantOf(1, 3), grant)
	}
}

// damaged makes one lane's record one that cannot be read: the others' are confirmed, and it alone cannot be opened.
func (s *suite) damaged() {
	connection := s.connect()
	s.opened(connection, 0, 1)
	s.opened(connection, 1, 1)
	s.opened(connection, 2, 1)
	s.Damage(s.t, 1)
	s.doubts(connection, grantOf(1, 1), grantOf(0, 1), grantOf(1, 1), grantOf(2, 1))
	if _, err := connection.Open(s.t.Context(), grantOf(1, 2)); broker.KindOf(err) != broker.Permanent {
		s.t.Errorf("opening a lane whose record cannot be read: %v, want a Permanent error", err)
	}
	s.opened(connection, 0, 2)
}

// doubts checks that of some grants this one alone is not confirmed, and that nobody is said to have superseded it.
func (s *suite) doubts(connection broker.Connection, doubtful broker.Grant, all ...broker.Grant) {
	s.t.Helper()
	var unconfirmed []broker.Unconfirmed
	s.must("confirming", func(ctx context.Context) (err error) {
		unconfirmed, err = connection.Confirm(ctx, all)
		return err
	})
	if len(unconfirmed) != 1 || unconfirmed[0].Lane != doubtful.Lane || unconfirmed[0].Token != doubtful.Token ||
		broker.KindOf(unconfirmed[0].Err) != broker.Permanent {
		s.t.Errorf("not confirmed are %+v, want %+v alone, with a Permanent error", unconfirmed, doubtful)
	}
}
