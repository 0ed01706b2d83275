// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package nats

import (
	"fmt"

	"convoy.dev/convoy/worker/order"
)

// chain is what one session of a router knows of the lane stream, and decides what a write is conditional on. It does no
// I/O.
//
// The stream has one writer at a time. A session begins with a record of its own, the term, which it appends on condition
// that nothing was appended since it looked where its predecessor had come to. Every message after that is conditional
// on two things: that it comes exactly at its place in the stream (expected last sequence), so that after one that was lost
// or refused none of its successors is taken; and that the session's term is the newest (expected last sequence of the
// term's subject). The first alone is no fence. A session that was superseded may have messages on their way that expect
// places which its successor's messages have yet to reach: the term at place 7 makes place 8 the next, and a late message of
// the old session that was to follow the one refused at 7 would be taken there.
type chain struct {
	// term is the place of the session's record in the stream.
	term uint64
	// next is the place of the message that is sent next, settled the one up to which everything was acknowledged.
	next, settled uint64
	// sent are the writes without an answer, oldest first.
	sent []write
	// routed is how far the shard is routed with everything that was sent, said how far a message of the stream says so. It
	// lags behind when messages were passed over.
	routed, said order.Sequence
}

// write is a number of messages that were sent as one. If whole is set they were taken together or not at all, and there is
// one answer for all of them; otherwise there is one for each.
type write struct {
	messages int
	whole    bool
}

// begin is the chain of a session whose record was appended at a place.
func begin(term uint64, routed order.Sequence) chain {
	return chain{term: term, next: term + 1, settled: term, routed: routed, said: routed}
}

// send notes that messages are sent, and returns the sequence that the first one expects to be the stream's last.
func (c *chain) send(w write, through order.Sequence) uint64 {
	last := c.next - 1
	c.next += uint64(w.messages)
	c.sent = append(c.sent, w)
	c.routed, c.said = through, through
	return last
}

// pass notes that the shard is routed up to a message that went nowhere.
func (c *chain) pass(through order.Sequence) { c.routed = through }

// errBrokenChain is about an answer that no message of this session can have.
var errBrokenChain = fmt.Errorf("an answer is out of turn")

// answer takes the place that an acknowledgement says. Answers come in the order of the messages. It returns how many
// messages are settled by it.
func (c *chain) answer(place uint64) (int, error) {
	if len(c.sent) == 0 {
		return 0, errBrokenChain
	}
	w := &c.sent[0]
	n := 1
	if w.whole {
		n = w.messages
	}
	if place != c.settled+uint64(n) {
		return 0, fmt.Errorf("%w: %d after %d", errBrokenChain, place, c.settled)
	}
	c.settled = place
	if w.messages -= n; w.messages == 0 {
		c.sent = append(c.sent[:0], c.sent[1:]...)
	}
	return n, nil
}
