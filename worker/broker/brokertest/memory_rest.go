// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package brokertest

import "convoy.dev/convoy/worker/order"

// resting says that every lane that was ever loaded has drained, and that no message is left. The lock is held.
func (m *Memory) resting() bool {
	for i := range m.lanes {
		at := &m.lanes[i]
		if at.loaded && !at.saved.Final || at.backlog() > 0 || len(parkedIn(at)) > 0 {
			return false
		}
	}
	return true
}

// succeed begins another history behind what the one before has completed. The lock is held.
func (m *Memory) succeed() {
	m.history++
	m.rest = false
	for i := range m.lanes {
		at := &m.lanes[i]
		m.floor = max(m.floor, at.record.Token.Epoch)
		at.loaded = false
		at.saved = Saved{Progress: order.Progress{LowWater: m.restAt, Taken: m.restAt}}
	}
}

// backlog is how many messages of the lane are not completed. The lock is held.
func (at *memoryLane) backlog() int64 {
	left := int64(0)
	for _, message := range at.messages {
		if !at.saved.Progress.Covers(message.Position) {
			left++
		}
	}
	return left
}
