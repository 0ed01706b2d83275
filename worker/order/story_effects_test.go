// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package order

import (
	"fmt"
	"slices"
	"strings"
)

// conclude answers a call.
func (s *story) conclude(command string, a *arguments) string {
	id, ok := s.calls[a.plain[0]]
	if !ok {
		return "there is no call " + a.plain[0]
	}
	switch command {
	case "done":
		ok = s.seq.Done(s.now, id)
	case "notstarted":
		ok = s.seq.NotStarted(id)
	case "timedout":
		ok = s.seq.TimedOut(s.now, id, s.now-Instant(a.number("ago")))
	default:
		ok = s.seq.Failed(s.now, id, Failure{Completed: a.number("completed"), Permanent: a.has("permanent"), RetryAfter: int64(a.number("after"))})
	}
	if !ok {
		return "too late"
	}
	return ""
}

// answer lets the store, or the broker, answer the oldest operation, or all of them.
func (s *story) answer(command string, lane int32, a *arguments) {
	if command == "flush" {
		var p Progress
		s.seq.Snapshot(lane, &p)
		s.seq.Flushed(lane, p.Version)
		return
	}
	queue := &s.pending
	if command == "read" {
		queue = &s.reads
	}
	n := min(1, len(*queue))
	if a.has("all") {
		n = len(*queue)
	}
	now := (*queue)[:n]
	*queue = slices.Clone((*queue)[n:])
	for _, e := range now {
		if !s.carryOut(e) {
			s.say("not accepted: %v %s %d", e.Kind, e.Key, e.Sequence)
		}
	}
}

func (s *story) carryOut(e Effect) bool {
	name := fmt.Sprint(e.Lane, "/", e.Key)
	switch e.Kind {
	case ParkMessage:
		if !slices.Contains(s.store[name], e.Sequence) {
			s.store[name] = append(s.store[name], e.Sequence)
		}
		return s.seq.Parked(s.now, e.Lane, e.Hash, e.Key, e.Sequence)
	case Unpark:
		s.store[name] = slices.DeleteFunc(s.store[name], func(q Sequence) bool { return q <= e.Sequence })
		return s.seq.Unparked(s.now, e.Lane, e.Hash, e.Key, e.Count)
	case DeadLetterMessage:
		return s.seq.DeadLettered(s.now, e.Lane, e.Hash, e.Key)
	case Read:
		s.seq.Reread(e.Lane, Message{Position: e.Position, Sequence: Sequence(e.Position), Hash: e.Hash, Key: e.Key, Payload: Payload(e.Position)})
	case ReadParked:
		var found []Message
		for _, q := range s.store[name] {
			if q > e.Sequence && len(found) < int(e.Count) {
				found = append(found, Message{Sequence: q, Payload: Payload(q)})
			}
		}
		s.seq.ParkedMessages(e.Lane, e.Hash, e.Key, e.Read, found)
	default:
	}
	return true
}

// tellEffect writes an effect in plain words, and keeps what has to be answered.
func (s *story) tellEffect(e Effect) {
	who := fmt.Sprintf("lane %d key %s", e.Lane, e.Key)
	switch e.Kind {
	case Start:
		s.names++
		name := fmt.Sprintf("c%d", s.names)
		s.calls[name] = e.Call
		s.say("start %s: %s epoch %d attempt %d messages %s", name, who, e.Epoch, e.Attempt, tellItems(e.Items))
	case Complete, GiveBack:
		where := fmt.Sprintf("at %d", e.Position)
		if e.Position == 0 {
			where = fmt.Sprintf("sequence %d in the park", e.Sequence)
		}
		s.say("%s %s %s", words[e.Kind], who, where)
	case Drop:
		s.say("drop payload %d", e.Payload)
	case Read:
		s.say("read %s at %d", who, e.Position)
		s.reads = append(s.reads, e)
	case ReadParked:
		s.say("read parked %s: %d after %d", who, e.Count, e.Sequence)
		s.reads = append(s.reads, e)
	case ParkMessage:
		s.say("park %s sequence %d (%v)", who, e.Sequence, e.Cause)
		s.pending = append(s.pending, e)
	case Unpark:
		s.say("unpark %s through %d (%d)", who, e.Sequence, e.Count)
		s.pending = append(s.pending, e)
	case DeadLetterMessage:
		s.say("dead letter %s sequence %d", who, e.Sequence)
		s.pending = append(s.pending, e)
	case Reparked:
		s.say("reparked %s at %d", who, e.Sequence)
	case Drained:
		s.say("drained lane %d: %s", e.Lane, tellProgress(e.Progress))
	case Returned:
		s.say("returned %s", who)
	case Blocked:
		if e.Cause != 0 {
			who += fmt.Sprintf(" (%v)", e.Cause)
		}
		s.say("blocked by %s", who)
	case HandlerRefusing, HandlerAccepting:
		s.say("%v", e.Kind)
	default:
		s.say("%s", strings.TrimSpace(fmt.Sprintf("%v lane %d", e.Kind, e.Lane)))
	}
}

var words = map[EffectKind]string{Complete: "complete", GiveBack: "give back"}

func tellItems(items []Item) string {
	var parts []string
	for _, item := range items {
		parts = append(parts, fmt.Sprint(item.Sequence))
	}
	return strings.Join(parts, " ")
}

func tellProgress(p *Progress) string {
	var b strings.Builder
	fmt.Fprintf(&b, "low water %d", p.LowWater)
	for _, r := range p.Ranges {
		fmt.Fprintf(&b, " range %d-%d", r.From, r.To)
	}
	slices.SortFunc(p.Attempts, func(x, y Attempt) int { return int(x.Sequence) - int(y.Sequence) })
	for _, a := range p.Attempts {
		where := ""
		if a.Position == 0 {
			where = " in the park"
		}
		fmt.Fprintf(&b, " tried %s %d%s times %d", a.Key, a.Sequence, where, a.Attempts)
		if a.Suspect {
			b.WriteString(" (suspect)")
		}
	}
	for _, r := range p.Returned {
		fmt.Fprintf(&b, " ran %s from the park through %d", r.Key, r.Last)
	}
	fmt.Fprintf(&b, " taken %d", p.Taken)
	return b.String()
}
