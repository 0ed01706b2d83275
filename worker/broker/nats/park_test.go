// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package nats_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"convoy.dev/convoy/worker/broker"
	"convoy.dev/convoy/worker/broker/nats"
	"convoy.dev/convoy/worker/key"
	"convoy.dev/convoy/worker/order"
)

// parkStep is one operation of a parking store, and what LoadParked says of the key afterwards: nothing when Messages is 0.
type parkStep struct {
	do    func(context.Context, broker.Lane) error
	after broker.ParkedKey
}

// parkScript is the life of one parked key: two messages, a removal, a failure again, a third, the end, and parked anew.
func parkScript(name string) []parkStep {
	mark := broker.ParkedKey{Key: name, Reason: "Rejected", Attempts: 1, Since: time.Unix(1, 0).UTC()}
	again := mark
	again.Reason, again.Since = "AttemptsExhausted", time.Unix(2, 0).UTC()
	is := func(k broker.ParkedKey, last order.Sequence, messages int) broker.ParkedKey {
		k.Last, k.Messages = last, messages
		return k
	}
	marks := func(k broker.ParkedKey) func(context.Context, broker.Lane) error {
		return func(ctx context.Context, l broker.Lane) error { return l.MarkParked(ctx, k) }
	}
	parks := func(n order.Sequence) func(context.Context, broker.Lane) error {
		return func(ctx context.Context, l broker.Lane) error { return l.Park(ctx, name, parkable(n)) }
	}
	unparks := func(n order.Sequence, last bool) func(context.Context, broker.Lane) error {
		return func(ctx context.Context, l broker.Lane) error { return l.Unpark(ctx, name, n, last) }
	}
	return []parkStep{
		{marks(mark), broker.ParkedKey{}}, {parks(10), is(mark, 10, 1)}, {parks(20), is(mark, 20, 2)},
		{unparks(10, false), is(mark, 20, 1)}, {marks(again), is(again, 20, 1)}, {parks(30), is(again, 30, 2)},
		{unparks(30, false), broker.ParkedKey{}}, {unparks(30, true), broker.ParkedKey{}},
		{marks(mark), broker.ParkedKey{}}, {parks(40), is(mark, 40, 1)},
	}
}

// parkable is a message with that sequence.
func parkable(n order.Sequence) broker.Message {
	return broker.Message{
		Message:  key.Message{Subject: "orders.1", Data: []byte(fmt.Sprint(n)), Timestamp: time.Unix(int64(n), 0).UTC()},
		Sequence: n, Position: order.Position(n),
	}
}

// parker opens and loads lane 1 with its parking store, and returns what it says of one key.
func parker(t *testing.T, b *nats.Broker, epoch int64, name string) (broker.Lane, broker.ParkedKey) {
	t.Helper()
	lane, _ := owned(t, b, grant(1, epoch))
	var keys []broker.ParkedKey
	if err := insist(t, func(ctx context.Context) (err error) { keys, err = lane.LoadParked(ctx); return err }); err != nil {
		t.Fatalf("loading what is parked: %v", err)
	}
	for _, k := range keys {
		if k.Key == name {
			return lane, k
		}
	}
	return lane, broker.ParkedKey{}
}

// holds checks that a key's sub-lane has the messages that LoadParked says it has.
func holds(t *testing.T, lane broker.Lane, k broker.ParkedKey) {
	t.Helper()
	var got []order.Sequence
	for after := order.Sequence(0); len(got) < k.Messages; after = got[len(got)-1] {
		var part []broker.Message
		if err := insist(t, func(ctx context.Context) (err error) { part, err = lane.ReadParked(ctx, k.Key, after, 10); return err }); err != nil {
			t.Fatalf("reading what is parked: %v", err)
		}
		for _, m := range part {
			got = append(got, m.Sequence)
			if diff := cmp.Diff(parkable(m.Sequence), m, cmpopts.IgnoreFields(broker.Message{}, "Position")); diff != "" {
				t.Errorf("a message came back changed (-want +got):\n%s", diff)
			}
		}
	}
	if len(got) != k.Messages || k.Messages > 0 && got[len(got)-1] != k.Last {
		t.Errorf("%q has %v, and is said to have %d up to %d", k.Key, got, k.Messages, k.Last)
	}
}

