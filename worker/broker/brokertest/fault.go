// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package brokertest

import (
	"context"
	"errors"
	"slices"
	"time"
)

// Operation names a method of a broker.
type Operation uint8

// The operations, each the method of its name.
const (
	Claim Operation = iota
	Open
	Confirm
	Load
	Read
	Fetch
	Flush
	DeadLetter
	Sample
	Settle
	LoadParked
	MarkParked
	Park
	ReadParked
	Unpark
	// Route is one step of Route: taking over, or appending a batch; Measure the method of Shard.
	Route
	Measure
	operations
)

// ErrFault is the error of a fault that names none. It is Retryable.
var ErrFault = errors.New("a fault of the test")

// errStopped is what a stopped broker answers.
var errStopped = errors.New("the broker is stopped")

// Fault is trouble that a test makes: the next Times calls of an operation fail.
type Fault struct {
	Operation Operation
	// Times is how many calls fail; 0 means 1.
	Times int
	// Err is their error; nil means ErrFault.
	Err error
	// Late says that the operation is carried out and only its answer is lost. Read, Fetch and ReadParked know no such thing.
	Late bool
}

// Fail lets calls fail. Faults of one operation are used up in the order in which they were given.
func (m *Memory) Fail(fault Fault) {
	m.mu.Lock()
	defer m.mu.Unlock()
	fault.Times = max(fault.Times, 1)
	if fault.Err == nil {
		fault.Err = ErrFault
	}
	m.faults = append(m.faults, fault)
	m.wake()
}

// Delay lets every call of the operation wait so long before it is carried out.
func (m *Memory) Delay(operation Operation, by time.Duration) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.delays[operation] = by
}

// Calls counts the calls of the operation so far, failed ones included.
func (m *Memory) Calls(operation Operation) int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.calls[operation]
}

// call runs one operation with the lock held: after its delay, with its fault.
func (m *Memory) call(ctx context.Context, operation Operation, run func() error) error {
	if err := m.wait(ctx, operation); err != nil {
		return err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.stopped {
		return errStopped
	}
	fault, found := m.fault(operation)
	if found && !fault.Late {
		return fault.Err
	}
	if err := run(); err != nil {
		return err
	}
	return fault.Err
}

func (m *Memory) wait(ctx context.Context, operation Operation) error {
	m.mu.Lock()
	m.calls[operation]++
	delay := m.delays[operation]
	m.mu.Unlock()
	if delay == 0 {
		return ctx.Err()
	}
	timer := time.NewTimer(delay)
	defer timer.Stop()
	select {
	case <-timer.C:
		return ctx.Err()
	case <-ctx.Done():
		return ctx.Err()
	}
}

// fault takes the next fault of the operation. The lock is held.
func (m *Memory) fault(operation Operation) (Fault, bool) {
	for i := range m.faults {
		if m.faults[i].Operation != operation {
			continue
		}
		found := m.faults[i]
		if m.faults[i].Times--; m.faults[i].Times == 0 {
			m.faults = slices.Delete(m.faults, i, i+1)
		}
		return found, true
	}
	return Fault{}, false
}
