// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package bench

import (
	"fmt"
	"net/http"
	"sync/atomic"
	"testing"

	"convoy.dev/convoy/api/v1alpha1"
	"convoy.dev/convoy/hack/bench/plant"
)

const (
	// distinct is how many keys pass, each with one message; settled after how many of them the heap is held to be as large as it
	// gets.
	distinct, settled = 1_000_000, 200_000
	// ahead is how many messages are published and not handled, at most.
	ahead = 20_000
)

// BenchmarkDistinctKeys lets a million keys pass, and fails when the heap of worker and handler grows with them.
func BenchmarkDistinctKeys(b *testing.B) {
	var handled atomic.Int64
	p, err := plant.Start(b.Context(), plant.Config{
		Directory: b.TempDir(), Lanes: 16,
		Handler:  http.HandlerFunc(func(http.ResponseWriter, *http.Request) { handled.Add(1) }),
		Delivery: v1alpha1.Delivery{MaxInFlightKeys: new(int32(64))},
	})
	if err != nil {
		b.Fatal(err)
	}
	before, most := 0.0, 0.0
	for number := range distinct {
		if number%1000 == 0 {
			wait(b, "messages", func() bool { return handled.Load() >= int64(number-ahead) })
		}
		if number%100_000 == 0 {
			most = max(most, heap())
			if number == settled {
				before = most
			}
		}
		send(b, p, note{Key: fmt.Sprint("customer-", number)})
	}
	wait(b, "all messages", func() bool { return handled.Load() >= distinct })
	most = max(most, heap())
	if err := p.Stop(); err != nil {
		b.Error(err)
	}
	b.ReportMetric(float64(distinct)/b.Elapsed().Seconds(), "msg/s")
	b.ReportMetric(before, "heap-MB-settled")
	b.ReportMetric(most, "heap-MB-most")
	b.ReportMetric(0, "ns/op")
	if most > before+allowedMemory {
		b.Errorf("the heap has grown from %.1f MB after %d keys to %.1f MB", before, settled, most)
	}
}
