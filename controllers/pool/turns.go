// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package pool

import (
	"sync"
	"time"

	"k8s.io/apimachinery/pkg/types"
)

const (
	// turnsAtOnce is how many pools may roll out at the same time what the operator, and not their user, has changed.
	turnsAtOnce = 3
	// turnLasts bounds how long a pool holds up others: a rollout that takes longer waits for something of its own.
	turnLasts = 10 * time.Minute
	// askForTurn is when a pool that waits asks again.
	askForTurn = 10 * time.Second
)

// turns lets pools roll out a few at a time what a new operator makes of them: another image of the worker, another
// container. All at once they would move every lane of the cluster at the same time.
type turns struct {
	mu    sync.Mutex
	until map[types.NamespacedName]time.Time
}

// take takes a turn for a pool, or says that others have them all.
func (t *turns) take(key types.NamespacedName, now time.Time) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.until == nil {
		t.until = map[types.NamespacedName]time.Time{}
	}
	for other, until := range t.until {
		if !now.Before(until) {
			delete(t.until, other)
		}
	}
	if _, has := t.until[key]; !has && len(t.until) >= turnsAtOnce {
		return false
	}
	t.until[key] = now.Add(turnLasts)
	return true
}

// giveBack ends a pool's turn, if it has one.
func (t *turns) giveBack(key types.NamespacedName) {
	t.mu.Lock()
	defer t.mu.Unlock()
	delete(t.until, key)
}