// giveUp is how long an operation is waited for whose request or answer does not get through.
const giveUp = 300 * time.Millisecond

// play plays the script as far as it can be played, and returns how many steps were done.
func play(t *testing.T, lane broker.Lane, script []parkStep) int {
	t.Helper()
	for i, step := range script {
		ctx, cancel := context.WithTimeout(t.Context(), giveUp)
		err := step.do(ctx, lane)
		cancel()
		if err != nil {
			return i
		}
	}
	return len(script)
}

// TestParkingCutAnywhere cuts the life of a parked key at each request and at each answer. The next owner finds what was
// there before or after the operation that was cut; then what was kept arrives, and changes nothing.
func TestParkingCutAnywhere(t *testing.T) {
	for _, c := range []struct{ name, what string }{{"before a request", "PUB "}, {"before an answer", "MSG "}} {
		t.Run(c.name, func(t *testing.T) {
			j := begun(t)
			epoch := int64(0)
			for nth, done := 1, 0; done < len(parkScript("")); nth++ {
				name := fmt.Sprintf("key %d", nth)
				script := parkScript(name)
				p := proxied(t, j.address())
				epoch++
				a, _ := parker(t, claimed(t, j.settings(through(p))), epoch, name)
				l := p.link()
				shutting, to := &l.up, l.server
				if c.what == "MSG " {
					shutting, to = &l.down, l.client
				}
				shutting.closeBefore(c.what, nth)
				done = play(t, a, script)
				epoch++
				b, got := parker(t, claimed(t, j.settings()), epoch, name)
				before := broker.ParkedKey{}
				if done > 0 {
					before = script[done-1].after
				}
				if !cmp.Equal(got, before) && !cmp.Equal(got, script[min(done, len(script)-1)].after) {
					t.Errorf("cut at %d, after %d steps: the next owner finds %+v", nth, done, got)
				}
				holds(t, b, got)
				if err := shutting.release(to); err != nil {
					t.Fatal(err)
				}
				confirmed(t, j)
				epoch++
				if _, now := parker(t, claimed(t, j.settings()), epoch, name); !cmp.Equal(now, got) {
					t.Errorf("cut at %d: what was kept came through: %+v became %+v", nth, got, now)
				}
			}
		})
	}
}

// TestParkingCutAndResumed cuts in the same way, and the owner goes on through a new connection. What was kept arrives at
// the very end.
func TestParkingCutAndResumed(t *testing.T) {
	j := begun(t)
	epoch := int64(0)
	for nth, done := 1, 0; done < len(parkScript("")); nth++ {
		name := fmt.Sprintf("key %d", nth)
		script := parkScript(name)
		p := proxied(t, j.address())
		epoch++
		a, _ := parker(t, claimed(t, j.settings(through(p))), epoch, name)
		old := p.link()
		old.up.closeBefore("PUB ", nth)
		done = play(t, a, script)
		shut(t, old.client)
		for i, step := range script[done:] {
			if err := insist(t, func(ctx context.Context) error { return step.do(ctx, a) }); err != nil {
				t.Fatalf("cut at %d, step %d: %v", nth, done+i, err)
			}
		}
		if err := old.up.release(old.server); err != nil {
			t.Fatal(err)
		}
		confirmed(t, j)
		epoch++
		b, got := parker(t, claimed(t, j.settings()), epoch, name)
		if want := script[len(script)-1].after; !cmp.Equal(got, want) {
			t.Errorf("cut at %d, after %d steps: the end is %+v, want %+v", nth, done, got, want)
		}
		holds(t, b, got)
	}
}
