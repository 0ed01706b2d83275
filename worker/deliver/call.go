// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package deliver

import (
	"fmt"
	"time"

	"convoy.dev/convoy/worker/broker"
)

// Call is one message for the handler. It is only read.
type Call struct {
	// Key is the message's group key.
	Key  string
	Lane int32
	// Epoch is the lane's token as one number (drain.Token.Number).
	Epoch int64
	// Attempt is the number of this start of the message, from 1.
	Attempt uint32
	Message *broker.Message
}

// Kind is how a call ended.
type Kind uint8

const (
	// Done: the handler has completed the message.
	Done Kind = iota + 1
	// Failed: the handler has answered, and has not completed it.
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

// Outcome is what a call came to.
type Outcome struct {
	Kind Kind
	// Permanent says that trying again is useless. Of Failed alone.
	Permanent bool
	// RetryAfter is the shortest wait that the handler asked for; 0 when it did not. Of Failed alone.
	RetryAfter time.Duration
	// Sent is an instant, by Config.Now, by which the request was on its way: the handler's time is over Config.Timeout
	// later. Of TimedOut alone.
	Sent time.Time
	// Detail says in a few words what happened, for conditions and logs: it has nothing of the message. Empty when Done.
	Detail string
}
