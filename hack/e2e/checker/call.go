// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package checker

import (
	"fmt"
	"time"

	"convoy.dev/convoy/hack/e2e/shop"
)

// Call is one call of the handler.
type Call struct {
	// ID names the call within its process.
	ID uint64 `json:"id"`
	// Pod is the pod that the handler runs in.
	Pod string `json:"pod"`
	// Key, Lane, Epoch, Sequence and Attempt are what the worker said of the message.
	Key      string `json:"key"`
	Lane     int32  `json:"lane"`
	Epoch    uint64 `json:"epoch"`
	Sequence uint64 `json:"sequence"`
	Attempt  uint32 `json:"attempt"`
	// Event is the message itself.
	Event shop.Event `json:"event"`
}

// String names the call for people.
func (c Call) String() string {
	return fmt.Sprintf("%s #%d %s (lane %d, epoch %d.%d, sequence %d, attempt %d, in %s)", c.Key, c.Event.Number, c.Event.State,
		c.Lane, c.Epoch>>incarnationBits, c.Epoch&(1<<incarnationBits-1), c.Sequence, c.Attempt, c.Pod)
}

// incarnationBits is how many bits of an epoch, as a handler sees it, count the worker's processes.
const incarnationBits = 16

// Decision is the book's answer to a start.
type Decision struct {
	// State is where the order stands.
	State shop.State `json:"state,omitempty"`
	// Repeat says that the message is completed already: the handler need not do it again.
	Repeat bool `json:"repeat,omitempty"`
	// Reject says that the order is not taken as things are: the handler is to give the message up.
	Reject bool `json:"reject,omitempty"`
	// Refuse says that the call is one of the past, which the handler must not work on.
	Refuse bool `json:"refuse,omitempty"`
	// Ask names the process that is to be asked whether it lives, after which the caller calls Answer or Leave; "" for
	// none. Number is for Answer.
	Ask    string `json:"-"`
	Number uint64 `json:"-"`
}

// Outcome is how a call ended.
type Outcome string

const (
	// Done is success.
	Done Outcome = "Done"
	// Failed is a failure that the worker is to try again.
	Failed Outcome = "Failed"
	// Rejected is a failure for good.
	Rejected Outcome = "Rejected"
	// Impossible is an order's transition that its life does not have.
	Impossible Outcome = "Impossible"
)

// Rule is a rule that was broken.
type Rule string

// The rules, as the package says them.
const (
	RuleOverlap    Rule = "Overlap"
	RuleSkipped    Rule = "Skipped"
	RuleWentBack   Rule = "WentBack"
	RuleStale      Rule = "Stale"
	RuleTwoOwners  Rule = "TwoOwners"
	RuleMoved      Rule = "Moved"
	RuleImpossible Rule = "Impossible"
	RuleDiscarded  Rule = "Discarded"
	RuleLost       Rule = "Lost"
)

// Violation is one breach of a rule.
type Violation struct {
	Time  time.Time `json:"time"`
	Rule  Rule      `json:"rule"`
	Words string    `json:"words"`
}

// String is the violation for people.
func (v Violation) String() string { return fmt.Sprintf("%s: %s", v.Rule, v.Words) }
