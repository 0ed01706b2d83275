// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package run

import "sync"

// inbox is how other goroutines reach the loop: they post what it is to do. Posting never blocks, so that no goroutine
// and the loop can wait for each other. What can be in it is bounded by what is under way: one answer for each call, store
// operation and request, and one batch for each lane's reader, which then waits for room.
type inbox struct {
	lock  sync.Mutex
	turns []func()
	// wake has room for one: the loop takes everything that was posted when it wakes.
	wake chan struct{}
}

func newInbox() *inbox { return &inbox{wake: make(chan struct{}, 1)} }

// post may be called by any goroutine, at any time; what is posted after the loop has ended is never done.
func (i *inbox) post(turn func()) {
	i.lock.Lock()
	i.turns = append(i.turns, turn)
	i.lock.Unlock()
	select {
	case i.wake <- struct{}{}:
	default:
	}
}

// take returns everything that was posted, in order. The space of empty is used for what comes next.
func (i *inbox) take(empty []func()) []func() {
	i.lock.Lock()
	defer i.lock.Unlock()
	taken := i.turns
	i.turns = empty[:0]
	return taken
}
