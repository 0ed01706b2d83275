// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package run

import (
	"sync"
	"time"
)

// Clock reads the time. It never goes back, and it counts while the machine is suspended: a worker that is resumed after
// an hour must not believe that the broker confirmed its lanes a second ago. Its readings are compared with each other
// alone.
type Clock func() time.Time

// guarded is a clock made of the two that every system has: of the monotonic one, which stands still during a suspension,
// and the wall clock, which may be set, what is ahead. A wall clock set ahead loses the hold for a moment, which is safe.
func guarded(now func() time.Time) Clock {
	origin := now()
	var lock sync.Mutex
	var last time.Duration
	return func() time.Time {
		at := now()
		elapsed := max(at.Sub(origin), at.Round(0).Sub(origin.Round(0)))
		lock.Lock()
		defer lock.Unlock()
		last = max(last, elapsed)
		return origin.Round(0).Add(last)
	}
}
