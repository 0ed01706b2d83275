// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package brokertest

import (
	"context"
	"errors"
	"fmt"

	"convoy.dev/convoy/worker/broker"
)

// refusedClaim checks that a claim was refused, and why.
func (s *suite) refusedClaim(err error, other bool, held broker.Claim) {
	s.t.Helper()
	var refused *broker.ClaimError
	if !errors.As(err, &refused) {
		s.t.Errorf("claiming: %v, want it refused", err)
		return
	}
	if refused.Other != other || refused.Held != held || refused.Mend == "" || broker.KindOf(err) != broker.Permanent {
		s.t.Errorf("refused with %+v (%v); want other %v, held %+v, a mend, Permanent", refused, broker.KindOf(err), other, held)
	}
}

func (s *suite) claims() {
	connection := s.connect()
	s.must("claiming again", func(ctx context.Context) error { return connection.Claim(ctx, s.Claim) })
	s.must("claiming from elsewhere", func(ctx context.Context) error { return s.bare().Claim(ctx, s.Claim) })
	for _, change := range []func(*broker.Claim){
		func(c *broker.Claim) { c.Cluster += "2" },
		func(c *broker.Claim) { c.Name += "2" },
		func(c *broker.Claim) { c.Namespace += "2" },
		func(c *broker.Claim) { c.Name += "2"; c.Fingerprint += "2" },
	} {
		claim := s.Claim
		change(&claim)
		s.refusedClaim(s.bare().Claim(s.t.Context(), claim), true, s.Claim)
	}
	claim := s.Claim
	claim.Fingerprint += "2"
	s.refusedClaim(connection.Claim(s.t.Context(), claim), false, s.Claim)
	claim.UID += "2"
	s.refusedClaim(connection.Claim(s.t.Context(), claim), false, s.Claim)
	s.must("claiming after refusals", func(ctx context.Context) error { return connection.Claim(ctx, s.Claim) })
}

func (s *suite) claimRace() {
	const pools = 8
	ended := make(chan error, pools)
	for i := range pools {
		claim, connection := s.Claim, s.bare()
		claim.Cluster = fmt.Sprint("cluster-", i)
		go func() {
			ended <- s.insist(func(ctx context.Context) error { return connection.Claim(ctx, claim) })
		}()
	}
	won := 0
	for range pools {
		err := <-ended
		var refused *broker.ClaimError
		switch {
		case err == nil:
			won++
		case !errors.As(err, &refused) || !refused.Other:
			s.t.Errorf("claiming: %v", err)
		}
	}
	if won != 1 {
		s.t.Errorf("%d of %d pools have the claim", won, pools)
	}
}

func (s *suite) adopted() {
	s.Publish(s.t, 1, numbered(0, 10)...)
	a := s.own(1, 41)
	a.complete(a.read(6)...)
	a.flush(true)
	s.Claim.UID += "2"
	connection := s.connect()
	another := s.Claim
	another.Name += "2"
	s.refusedClaim(s.bare().Claim(s.t.Context(), another), true, s.Claim)
	_, err := connection.Open(s.t.Context(), grantOf(1, 1))
	s.refused(err, token(41), false)
	b := s.opened(connection, 1, 42)
	b.load()
	if b.opening.Crashed {
		s.t.Errorf("the pool made again opens with a crash: %+v", b.opening)
	}
	s.same("the pool made again", data(b.read(4)), wants(6, 4))
}
