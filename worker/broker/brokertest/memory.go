// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package brokertest

import (
	"fmt"
	"slices"
	"sync"
	"time"

	"convoy.dev/convoy/worker/broker"
	"convoy.dev/convoy/worker/drain"
	"convoy.dev/convoy/worker/key"
	"convoy.dev/convoy/worker/order"
)

// Memory is a broker in memory, as simple as the contract allows, for tests of what stands above a broker. All lanes
// share one numbering of positions, so that positions of a lane ascend with gaps, and a position is also a sequence. It
// keeps what a durable broker keeps: messages, claim, epoch records, progress, dead letters, parked messages; they outlive
// connections, and Stop. It is safe for concurrent use, starts no goroutine, and may live in a testing/synctest bubble.
type Memory struct {
	mu    sync.Mutex
	lanes []memoryLane
	last  order.Position
	claim *broker.Claim
	// rest says that the pool was found at rest, when the last message was that at restAt, and nothing was written for a lane
	// since. history counts the claims that took
	// the place of another one at rest, floor is the highest epoch before the last.
	rest    bool
	restAt  order.Position
	history int
	floor   int64
	// shard is the source of Routed lanes: its record, and its messages, whose positions are their sequences. cursor is the
	// sequence up to which they are routed, session the number of the newest call of Route.
	shard   memoryLane
	cursor  order.Sequence
	session int
	routed  bool
	limit   uint64
	letters []broker.DeadLetter
	faults  []Fault
	delays  [operations]time.Duration
	calls   [operations]int
	stopped bool
	// changed is closed and made anew at every change that a waiting reader has to see.
	changed chan struct{}
}

// memoryLane is what the broker knows of one lane.
type memoryLane struct {
	messages []broker.Message // ascending by position
	record   broker.Record
	// writer is the connection that wrote the record.
	writer *memoryBroker
	// damage is why the record cannot be read; nil when it can.
	damage error
	// end is the highest position that the lane ever had; retention does not lower it.
	end   order.Position
	saved Saved
	// loaded says that an owner has loaded the lane, and may have run messages since.
	loaded bool
	// parked is what is parked, by key.
	parked map[string]*memoryPark
}

// Saved is the progress record of one lane.
type Saved struct {
	Progress order.Progress
	// Token is the owner's that wrote it last; zero when nobody has.
	Token drain.Token
	// Final says that its owner had drained.
	Final bool
}

// NewMemory returns a broker with that many lanes, all empty.
func NewMemory(lanes int32) *Memory {
	return &Memory{lanes: make([]memoryLane, lanes), changed: make(chan struct{})}
}

// Publish appends a message to a lane and returns its position. A message without timestamp gets that of now. It works while
// the broker is stopped, too.
func (m *Memory) Publish(lane int32, message key.Message) order.Position {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.last++
	at := &m.lanes[lane]
	at.end = m.last
	if message.Timestamp.IsZero() {
		message.Timestamp = time.Now().UTC()
	}
	at.messages = append(at.messages, broker.Message{Message: message, Position: m.last, Sequence: order.Sequence(m.last)})
	m.wake()
	return m.last
}

// Trim removes every message up to the position, as a source's retention does.
func (m *Memory) Trim(through order.Position) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for i := range m.lanes {
		at := &m.lanes[i]
		at.messages = slices.DeleteFunc(at.messages, func(x broker.Message) bool { return x.Position <= through })
	}
}

// Stop makes the broker unreachable: everything fails as Retryable, readers included, until Start.
func (m *Memory) Stop() { m.setStopped(true) }

// Start ends what Stop began.
func (m *Memory) Start() { m.setStopped(false) }

func (m *Memory) setStopped(stopped bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.stopped = stopped
	m.wake()
}

// Saved is the progress record of the lane.
func (m *Memory) Saved(lane int32) Saved {
	m.mu.Lock()
	defer m.mu.Unlock()
	saved := m.lanes[lane].saved
	saved.Progress = clone(&saved.Progress)
	return saved
}

// Record is the epoch record of the lane.
func (m *Memory) Record(lane int32) broker.Record {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.lanes[lane].record
}

// SetRecord writes the epoch record of a lane without asking, as a worker that this test does not have would.
func (m *Memory) SetRecord(lane int32, record broker.Record) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.lanes[lane].record, m.lanes[lane].writer = record, nil
}

// Claimed is the claim that stands.
func (m *Memory) Claimed() broker.Claim {
	m.mu.Lock()
	defer m.mu.Unlock()
	return *m.claim
}

// SetClaim writes the claim without asking, as somebody would who deletes what the pool has in the broker.
func (m *Memory) SetClaim(claim broker.Claim) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.claim = &claim
}

// Damage makes the epoch record of a lane one that cannot be read; nil mends it.
func (m *Memory) Damage(lane int32, err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.lanes[lane].damage = err
}

// DeadLetters are the dead letters in the order in which they came.
func (m *Memory) DeadLetters() []broker.DeadLetter {
	m.mu.Lock()
	defer m.mu.Unlock()
	return slices.Clone(m.letters)
}

// wake lets waiting readers look again. The lock is held.
func (m *Memory) wake() {
	close(m.changed)
	m.changed = make(chan struct{})
}

// at finds a lane. The lock is held.
func (m *Memory) at(lane int32) (*memoryLane, error) {
	if lane < 0 || int(lane) >= len(m.lanes) {
		return nil, &broker.PermanentError{Err: fmt.Errorf("lane %d does not exist", lane), Mend: "grant lanes that the source has"}
	}
	return &m.lanes[lane], nil
}

// unit finds a lane, or the shard. The lock is held.
func (m *Memory) unit(u drain.Unit) (*memoryLane, error) {
	if u.Kind == drain.Lane {
		return m.at(u.Index)
	}
	if u.Index != 0 {
		return nil, &broker.PermanentError{Err: fmt.Errorf("shard %d does not exist", u.Index), Mend: "grant shards that the source has"}
	}
	return &m.shard, nil
}

// counts are the messages of each lane that are not completed. The lock is held.
func (m *Memory) counts() []int64 {
	counts := make([]int64, len(m.lanes))
	for i := range m.lanes {
		counts[i] = m.lanes[i].backlog()
	}
	return counts
}

func clone(p *order.Progress) order.Progress {
	copied := *p
	copied.Ranges = slices.Clone(p.Ranges)
	copied.Attempts = slices.Clone(p.Attempts)
	copied.Returned = slices.Clone(p.Returned)
	return copied
}
