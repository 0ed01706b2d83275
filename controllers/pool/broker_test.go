// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package pool_test

import (
	"sync"

	"convoy.dev/convoy/worker/drain"
)

// broker keeps the epoch records, as every broker does: by compare-and-swap, never backwards.
type broker struct {
	mu      sync.Mutex
	records map[drain.Unit]record
}

type record struct {
	token  drain.Token
	worker string // the UID of the pod that wrote it
}

func newBroker() *broker { return &broker{records: map[drain.Unit]record{}} }

// open writes a record, or returns the one that stands in the way.
func (b *broker) open(unit drain.Unit, token drain.Token, worker string) (record, bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	was := b.records[unit]
	if !was.token.Less(token) || was.token.Epoch == token.Epoch && was.worker != worker {
		return was, false
	}
	b.records[unit] = record{token, worker}
	return record{}, true
}

func (b *broker) at(unit drain.Unit) record {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.records[unit]
}
