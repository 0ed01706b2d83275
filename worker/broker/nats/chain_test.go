// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package nats_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"convoy.dev/convoy/api/v1alpha1"
	"convoy.dev/convoy/worker/broker"
	"convoy.dev/convoy/worker/broker/nats"
	"convoy.dev/convoy/worker/drain"
	"convoy.dev/convoy/worker/order"
)

func grant(lane int32, epoch int64) broker.Grant {
	return broker.Grant{Lane: lane, Token: drain.Token{Epoch: epoch, Incarnation: 1}, Worker: fmt.Sprintf("pod-%d", epoch)}
}

// through makes the settings go through a proxy.
func through(p *proxy) func(*v1alpha1.WorkerSettings) {
	return func(s *v1alpha1.WorkerSettings) { s.Source.NATS.Servers = []string{"nats://" + p.address()} }
}

// claimed returns a connection with the claim made.
func claimed(t *testing.T, s *v1alpha1.WorkerSettings) *nats.Broker {
	t.Helper()
	b := connect(t, s)
	if err := insist(t, func(ctx context.Context) error { return b.Claim(ctx, claim) }); err != nil {
		t.Fatalf("claiming: %v", err)
	}
	return b
}

// insist makes a call again while its error is Retryable.
func insist(t *testing.T, call func(context.Context) error) error {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	for {
		once, end := context.WithTimeout(ctx, patience/10)
		err := call(once)
		end()
		if err == nil || broker.KindOf(err) != broker.Retryable || ctx.Err() != nil {
			return err
		}
		wait(ctx, 20*time.Millisecond)
	}
}

// wait waits a little in a loop that waits for something.
func wait(ctx context.Context, d time.Duration) {
	ctx, cancel := context.WithTimeout(ctx, d)
	defer cancel()
	<-ctx.Done()
}

// owned opens and loads a lane.
func owned(t *testing.T, b *nats.Broker, g broker.Grant) (broker.Lane, order.Opening) {
	t.Helper()
	lane, err := b.Open(t.Context(), g)
	if err != nil {
		t.Fatalf("opening: %v", err)
	}
	opening, err := lane.Load(t.Context())
	if err != nil {
		t.Fatalf("loading: %v", err)
	}
	return lane, opening
}

func flush(t *testing.T, lane broker.Lane, low order.Position, final bool) {
	t.Helper()
	if err := insist(t, func(ctx context.Context) error {
		return lane.Flush(ctx, &order.Progress{LowWater: low, Taken: low}, final)
	}); err != nil {
		t.Fatalf("flushing %d: %v", low, err)
	}
}

// begun is a server with a source that has ten messages in lane 1.
func begun(t *testing.T) *jet {
	t.Helper()
	j := serve(t)
	js := j.admin(t)
	makeSource(t, js)
	for range 10 {
		publish(t, js, 1, messages("x")...)
	}
	return j
}

// TestAnswerLost loses the answer to a flush that was carried out. The next flush finds that out and goes on from there.
func TestAnswerLost(t *testing.T) {
	j := begun(t)
	p := proxied(t, j.address())
	b := claimed(t, j.settings(through(p)))
	lane, _ := owned(t, b, grant(1, 1))
	l := p.link()
	l.down.close()
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	if err := lane.Flush(ctx, &order.Progress{LowWater: 3, Taken: 3}, false); err == nil {
		t.Fatal("a flush without answer succeeds")
	}
	if err := l.down.release(l.client); err != nil {
		t.Fatal(err)
	}
	flush(t, lane, 4, true)
	if _, opening := owned(t, b, grant(1, 2)); opening.Crashed || opening.Progress.LowWater != 4 {
		t.Errorf("the next owner finds %+v", opening)
	}
}

// TestOpenAnswerLost loses the answer to one of the writes of an open that were carried out. The next attempt finds its own
// record and opens the lane; another process of the same pod, which asks for the same, is refused by it.
func TestOpenAnswerLost(t *testing.T) {
	for nth, write := range []string{"the epoch record", "the progress record"} {
		t.Run(write, func(t *testing.T) {
			j := begun(t)
			p := proxied(t, j.address())
			b := claimed(t, j.settings(through(p)))
			before, _ := owned(t, b, grant(1, 1))
			flush(t, before, 3, true)
			l := p.link()
			l.down.closeBefore(`{"stream":"`+stateStream+`"`, nth+1)
			ctx, cancel := context.WithCancel(t.Context())
			ended := make(chan error, 1)
			go func() {
				_, err := b.Open(ctx, grant(1, 2))
				ended <- err
			}()
			until(t, "the write is answered", func() bool { return l.down.keeps() })
			cancel()
			if err := <-ended; err == nil {
				t.Fatal("an open without answer succeeds")
			}
			if err := l.down.release(l.client); err != nil {
				t.Fatal(err)
			}
			refusedAsOwn(t, claimed(t, j.settings()), grant(1, 2))
			lane, opening := owned(t, b, grant(1, 2))
			if opening.Crashed || opening.Progress.LowWater != 3 {
				t.Errorf("the second attempt finds %+v", opening)
			}
			flush(t, lane, 4, true)
			refusedAsOwn(t, b, grant(1, 2))
		})
	}
}

