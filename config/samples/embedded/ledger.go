// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync"

	"convoy.dev/convoy/worker"
)

// order is what is known of one order, and the newest delivery that it comes from: what is older came before, or comes from a
// worker that was superseded.
type order struct {
	state    string
	epoch    int64
	sequence uint64
}

// ledger keeps the state of orders. A real one is a table in a database, written with the epoch and the sequence in one
// transaction.
type ledger struct {
	lock   sync.Mutex
	orders map[string]order
}

// Handle books the order's new state. Calls of one order never overlap, those of different orders do.
func (l *ledger) Handle(_ context.Context, m *worker.Message) error {
	var event struct {
		State string `json:"state"`
	}
	if err := json.Unmarshal(m.Data, &event); err != nil || event.State == "" {
		return worker.Reject(errors.New("the message has no state"))
	}
	l.lock.Lock()
	defer l.lock.Unlock()
	known := l.orders[m.Key]
	switch {
	case m.Epoch < known.epoch:
		return fmt.Errorf("epoch %d comes after %d", m.Epoch, known.epoch)
	case m.Sequence <= known.sequence:
		return nil // It was booked, and the worker has not heard of it.
	}
	l.orders[m.Key] = order{event.State, m.Epoch, m.Sequence}
	return nil
}
