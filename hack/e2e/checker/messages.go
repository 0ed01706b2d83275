// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package checker

import (
	"time"

	"convoy.dev/convoy/hack/e2e/shop"
)

// remembered is how many of a key's completed messages are kept, at least: what may come again, and some.
const remembered = 32

// message is what is known of one message.
type message struct {
	// sequence is 0 until it has come.
	sequence             uint64
	published, completed time.Time
	state                shop.State
	discarded            bool
}

// messages are those of one key by number, from 1. The first ones, which were completed long ago, are forgotten, so that a
// book takes memory for its keys and its backlog alone.
type messages struct {
	forgotten uint64
	recent    []message
}

// at is the message of a number; of one that was forgotten or is not known yet it is the zero message.
func (m *messages) at(number uint64) message {
	if number <= m.forgotten || number > m.forgotten+uint64(len(m.recent)) {
		return message{}
	}
	return m.recent[number-m.forgotten-1]
}

// change changes a message, and does nothing to one that was forgotten.
func (m *messages) change(number uint64, to func(*message)) {
	if number <= m.forgotten {
		return
	}
	for m.forgotten+uint64(len(m.recent)) < number {
		m.recent = append(m.recent, message{})
	}
	to(&m.recent[number-m.forgotten-1])
}

// forget drops what lies far enough before the last message completed, now and then.
func (m *messages) forget(done uint64) {
	if done < m.forgotten+2*remembered {
		return
	}
	gone := done - remembered - m.forgotten
	m.recent = append([]message(nil), m.recent[gone:]...)
	m.forgotten += gone
}
