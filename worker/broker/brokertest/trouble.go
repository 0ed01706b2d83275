// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package brokertest

import (
	"context"
	"fmt"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"convoy.dev/convoy/worker/broker"
	"convoy.dev/convoy/worker/key"
)

// counts waits until the backlog is what it should be: a broker may count in a replica that lags for a moment.
func (s *suite) counts(when string, want ...int64) {
	s.t.Helper()
	connection := s.bare()
	lanes := make([]int64, s.Lanes)
	copy(lanes, want)
	var got broker.Backlog
	ctx, cancel := context.WithTimeout(s.t.Context(), patience/10)
	defer cancel()
	for {
		s.must("sampling", func(ctx context.Context) (err error) {
			got, err = connection.Sample(ctx)
			return err
		})
		if cmp.Equal(got.Lanes, lanes) {
			return
		}
		if !pause(ctx, 50*time.Millisecond) {
			s.t.Fatalf("backlog %s: %v, want %v", when, got.Lanes, lanes)
		}
	}
}

func (s *suite) backlog() {
	s.connect()
	s.counts("of an empty source")
	s.Publish(s.t, 0, key.Message{Data: []byte("0"), Headers: map[string][]string{"Status": {"204"}}})
	s.Publish(s.t, 0, numbered(1, 2)...)
	s.Publish(s.t, 1, numbered(0, 40)...)
	s.Publish(s.t, 0, numbered(3, 4)...)
	s.counts("of lanes that nobody opened", 7, 40)
	a := s.own(1, 1)
	s.counts("after the lane was opened", 7, 40)
	for i, message := range a.read(30) {
		if i != 0 && i != 7 && i != 29 {
			a.complete(message)
		}
	}
	a.flush(false)
	s.counts("with three messages left behind, of thirty", 7, 13)
	s.Publish(s.t, 1, numbered(40, 5)...)
	s.counts("with five more messages", 7, 18)
	a.complete(a.taken...)
	a.flush(true)
	s.counts("with thirty completed", 7, 15)
	b := s.own(1, 2)
	s.counts("in the hands of the next owner", 7, 15)
	b.complete(b.read(15)...)
	b.flush(false)
	c := s.own(0, 1)
	c.complete(c.read(7)...)
	c.flush(true)
	s.counts("with everything completed")
}

// restart takes the broker away in the middle of everything.
func (s *suite) restart() {
	const n = 200
	s.Publish(s.t, 1, numbered(0, n)...)
	a := s.own(1, 1)
	a.complete(a.read(n / 2)...)
	a.flush(false)
	ended := make(chan error, 1)
	go func() { ended <- s.insist(a.reading(2 * n)) }()
	s.Restart(s.t)
	s.Publish(s.t, 1, numbered(n, n)...)
	if err := <-ended; err != nil {
		s.t.Fatalf("reading across a restart: %v", err)
	}
	s.same("a reader across a restart", data(a.taken), wants(0, 2*n))
	a.complete(a.taken...)
	a.flush(false)
	s.must("confirming", func(ctx context.Context) error {
		superseded, err := s.connect().Confirm(ctx, []broker.Grant{grantOf(1, 1)})
		if len(superseded) > 0 {
			return &broker.PermanentError{Err: fmt.Errorf("superseded by %v", superseded[0].Record)}
		}
		return err
	})
	a.flush(true)
	s.counts("after the restart")
	_, err := s.connect().Open(s.t.Context(), grantOf(1, 1))
	s.refused(err, token(1), true)
	if b := s.own(1, 2); b.opening.Crashed || b.opening.Progress.LowWater != a.after {
		s.t.Errorf("after a restart the lane opens with %+v, want %d completed", b.opening, a.after)
	}
}

func (s *suite) deadLetters() {
	s.Publish(s.t, 1, key.Message{Data: []byte("bad"), Headers: map[string][]string{"Kind": {"order"}}}, key.Message{Data: []byte("worse")})
	a := s.own(1, 1)
	messages := a.read(2)
	want := []broker.DeadLetter{
		{Message: messages[0], Key: "k\n1", Reason: "it is bad", Attempts: 5},
		{Message: messages[1], Reason: "it has no key"},
	}
	for _, letter := range want {
		s.must("dead-lettering", func(ctx context.Context) error { return a.lane.DeadLetter(ctx, letter) })
	}
	a.complete(messages...)
	a.flush(false)
	s.Restart(s.t)
	looked := cmp.Options{
		cmpopts.IgnoreFields(broker.Message{}, "Position"), cmpopts.IgnoreFields(key.Message{}, "Headers", "Subject", "Timestamp", "Shard", "Key"),
	}
	got := s.Letters(s.t)
	if diff := cmp.Diff(want, got, looked); diff != "" {
		s.t.Errorf("dead letters (-want +got):\n%s", diff)
	}
	if len(got) > 0 && !cmp.Equal(got[0].Headers["Kind"], []string{"order"}) {
		s.t.Errorf("the headers of a dead letter are %v", got[0].Headers)
	}
}
