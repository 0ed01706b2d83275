// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package checker

// Reject names the keys whose messages the handler is to reject from now on, in place of those named before.
func (b *Book) Reject(keys ...string) { b.rejected = keys }

// Discard tells that a key's messages that are parked are about to be discarded. Once, the key may then go on behind messages
// that nobody has completed.
func (b *Book) Discard(key string) { b.key(key).discarding = true }

// next is the number of the message that follows at the key's epoch.
func (c *convoy) next() uint64 {
	number := c.cursor + 1
	for c.messages.at(number).discarded {
		number++
	}
	return number
}

// leaveOut takes the messages before a number for discarded. The order is where they have led it all the same.
func (b *Book) leaveOut(key *convoy, number uint64) {
	for ; key.done < number-1; key.done++ {
		key.messages.change(key.done+1, func(m *message) { m.discarded = true })
		b.counts.discarded++
	}
	key.cursor, key.discarding = key.done, false
	key.state = key.messages.at(key.done).state
}
