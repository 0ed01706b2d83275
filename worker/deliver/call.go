// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package deliver

import (
	"fmt"
	"time"

	"convoy.dev/convoy/worker/broker"
)

// Call is one message for the handler, or several consecutive ones of one key. It is only read.
type Call struct {
	// Key is the message's group key.
	Key  string
	Lane int32
	// Epoch is the lane's token as one number (drain.Token.Number).
	Epoch int64
	// Attempt is the number of this start of the first message, from 1. Those that follow are started for the first time.
	Attempt uint32
	Message *broker.Message
	// Rest are the messages that follow the first, in order.
	Rest []broker.Message
	// TraceParent and TraceState are the trace context of the call, in place of the message's own; "" where it has none.
	TraceParent, TraceState string
}

// Kind is how a call ended.
type Kind uint8

const (
	// Done: the handler has completed every message.
	Done Kind = iota + 1
	// Failed: the handler has answered, and has not completed all.
	Failed
	// TimedOut: there was no whole answer in time, the connection broke, or the call was cancelled. The handler may still be
	// working on it.
	TimedOut
	// Unsent: the handler was certainly not reached.
	Unsent
)

var kindNames = [...]string{Done: "Done", Failed: "Failed", TimedOut: "TimedOut", Unsent: "Unsent"}

// String is the kind's name.
func (k Kind) String() string {
	if int(k) >= len(kindNames) {
		return fmt.Sprintf("Kind(%d)", uint8(k))
	}
	return kindNames[k]
}

// Len is how many messages the call carries.
func (c *Call) Len() int { return 1 + len(c.Rest) }

// Outcome is what a call came to.
type Outcome struct {
	Kind Kind
	// Permanent says that trying again is useless. Of Failed alone.
	Permanent bool
	// Completed is how many of the call's messages, from the first on, are completed all the same. Of Failed alone, and fewer
	// than all.
	Completed int
	// RetryAfter is the shortest wait that the handler asked for; 0 when it did not. Of Failed alone.
	RetryAfter time.Duration
	// Sent is an instant, by Config.Now, by which the request was on its way: the handler's time is over Config.Timeout
	// later. Of TimedOut alone.
	Sent time.Time
	// Detail says in a few words what happened, for conditions and logs: it has nothing of the message. Empty when Done.
	Detail string
}
