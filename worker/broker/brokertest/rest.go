// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package brokertest

import (
	"context"

	"convoy.dev/convoy/worker/broker"
)

// settles asks whether the pool is at rest.
func (s *suite) settles(connection broker.Connection, want bool, when string) {
	s.t.Helper()
	settled := false
	s.must("settling", func(ctx context.Context) (err error) {
		settled, err = connection.Settle(ctx)
		return err
	})
	if settled != want {
		s.t.Fatalf("%s the pool is at rest: %v, want %v", when, settled, want)
	}
}

// another is the pool's claim with another fingerprint.
func (s *suite) another() broker.Claim {
	claim := s.Claim
	claim.Fingerprint += "2"
	return claim
}

// refusesAnother checks that another fingerprint is refused.
func (s *suite) refusesAnother() {
	s.t.Helper()
	connection := s.bare()
	s.refusedClaim(s.insist(func(ctx context.Context) error { return connection.Claim(ctx, s.another()) }), false, s.Claim)
}

// rests is a check for pools that can be found at rest; of others it checks that they never are.
func rests(check func(*suite)) func(*suite) {
	return func(s *suite) {
		connection := s.connect()
		if connection.Capabilities().Rests {
			check(s)
			return
		}
		s.settles(connection, false, "before anything, for a pool that never rests,")
		s.refusesAnother()
	}
}

// notAtRest tries every station of a lane in which the pool is not at rest.
func (s *suite) notAtRest() {
	connection := s.connect()
	s.settles(connection, true, "before anything")
	s.Publish(s.t, 1, numbered(0, 4)...)
	s.settles(connection, false, "with messages that nobody has read")
	a := s.own(1, 1)
	a.complete(a.read(3)...)
	a.flush(false)
	s.settles(connection, false, "while a lane runs")
	a.flush(true)
	s.settles(connection, false, "with a message that nobody has started")
	b := s.own(1, 2)
	b.read(1)
	b.flush(true)
	s.settles(connection, false, "with a message that was given back")
	c := s.own(1, 3)
	c.complete(c.read(1)...)
	c.flush(false)
	s.settles(connection, false, "while a lane runs that is empty")
	s.refusesAnother()
	d := s.own(1, 4) // c has crashed.
	s.settles(connection, false, "after a crash")
	d.flush(true)
	s.settles(connection, true, "when all is completed and drained")
	s.parkAndRelease(connection)
	s.opened(connection, 2, 9).load()
	s.settles(connection, false, "while another lane runs")
	s.refusesAnother()
}

// parkAndRelease completes a message that is parked first.
func (s *suite) parkAndRelease(connection broker.Connection) {
	s.t.Helper()
	s.Publish(s.t, 3, numbered(0, 1)...)
	a := s.own(3, 1)
	s.must("loading what is parked", func(ctx context.Context) error { _, err := a.lane.LoadParked(ctx); return err })
	s.must("marking", func(ctx context.Context) error {
		return a.lane.MarkParked(ctx, broker.ParkedKey{Key: "k", Reason: "Failed"})
	})
	message := a.read(1)[0]
	s.must("parking", func(ctx context.Context) error { return a.lane.Park(ctx, "k", message) })
	a.complete(message)
	a.flush(true)
	s.settles(connection, false, "with a key parked")
	b := s.own(3, 2)
	s.must("loading what is parked", func(ctx context.Context) error { _, err := b.lane.LoadParked(ctx); return err })
	s.must("removing what was parked", func(ctx context.Context) error { return b.lane.Unpark(ctx, "k", message.Sequence, true) })
	b.flush(true)
	s.settles(connection, true, "when nothing is parked any more")
}

// anotherHistory lets a claim with another fingerprint take the place of one at rest.
func (s *suite) anotherHistory() {
	s.Publish(s.t, 1, numbered(0, 5)...)
	s.Publish(s.t, 2, numbered(100, 5)...)
	for lane, epoch := range map[int32]int64{1: 3, 2: 8} {
		a := s.own(lane, epoch)
		a.complete(a.read(5)...)
		a.flush(true)
	}
	s.settles(s.connect(), true, "when both lanes have drained")
	s.Publish(s.t, 1, numbered(5, 2)...) // After the note: the next history's.
	old := s.Claim
	s.Claim = s.another()
	connection := s.connect()
	late := s.bare()
	s.refusedClaim(s.insist(func(ctx context.Context) error { return late.Claim(ctx, old) }), false, s.Claim)
	for _, lane := range []int32{0, 1, 2} {
		_, err := connection.Open(s.t.Context(), grantOf(lane, 8))
		s.refused(err, floor(8), false)
	}
	s.Publish(s.t, 3, numbered(300, 1)...)
	for lane, want := range map[int32][]string{1: wants(5, 2), 2: nil, 3: wants(300, 1)} {
		b := s.opened(connection, lane, 9)
		b.load()
		if b.opening.Crashed || len(b.opening.Progress.Ranges) > 0 || b.opening.Progress.Outstanding > 0 {
			s.t.Errorf("lane %d of the new history opens with progress of the old one: %+v", lane, b.opening)
		}
		s.same("the new history", data(b.read(len(want))), append([]string{}, want...))
		b.complete(b.taken...)
		b.flush(true)
	}
	s.settles(s.connect(), true, "when the new history's lanes have drained")
	s.Claim = old // And back again, which is a third history.
	c := s.own(1, 10)
	s.Publish(s.t, 1, numbered(7, 1)...)
	s.same("the third history", data(c.read(1)), wants(7, 1))
}

// lateOwner has a worker of the old history come back at the worst moments: it has opened a lane, or is about to.
func (s *suite) lateOwner() {
	s.Publish(s.t, 1, numbered(0, 3)...)
	connection := s.connect()
	a := s.own(1, 1)
	a.complete(a.read(3)...)
	a.flush(true)
	opened := s.opened(connection, 1, 2)
	s.settles(connection, true, "with a lane opened and not loaded")
	s.Claim = s.another()
	next := s.connect()
	_, err := opened.lane.Load(s.t.Context())
	s.fenced("loading under the claim before", err)
	_, err = connection.Open(s.t.Context(), grantOf(1, 3))
	s.refusedClaim(err, false, s.Claim)
	s.Publish(s.t, 1, numbered(3, 2)...)
	b := s.opened(next, 1, 4)
	b.load()
	if b.opening.Crashed {
		s.t.Errorf("the late owner counts: %+v", b.opening)
	}
	s.same("the new history", data(b.read(2)), wants(3, 2))
	b.complete(b.taken...)
	b.flush(true)
	s.settles(connection, false, "by the word of one who has other lanes")
	s.settles(next, true, "by the word of one who has these")
}

// loadedMeanwhile has a lane loaded after the pool was found at rest.
func (s *suite) loadedMeanwhile() {
	connection := s.connect()
	s.settles(connection, true, "before anything")
	a := s.own(1, 1)
	s.refusesAnother()
	s.Claim.UID += "2" // The pool is made again, and adopts what there is.
	s.connect()
	s.refusesAnother()
	a.flush(true)
	s.refusesAnother()
	s.settles(connection, true, "when it has drained")
	s.Claim = s.another()
	s.connect()
}