// refusedAsOwn opens a lane of which this worker has the record already.
func refusedAsOwn(t *testing.T, b *nats.Broker, g broker.Grant) {
	t.Helper()
	_, err := b.Open(t.Context(), g)
	var refused *broker.RefusedError
	if !errors.As(err, &refused) || !refused.Own || refused.Record != g.Token {
		t.Errorf("opening again: %v, want it refused by its own record", err)
	}
}

// TestLateCopy keeps a flush on its way while its sender gives it up, connects anew and flushes more, to the end. When it
// arrives at last it must not count.
func TestLateCopy(t *testing.T) {
	j := begun(t)
	p := proxied(t, j.address())
	b := claimed(t, j.settings(through(p)))
	lane, _ := owned(t, b, grant(1, 1))
	old := p.link()
	old.up.close()
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	if err := lane.Flush(ctx, &order.Progress{LowWater: 3, Taken: 3}, false); err == nil {
		t.Fatal("a flush that is under way succeeds")
	}
	shut(t, old.client)
	flush(t, lane, 8, true)
	if err := old.up.release(old.server); err != nil {
		t.Fatal(err)
	}
	confirmed(t, j)
	if _, opening := owned(t, b, grant(1, 2)); opening.Crashed || opening.Progress.LowWater != 8 {
		t.Errorf("the late copy counted: the next owner finds %+v", opening)
	}
}

// confirmed waits until the server has carried out what was sent before: it answers a connection that is opened after.
func confirmed(t *testing.T, j *jet) {
	t.Helper()
	for range 3 {
		if err := claimed(t, j.settings()).Claim(t.Context(), claim); err != nil {
			t.Fatal(err)
		}
	}
}

// TestRequestEndsWithConnection loses the connection while requests wait for their answers: they fail at once, long before
// their own time is over.
func TestRequestEndsWithConnection(t *testing.T) {
	j := begun(t)
	p := proxied(t, j.address())
	b := claimed(t, j.settings(through(p)))
	lane, _ := owned(t, b, grant(1, 1))
	l := p.link()
	l.down.close()
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
	defer cancel()
	ended := make(chan error, 2)
	go func() { _, err := b.Confirm(ctx, []broker.Grant{grant(1, 1)}); ended <- err }()
	go func() { ended <- lane.Flush(ctx, &order.Progress{LowWater: 1}, false) }()
	until(t, "the server has answered", func() bool { return l.down.keeps() })
	shut(t, l.client)
	for range 2 {
		if err := <-ended; err == nil || broker.KindOf(err) != broker.Retryable || ctx.Err() != nil {
			t.Errorf("a request whose connection is lost: %v", err)
		}
	}
}

// TestClaimRequired opens a lane before the claim is made.
func TestClaimRequired(t *testing.T) {
	j := begun(t)
	if _, err := connect(t, j.settings()).Open(t.Context(), grant(1, 1)); err == nil {
		t.Error("a lane opens without claim")
	}
}

// TestOpenRace lets many owners open one lane at once. The highest of those that were opened owns it, alone.
func TestOpenRace(t *testing.T) {
	j := begun(t)
	const owners = 8
	type opened struct {
		epoch int64
		lane  broker.Lane
		err   error
	}
	all := make(chan opened, owners)
	for epoch := int64(1); epoch <= owners; epoch++ {
		b := claimed(t, j.settings())
		go func() {
			lane, err := b.Open(t.Context(), grant(1, epoch))
			all <- opened{epoch, lane, err}
		}()
	}
	got := map[int64]broker.Lane{}
	for range owners {
		o := <-all
		if o.err == nil {
			got[o.epoch] = o.lane
		} else if broker.KindOf(o.err) != broker.Fenced {
			t.Errorf("epoch %d: %v", o.epoch, o.err)
		}
	}
	for epoch, lane := range got {
		err := lane.Flush(t.Context(), &order.Progress{LowWater: order.Position(epoch)}, false)
		if (err == nil) != (epoch == owners) || err != nil && broker.KindOf(err) != broker.Fenced {
			t.Errorf("epoch %d of %d flushes: %v", epoch, owners, err)
		}
	}
}
