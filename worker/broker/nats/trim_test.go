// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package nats_test

import (
	"context"
	"errors"
	"testing"

	"convoy.dev/convoy/worker/broker"
	"convoy.dev/convoy/worker/key"
	"convoy.dev/convoy/worker/order"
)

// An owner that has not read purges nothing, though its lane's progress says that all is completed.
func TestStoreFullOfCompletedMessages(t *testing.T) {
	j := serve(t)
	js := j.admin(t)
	makeSource(t, js)
	settings := j.settings(routed)
	settings.Lanes.Routed.Store.MaxBytes = new(int64(1 << 20))
	b := connect(t, settings)
	shard := shardOf(t, b, 1)
	messages := make([]key.Message, 60)
	for i := range messages {
		messages[i].Data = make([]byte, 32<<10)
	}
	send(t, js, source, messages...)

	left := len(messages)
	place := func(_ context.Context, messages []broker.Message, into []int32) ([]int32, error) {
		return append(into, make([]int32, len(messages))...), nil
	}
	lane, _ := owned(t, b, grant(0, 1))
	for round := 0; left > 0; round++ {
		ctx, enough := context.WithCancel(t.Context())
		err := shard.Route(ctx, broker.Routing{Place: place, Settled: func(n int) {
			if left -= n; left == 0 {
				enough()
			}
		}})
		enough()
		if left > 0 && (!errors.Is(err, broker.ErrStoreFull) || round == 10) {
			t.Fatalf("in round %d, with %d left to route: %v", round, left, err)
		}
		stream, err := js.Stream(t.Context(), laneStream)
		if err != nil {
			t.Fatal(err)
		}
		last := order.Position(stream.CachedInfo().State.LastSeq)
		if err := lane.Flush(t.Context(), &order.Progress{LowWater: last, Taken: last}, false); err != nil {
			t.Fatal(err)
		}
	}
}
