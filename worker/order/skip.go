// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package order

// Skip takes the next message of the lane as completed without a run: one that has no key and is durable where such
// messages go. It comes in lane order, as Message does, and returns false when the lane is not open, drains, or owes a
// message that was refused; nothing is recorded of it then.
func (s *Sequencer) Skip(number int32, at Position) bool {
	li := s.laneIndex(number)
	if li == 0 {
		return false
	}
	l := &s.lanes[li]
	if l.draining || (l.refused != 0 && at >= l.refused) {
		return false
	}
	if at <= l.ledger.taken {
		return true
	}
	l.ledger.completedBefore(at)
	l.ledger.skip(at)
	if l.careful != 0 && !l.passed && l.ledger.taken >= l.careful {
		s.forgetReturned(li)
	}
	return true
}
