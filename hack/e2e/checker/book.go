// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package checker

import (
	"fmt"
	"slices"
	"time"

	"convoy.dev/convoy/hack/e2e/shop"
)

// maxViolations bounds what is kept word by word; a broken run breaks every rule at once.
const maxViolations = 1000

// Book is what was told. Its methods are called one after another.
type Book struct {
	// callTime is how long a call may run after its start.
	callTime time.Duration
	keys     map[string]*convoy
	// parked are the keys whose last call was rejected: what is not completed waits for a release.
	parked   map[*convoy]bool
	lanes    map[int32]*laneHistory
	running  map[callName]*running
	suspects []suspicion
	// rejected are the keys whose messages the handler is to reject.
	rejected []string
	// asked counts suspicions.
	asked uint64

	violations []Violation
	counts     counts
	pauses     []Pause
	phase      string
	// active is when a call of any lane last started or ended; still is the longest that none did, by phase.
	active time.Time
	still  map[string]time.Duration
}

// counts are the figures of a report.
type counts struct {
	published, completed, discarded, calls, replays, retries, rejections, violations int
	// reach is the longest time between the completion of a message and its lane's last completion before the message
	// came again.
	reach time.Duration
}

// convoy is what is known of one key.
type convoy struct {
	state shop.State
	// done is the number of the last message that was completed or discarded.
	done uint64
	// published is the number of the last message published.
	published uint64
	messages  messages
	// discarding says that the messages behind done may be discarded, once.
	discarding bool
	lane       int32
	// epoch is the highest that came, cursor the last number concluded at it; attempt and begun are of the last start behind
	// the message before that.
	epoch, cursor uint64
	attempt       uint32
	begun         time.Time
	call          *running
}

type callName struct {
	process string
	id      uint64
}

// running is a call that was started and not ended.
type running struct {
	Call
	process string
	since   time.Time
}

// NewBook makes an empty book. A call is over callTime after its start, whatever is told.
func NewBook(callTime time.Duration) *Book {
	return &Book{
		callTime: callTime,
		keys:     map[string]*convoy{}, parked: map[*convoy]bool{}, lanes: map[int32]*laneHistory{}, running: map[callName]*running{},
		still: map[string]time.Duration{},
	}
}

// Phase names what comes, for the pauses in it.
func (b *Book) Phase(name string) { b.phase = name }

// Publish tells of a message before it is published.
func (b *Book) Publish(event shop.Event, now time.Time) {
	key := b.key(event.Order)
	key.published = event.Number
	key.messages.change(event.Number, func(m *message) { m.published, m.state = now, event.State })
	b.counts.published++
}

// Start tells of a call before it begins.
func (b *Book) Start(process string, call Call, now time.Time) Decision {
	b.counts.calls++
	key := b.key(call.Key)
	r := &running{Call: call, process: process, since: now}
	b.running[callName{process, call.ID}] = r
	b.sameAsEver(key, call, now)
	if !b.current(r, now) {
		b.violate(now, RuleStale, "%v came after epoch %d of its lane", call, b.lane(call.Lane).epoch>>incarnationBits)
		return Decision{State: key.state, Refuse: true}
	}
	decision := b.overlap(key, r, now)
	key.call = r
	delete(b.parked, key)
	b.advance(key, call, now)
	decision.State = key.state
	decision.Repeat = call.Event.Number <= key.done
	decision.Reject = slices.Contains(b.rejected, call.Key)
	return decision
}

// advance checks a start against what its key has come to at its epoch.
func (b *Book) advance(key *convoy, call Call, now time.Time) {
	number := call.Event.Number
	if call.Epoch > key.epoch {
		key.epoch = call.Epoch
		key.cursor = min(number-1, key.done)
	}
	if number > key.next() && key.discarding && key.cursor == key.done {
		b.leaveOut(key, number)
	}
	next := key.next()
	switch {
	case key.messages.at(number).discarded:
		b.violate(now, RuleDiscarded, "%v started", call)
	case number > next:
		b.violate(now, RuleSkipped, "%v started while #%d was the last one completed", call, key.cursor)
	case number == next:
		key.attempt, key.begun = call.Attempt, now
	case number == key.cursor && b.unanswered(key, call, now):
		key.attempt, key.begun = call.Attempt, now
	default:
		b.violate(now, RuleWentBack, "%v started again, after #%d at the same epoch", call, key.cursor)
	}
	switch {
	case number <= key.done:
		b.counts.replays++
		b.counts.reach = max(b.counts.reach, b.reachOf(key, call))
	case call.Attempt > 1:
		b.counts.retries++
	}
}

// unanswered says whether the answer to a call that succeeded can have been lost. The next one then has a higher attempt;
// or the same one, if the worker counts none because nothing but failures comes back: but it waits for the call's time first.
// Half of it tells that from a repeat at once, whatever the news took on its way.
func (b *Book) unanswered(key *convoy, call Call, now time.Time) bool {
	return call.Attempt > key.attempt || call.Attempt == key.attempt && now.Sub(key.begun) > b.callTime/2
}

// End tells how a call ended, before the handler answers. It reports whether that counts: a call of the past changes
// nothing.
func (b *Book) End(process string, id uint64, outcome Outcome, now time.Time) bool {
	name := callName{process, id}
	r := b.running[name]
	if r == nil {
		return false
	}
	delete(b.running, name)
	key := b.key(r.Key)
	b.touch(r, now)
	if key.call != r {
		return false // It was refused, or is overtaken.
	}
	key.call = nil
	if outcome == Rejected {
		b.counts.rejections++
		b.parked[key] = true
	}
	if outcome == Failed || outcome == Rejected {
		return true
	}
	if outcome == Impossible {
		b.violate(now, RuleImpossible, "%v cannot follow %q", r.Call, key.state)
	}
	b.conclude(key, r, now)
	return true
}

func (b *Book) conclude(key *convoy, r *running, now time.Time) {
	number := r.Event.Number
	key.cursor = max(key.cursor, number)
	if number <= key.done {
		return
	}
	key.state = r.Event.State
	for ; key.done < number; key.done++ {
		key.messages.change(key.done+1, func(m *message) { m.completed = now })
	}
	key.messages.forget(key.done)
	b.counts.completed++
	b.lane(r.Lane).completed = now
}

// sameAsEver checks what never changes about a key and a message.
func (b *Book) sameAsEver(key *convoy, call Call, now time.Time) {
	if key.epoch > 0 && key.lane != call.Lane {
		b.violate(now, RuleMoved, "%v came from lane %d before", call, key.lane)
	}
	key.lane = call.Lane
	number := call.Event.Number
	before := key.messages.at(number).sequence
	if before != 0 && before != call.Sequence {
		b.violate(now, RuleMoved, "%v had sequence %d before", call, before)
	}
	if key.messages.at(number-1).sequence >= call.Sequence {
		b.violate(now, RuleMoved, "%v does not have a higher sequence than the message before it", call)
	}
	key.messages.change(number, func(m *message) { m.sequence = call.Sequence })
}

func (b *Book) key(name string) *convoy {
	key := b.keys[name]
	if key == nil {
		key = &convoy{}
		b.keys[name] = key
	}
	return key
}

func (b *Book) violate(now time.Time, rule Rule, format string, args ...any) {
	b.counts.violations++
	if len(b.violations) < maxViolations {
		b.violations = append(b.violations, Violation{Time: now, Rule: rule, Words: fmt.Sprintf(format, args...)})
	}
}
