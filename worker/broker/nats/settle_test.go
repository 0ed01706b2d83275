// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package nats_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"

	"github.com/nats-io/nats.go/jetstream"

	"convoy.dev/convoy/api/v1alpha1"
	"convoy.dev/convoy/worker/broker"
	"convoy.dev/convoy/worker/broker/nats"
	"convoy.dev/convoy/worker/order"
)

// settled makes a pool that has completed everything in its lanes, and is noted to be at rest.
func settled(t *testing.T, j *jet, js jetstream.JetStream) {
	t.Helper()
	var last order.Position
	for lane := range int32(lanes) {
		at := publish(t, js, lane, messages("done", "done")...)
		last = at[len(at)-1]
	}
	b := claimed(t, j.settings())
	for number := range int32(lanes) {
		lane, _ := owned(t, b, grant(number, 7))
		flush(t, lane, last, true)
	}
	if rests, err := b.Settle(t.Context()); err != nil || !rests {
		t.Fatalf("settling: %v, %v", rests, err)
	}
}

// changed claims with another fingerprint.
func changed(t *testing.T, s *v1alpha1.WorkerSettings) *nats.Broker {
	t.Helper()
	b, c := connect(t, s), claim
	c.Fingerprint = "other"
	if err := b.Claim(t.Context(), c); err != nil {
		t.Fatalf("claiming at rest: %v", err)
	}
	return b
}

// TestLanesChangeInNumber has the same messages in other lanes: those that were completed are not in them.
func TestLanesChangeInNumber(t *testing.T) {
	for _, count := range []int32{2, 9} {
		t.Run(fmt.Sprint(count), func(t *testing.T) {
			j := serve(t)
			js := j.admin(t)
			makeSource(t, js)
			settled(t, j, js)
			publish(t, js, 1, messages("new")...)
			b := changed(t, j.settings(func(s *v1alpha1.WorkerSettings) { s.Lanes.Native.NATS.Count = count }))
			want := make([]int64, count)
			want[1] = 1
			sampled(t, b, want...)
			lane, opening := owned(t, b, grant(1, 8))
			if opening.Crashed || opening.Progress.LowWater != 2*lanes {
				t.Errorf("the lane opens with %+v", opening)
			}
			if got := readsBehind(t, lane, opening.Progress.LowWater, 1)[0]; string(got.Data) != "new" {
				t.Errorf("the lane begins with %q", got.Data)
			}
			var refused *broker.RefusedError
			if _, err := b.Open(t.Context(), grant(count-1, 7)); !errors.As(err, &refused) || refused.Record.Epoch != 7 {
				t.Errorf("a lane of the new history at an epoch of the old one: %v", err)
			}
		})
	}
}

// TestAnotherStream begins where startFrom says: positions of the stream before mean nothing in it.
func TestAnotherStream(t *testing.T) {
	j := serve(t)
	js := j.admin(t)
	makeSource(t, js)
	settled(t, j, js)
	makeSource(t, js, func(c *jetstream.StreamConfig) { c.Name, c.Subjects = "OTHER", []string{"other.>"} })
	publishTo(t, js, "other.1", messages("first")...)
	b := changed(t, j.settings(func(s *v1alpha1.WorkerSettings) {
		s.Source.NATS.Stream, s.Lanes.Native.NATS.Subjects = "OTHER", []string{"other.{lane}"}
	}))
	lane, opening := owned(t, b, grant(1, 8))
	if opening.Progress.LowWater != 0 {
		t.Errorf("the lane opens with %+v", opening)
	}
	begins(t, lane, "first")
}

// TestManyWorkersEndAtOnce and ask at the same time: each gets its answer.
func TestManyWorkersEndAtOnce(t *testing.T) {
	j := serve(t)
	js := j.admin(t)
	makeSource(t, js)
	settled(t, j, js)
	var asked sync.WaitGroup
	for range 6 {
		b := claimed(t, j.settings())
		asked.Go(func() {
			var rests bool
			if err := insist(t, func(ctx context.Context) (err error) { rests, err = b.Settle(ctx); return err }); err != nil || !rests {
				t.Errorf("settling: %v, %v", rests, err)
			}
		})
	}
	asked.Wait()
	changed(t, j.settings())
}

// TestLanesBecomeRouted has a router go on behind what the Native lanes have completed.
func TestLanesBecomeRouted(t *testing.T) {
	j := serve(t)
	js := j.admin(t)
	makeSource(t, js)
	settled(t, j, js)
	publish(t, js, 1, messages("new")...)
	b := changed(t, j.settings(routed))
	backlog, err := b.Sample(t.Context())
	if err != nil || len(backlog.Shards) != 1 || backlog.Shards[0] != 1 {
		t.Errorf("the backlog is %+v, %v; want one message to be routed", backlog, err)
	}
	if _, opening := owned(t, b, grant(1, 8)); opening.Crashed || opening.Progress.LowWater != 0 {
		t.Errorf("a lane opens with %+v, which is progress in the source", opening)
	}
}
