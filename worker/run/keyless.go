// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package run

import (
	"errors"
	"fmt"

	"convoy.dev/convoy/api/v1alpha1"
	"convoy.dev/convoy/worker/broker"
	"convoy.dev/convoy/worker/key"
)

// keys is what this process has seen of the key expression. Until some message has given a key the expression itself is
// doubted, and nothing is dead-lettered for want of one: a wrong expression would otherwise empty a whole source into the
// dead letters. A lane stops at such a message, and goes on when a message of any lane, read ahead of its turn perhaps,
// has a key.
//
// What is doubted is the expression of a new claim: where one has routed anything before, some message had a key.
type keys struct {
	proven bool
	// without counts messages without a key while nothing is proven.
	without int
}

// met takes note of what was read.
func (w *Worker) met(batch []arrival) {
	if w.keys.proven {
		return
	}
	for i := range batch {
		if batch[i].noKey == nil {
			w.prove()
			return
		}
		w.keys.without++
	}
	if len(batch) > 0 {
		w.setCondition(v1alpha1.ConditionKeyExpressionValid, false, v1alpha1.ReasonGivesNoKey, fmt.Sprintf(
			"none of the first %d messages has a key, and nothing is dead-lettered before one has: %v", w.keys.without, batch[0].noKey))
	}
}

// prove notes that some message has had a key.
func (w *Worker) prove() {
	if !w.keys.proven {
		w.keys.proven = true
		w.setCondition(v1alpha1.ConditionKeyExpressionValid, true, v1alpha1.ReasonGivesKeys, "messages have keys")
	}
}

// pass deals with a message that has no key, the first one of its lane. It returns true when the lane may go on behind it.
//
// The lane waits for the dead letter, so that a message that follows is not recorded as taken before this one is durable
// where it went.
func (w *Worker) pass(l *heldLane, a *arrival) bool {
	switch {
	case l.feed.covered.Covers(a.message.Position):
		w.passed(l)
		return true
	case !w.keys.proven:
		return false
	case w.config.OnMissing == v1alpha1.MissingBlock:
		w.halt(v1alpha1.ConditionLaneBlocked, l, halt{v1alpha1.ReasonGivesNoKey, fmt.Sprintf("lane %d stops at the message at position %d, which has no key: %v",
			l.number, a.message.Position, a.noKey)})
		return false
	case l.feed.letter:
		return false
	}
	l.feed.letter = true
	w.enqueue(l, letter{
		letter: broker.DeadLetter{Message: a.message, Reason: noKeyReason(a.noKey)},
		done: func() {
			l.feed.letter = false
			w.metrics.messages.WithLabelValues(outcomeNoKey).Inc()
			w.passed(l)
		},
	})
	return false
}

// passed takes the message without a key that is the lane's first as completed.
func (w *Worker) passed(l *heldLane) {
	if l.feed.len() == 0 {
		return // the lane was stopped meanwhile
	}
	w.seq.Skip(l.number, l.feed.pending[l.feed.head].message.Position)
	w.soil(l)
	l.feed.pop()
}

// noKeyReason is the reason that a dead letter without a key carries.
func noKeyReason(err error) string {
	var none *key.NoKeyError
	if errors.As(err, &none) {
		return "NoKey" + string(none.Reason)
	}
	return "NoKey"
}
