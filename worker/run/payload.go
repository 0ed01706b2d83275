// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package run

import (
	"time"

	"convoy.dev/convoy/worker/broker"
	"convoy.dev/convoy/worker/order"
)

// payloads has the messages that the sequencer knows by handles. Places are used again, so that a message costs no
// allocation beyond its own.
//
// The sequencer bounds the number of messages in memory, and this their size: what comes when the bodies have reached the
// limit is kept without its body, which is read again when the message's turn has come. So large messages of a key that
// cannot go on take no room from others, and no lane waits for room.
type payloads struct {
	places []payload
	free   []order.Payload
	// bytes is the size of the bodies, limit what it may reach.
	bytes, limit int
}

type payload struct {
	message broker.Message
	// absent says that the body is not there. gone says that the broker no longer had the message when it was read again:
	// it is completed without a call.
	absent, gone, used bool
}

// put takes a message and returns its handle, which is never 0.
func (p *payloads) put(m broker.Message, gone bool) order.Payload {
	kept := payload{message: m, gone: gone, used: true}
	if p.bytes+len(m.Data) > p.limit {
		kept.absent = true
		kept.message = broker.Message{Position: m.Position, Sequence: m.Sequence}
		kept.message.Timestamp = m.Timestamp
	}
	p.bytes += len(kept.message.Data)
	if n := len(p.free); n > 0 {
		at := p.free[n-1]
		p.free = p.free[:n-1]
		p.places[at-1] = kept
		return at
	}
	p.places = append(p.places, kept)
	return order.Payload(len(p.places))
}

// at lends the message of a handle.
func (p *payloads) at(handle order.Payload) *payload { return &p.places[handle-1] }

// drop gives a handle back; 0 is none.
func (p *payloads) drop(handle order.Payload) {
	if handle == 0 {
		return
	}
	at := p.at(handle)
	if !at.used {
		panic("run: a payload was handed back twice")
	}
	p.bytes -= len(at.message.Data)
	*at = payload{}
	p.free = append(p.free, handle)
}

// len counts the messages in memory.
func (p *payloads) len() int { return len(p.places) - len(p.free) }

// oldest is when the source took the oldest message in memory; zero if there is none.
func (p *payloads) oldest() (at time.Time) {
	for i := range p.places {
		if m := &p.places[i]; m.used && (at.IsZero() || m.message.Timestamp.Before(at)) {
			at = m.message.Timestamp
		}
	}
	return at
}
