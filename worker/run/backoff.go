// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package run

import (
	"context"
	"math/rand/v2"
	"time"
)

// backoff is the waits between attempts at one thing: they double from least to most, each drawn from its upper half, so
// that workers that failed together do not come back together.
type backoff struct {
	least, most time.Duration
	next        time.Duration
}

func (b *backoff) reset() { b.next = 0 }

func (b *backoff) draw() time.Duration {
	b.next = min(max(b.least, 2*b.next), b.most)
	return b.next/2 + rand.N(b.next/2+1)
}

// wait returns false when ctx ends first.
func (b *backoff) wait(ctx context.Context) bool {
	timer := time.NewTimer(b.draw())
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}
