// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package sim

import (
	"runtime"
	"sync"
)

// Many goes through the schedules of n seeds from the first one on, several at a time, each in one goroutine. Done is
// called after each, by one goroutine at a time, in any order; false stops.
func Many(first, n uint64, done func(Result) bool) {
	many(first, n, func() *faults { return &faults{} }, done)
}

func many(first, n uint64, f func() *faults, done func(Result) bool) {
	seeds := make(chan uint64) // unbuffered: a stop is heard at once
	results := make(chan Result)
	stop := make(chan struct{})
	var workers sync.WaitGroup
	for range runtime.GOMAXPROCS(0) {
		workers.Go(func() {
			for seed := range seeds {
				results <- run(seed, f())
			}
		})
	}
	go func() {
		defer close(seeds)
		for i := range n {
			select {
			case seeds <- first + i:
			case <-stop:
				return
			}
		}
	}()
	go func() {
		workers.Wait()
		close(results)
	}()
	stopped := false
	for r := range results {
		if !stopped && !done(r) {
			stopped = true
			close(stop)
		}
	}
}
