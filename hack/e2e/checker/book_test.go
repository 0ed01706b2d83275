// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package checker

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"convoy.dev/convoy/hack/e2e/shop"
)

// tale tells a book what happens, a millisecond after the other.
type tale struct {
	*Book
	now time.Time
	ids map[string]uint64
	// asks are the processes that the book wanted to be asked, with the number to answer.
	asks map[string]uint64
	// last is the last decision.
	last Decision
}

var life = []shop.State{shop.Created, shop.Paid, shop.Packed, shop.Shipped, shop.Delivered}

func newTale() *tale {
	return &tale{
		Book: NewBook(time.Second), now: time.Unix(1_000_000, 0),
		ids: map[string]uint64{}, asks: map[string]uint64{},
	}
}

func (s *tale) wait(d time.Duration) { s.now = s.now.Add(d) }

func event(key string, number uint64) shop.Event {
	return shop.Event{Order: key, Number: number, State: life[number-1]}
}

// publish publishes the events of a key up to a number.
func (s *tale) publish(key string, upTo uint64) {
	for n := uint64(1); n <= upTo; n++ {
		s.Publish(event(key, n), s.now)
	}
}

// call is the usual call of a message: lane 3, and a sequence that follows from the number.
func call(key string, number, epoch uint64) Call {
	return Call{Pod: "a", Key: key, Lane: 3, Epoch: epoch, Sequence: 10 * number, Attempt: 1, Event: event(key, number)}
}

func (s *tale) start(process string, c Call) uint64 {
	s.wait(time.Millisecond)
	s.ids[process]++
	c.ID = s.ids[process]
	s.last = s.Start(process, c, s.now)
	if s.last.Ask != "" {
		s.asks[s.last.Ask] = s.last.Number
	}
	return c.ID
}

func (s *tale) end(process string, id uint64) bool {
	s.wait(time.Millisecond)
	return s.End(process, id, Done, s.now)
}

// reject has the handler of process p reject a message.
func (s *tale) reject(c Call) {
	s.End("p", s.start("p", c), Rejected, s.now)
}

func (s *tale) run(process string, c Call) { s.end(process, s.start(process, c)) }

func (s *tale) broken() []Rule {
	var rules []Rule
	for _, v := range s.Report().Words {
		rules = append(rules, v.Rule)
	}
	return rules
}

func TestOrderlyHistoriesBreakNoRule(t *testing.T) {
	for name, happens := range map[string]func(s *tale){
		"one after the other": func(s *tale) {
			s.publish("k", 3)
			for n := uint64(1); n <= 3; n++ {
				s.run("p", call("k", n, 1))
			}
		},
		"keys beside each other": func(s *tale) {
			s.publish("k", 1)
			s.publish("l", 1)
			k := s.start("p", call("k", 1, 1))
			s.run("p", call("l", 1, 1))
			s.end("p", k)
		},
		"a failure and its retry": func(s *tale) {
			s.publish("k", 1)
			s.End("p", s.start("p", call("k", 1, 1)), Failed, s.now)
			again := call("k", 1, 1)
			again.Attempt = 2
			s.run("p", again)
		},
		"an answer that was lost": func(s *tale) {
			s.publish("k", 2)
			s.run("p", call("k", 1, 1))
			again := call("k", 1, 1)
			again.Attempt = 2
			s.run("p", again)
			s.run("p", call("k", 2, 1))
		},
		"a hand-over": func(s *tale) {
			s.publish("k", 2)
			s.run("p", call("k", 1, 1))
			next := call("k", 2, 2)
			next.Pod = "b"
			s.run("q", next)
		},
		"a crash that repeats a message and the ones after it": func(s *tale) {
			s.publish("k", 4)
			for n := uint64(1); n <= 3; n++ {
				s.run("p", call("k", n, 1))
			}
			s.start("p", call("k", 4, 1))
			s.Leave("p")
			for n := uint64(2); n <= 4; n++ {
				s.run("q", call("k", n, 2))
			}
		},
		"a process found dead after its successor began": func(s *tale) {
			s.publish("k", 1)
			s.start("p", call("k", 1, 1))
			id := s.start("q", call("k", 1, 2))
			s.Leave("p")
			s.end("q", id)
		},
		"a message that is rejected, and its release at the next owner": func(s *tale) {
			s.publish("k", 2)
			s.reject(call("k", 1, 1))
			s.run("q", call("k", 1, 2))
			s.run("q", call("k", 2, 2))
		},
		"messages that are discarded, and a crash after that": func(s *tale) {
			s.publish("k", 5)
			s.run("p", call("k", 1, 1))
			s.reject(call("k", 2, 1))
			s.Discard("k")
			s.run("p", call("k", 4, 1))
			s.Leave("p")
			for _, n := range []uint64{1, 4, 5} {
				s.run("q", call("k", n, 2))
			}
		},
		"an answer that was lost while no attempts are counted": func(s *tale) {
			s.publish("k", 2)
			s.run("p", call("k", 1, 1))
			s.wait(time.Second)
			s.run("p", call("k", 1, 1))
			s.run("p", call("k", 2, 1))
		},
		"a call that never ends, and its time": func(s *tale) {
			s.publish("k", 1)
			s.start("p", call("k", 1, 1))
			s.wait(time.Second)
			again := call("k", 1, 1)
			again.Attempt = 2
			s.run("p", again)
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := newTale()
			happens(s)
			s.Close(s.now)
			if got := s.Report(); got.Violations > 0 || got.Backlog() != 0 {
				t.Errorf("broken: %v, backlog %d; want neither", got.Words, got.Backlog())
			}
		})
	}
}

func TestEachBreachIsFound(t *testing.T) {
	for name, c := range map[string]struct {
		happens func(s *tale)
		want    []Rule
	}{
		"two calls of a key in one process": {func(s *tale) {
			s.publish("k", 1)
			id := s.start("p", call("k", 1, 1))
			again := call("k", 1, 1)
			again.Attempt = 2
			s.run("p", again)
			s.end("p", id)
		}, []Rule{RuleOverlap}},
		"two calls of a key in two processes that live": {func(s *tale) {
			s.publish("k", 1)
			former := s.start("p", call("k", 1, 1))
			later := s.start("q", call("k", 1, 2))
			s.Answer("p", s.asks["p"])
			s.end("p", former)
			s.end("q", later)
		}, []Rule{RuleOverlap}},
		"an overlap whose former process never answers": {func(s *tale) {
			s.publish("k", 1)
			s.start("p", call("k", 1, 1))
			s.run("q", call("k", 1, 2))
		}, []Rule{RuleOverlap}},
		"the next message before the one before it was completed": {func(s *tale) {
			s.publish("k", 2)
			s.End("p", s.start("p", call("k", 1, 1)), Failed, s.now)
			s.run("p", call("k", 2, 1))
		}, []Rule{RuleSkipped}},
		"a new owner that skips a message": {func(s *tale) {
			s.publish("k", 3)
			s.run("p", call("k", 1, 1))
			s.run("q", call("k", 3, 2))
		}, []Rule{RuleSkipped}},
		"a replay that skips a message": {func(s *tale) {
			s.publish("k", 3)
			for n := uint64(1); n <= 3; n++ {
				s.run("p", call("k", n, 1))
			}
			s.run("q", call("k", 1, 2))
			s.run("q", call("k", 3, 2))
		}, []Rule{RuleSkipped}},
		"a message again without cause": {func(s *tale) {
			s.publish("k", 1)
			s.run("p", call("k", 1, 1))
			s.run("p", call("k", 1, 1))
		}, []Rule{RuleWentBack}},
		"an earlier message at the same epoch": {func(s *tale) {
			s.publish("k", 2)
			s.run("p", call("k", 1, 1))
			s.run("p", call("k", 2, 1))
			again := call("k", 1, 1)
			again.Attempt = 2
			s.run("p", again)
		}, []Rule{RuleWentBack}},
		"a call of an earlier epoch of the key": {func(s *tale) {
			s.publish("k", 2)
			s.run("q", call("k", 1, 2))
			s.run("p", call("k", 2, 1))
			s.run("q", call("k", 2, 2))
		}, []Rule{RuleStale}},
		"a call of an earlier epoch of the lane": {func(s *tale) {
			s.publish("k", 1)
			s.publish("l", 1)
			s.run("q", call("k", 1, 2))
			s.run("p", call("l", 1, 1))
			s.run("q", call("l", 1, 2))
		}, []Rule{RuleStale}},
		"two pods at one epoch": {func(s *tale) {
			s.publish("k", 1)
			s.publish("l", 1)
			s.run("p", call("k", 1, 1))
			other := call("l", 1, 1)
			other.Pod = "b"
			s.run("q", other)
		}, []Rule{RuleTwoOwners}},
		"a key in two lanes": {func(s *tale) {
			s.publish("k", 2)
			s.run("p", call("k", 1, 1))
			other := call("k", 2, 1)
			other.Lane = 4
			s.run("p", other)
		}, []Rule{RuleMoved}},
		"a message whose sequence changes": {func(s *tale) {
			s.publish("k", 1)
			s.run("p", call("k", 1, 1))
			again := call("k", 1, 2)
			again.Sequence++
			s.run("q", again)
		}, []Rule{RuleMoved}},
		"sequences that do not ascend": {func(s *tale) {
			s.publish("k", 2)
			s.run("p", call("k", 1, 1))
			next := call("k", 2, 1)
			next.Sequence = 10
			s.run("p", next)
		}, []Rule{RuleMoved}},
		"a key that goes on without what is parked": {func(s *tale) {
			s.publish("k", 2)
			s.reject(call("k", 1, 1))
			s.run("p", call("k", 2, 1))
		}, []Rule{RuleSkipped}},
		"messages left out again after they were discarded once": {func(s *tale) {
			s.publish("k", 4)
			s.Discard("k")
			s.run("p", call("k", 2, 1))
			s.run("p", call("k", 4, 1))
		}, []Rule{RuleSkipped}},
		"a message left out of a replay": {func(s *tale) {
			s.publish("k", 4)
			for n := uint64(1); n <= 3; n++ {
				s.run("p", call("k", n, 1))
			}
			s.Discard("k")
			s.run("q", call("k", 1, 2))
			s.run("q", call("k", 3, 2))
			s.run("q", call("k", 4, 2))
		}, []Rule{RuleSkipped}},
		"a message that starts after it was discarded": {func(s *tale) {
			s.publish("k", 3)
			s.run("p", call("k", 1, 1))
			s.Discard("k")
			s.run("p", call("k", 3, 1))
			s.run("q", call("k", 2, 2))
		}, []Rule{RuleDiscarded}},
		"a message that is parked at the end": {func(s *tale) {
			s.publish("k", 1)
			s.reject(call("k", 1, 1))
		}, []Rule{RuleLost}},
		"a transition that the handler finds impossible": {func(s *tale) {
			s.publish("k", 1)
			s.End("p", s.start("p", call("k", 1, 1)), Impossible, s.now)
		}, []Rule{RuleImpossible}},
		"a message that never comes": {func(s *tale) {
			s.publish("k", 2)
			s.run("p", call("k", 1, 1))
		}, []Rule{RuleLost}},
		"a message that fails for good": {func(s *tale) {
			s.publish("k", 1)
			s.End("p", s.start("p", call("k", 1, 1)), Failed, s.now)
		}, []Rule{RuleLost}},
	} {
		t.Run(name, func(t *testing.T) {
			s := newTale()
			c.happens(s)
			s.Close(s.now)
			if diff := cmp.Diff(c.want, s.broken()); diff != "" {
				t.Errorf("broken rules (-want +got):\n%s\n%v", diff, s.Report().Words)
			}
		})
	}
}

func TestACallOfThePastChangesNothing(t *testing.T) {
	s := newTale()
	s.publish("k", 2)
	s.run("q", call("k", 1, 2))
	stale := s.start("p", call("k", 2, 1))
	if !s.last.Refuse {
		t.Error("a call of an earlier epoch is not refused")
	}
	if s.end("p", stale) {
		t.Error("the end of a call that was refused counts")
	}
	if got := s.Report().Completed; got != 1 {
		t.Errorf("%d messages are completed, want 1", got)
	}
}

func TestAnAnswerProvesNothingAboutWhatCameLater(t *testing.T) {
	s := newTale()
	s.publish("k", 1)
	s.publish("l", 1)
	s.start("p", call("k", 1, 1))
	s.start("p", call("l", 1, 1))
	s.start("q", call("k", 1, 2))
	first := s.asks["p"]
	s.start("q", call("l", 1, 2))
	s.Answer("p", first)
	s.Leave("p")
	if diff := cmp.Diff([]Rule{RuleOverlap}, s.broken()); diff != "" {
		t.Errorf("the process lived at the first question and nobody knows of the second: %s", diff)
	}
}

func TestTheStateIsThatOfTheLastCompleted(t *testing.T) {
	s := newTale()
	s.publish("k", 3)
	s.run("p", call("k", 1, 1))
	s.run("p", call("k", 2, 1))
	s.start("p", call("k", 3, 1))
	if diff := cmp.Diff(Decision{State: shop.Paid}, s.last); diff != "" {
		t.Error(diff)
	}
	s.Leave("p")
	s.start("q", call("k", 2, 2))
	if diff := cmp.Diff(Decision{State: shop.Paid, Repeat: true}, s.last); diff != "" {
		t.Error(diff)
	}
}

func TestWhatIsDiscardedIsCountedAndHasLedTheOrderOn(t *testing.T) {
	s := newTale()
	s.publish("k", 4)
	s.publish("l", 1)
	s.Reject("k")
	s.reject(call("k", 1, 1))
	if !s.last.Reject {
		t.Error("a key that is to be rejected is not")
	}
	if s.run("p", call("l", 1, 1)); s.last.Reject {
		t.Error("another key is rejected")
	}
	if got := s.Report(); got.Rejections != 1 || got.Parked != 4 || got.Backlog() != 4 {
		t.Errorf("%d calls are rejected, %d messages parked and %d left, want 1, 4 and 4", got.Rejections, got.Parked, got.Backlog())
	}
	s.Reject()
	s.Discard("k")
	s.start("p", call("k", 4, 1))
	if diff := cmp.Diff(Decision{State: shop.Packed}, s.last); diff != "" {
		t.Error(diff)
	}
	if got := s.Report(); got.Discarded != 3 || got.Parked != 0 || got.Backlog() != 1 {
		t.Errorf("%d messages are discarded, %d parked and %d left, want 3, 0 and 1", got.Discarded, got.Parked, got.Backlog())
	}
}

func TestPausesAndReplays(t *testing.T) {
	s := newTale()
	s.Phase("first")
	s.publish("k", 4)
	s.run("p", call("k", 1, 1)) // Completed at 2 ms.
	s.run("p", call("k", 2, 1)) // Completed at 4 ms.
	s.Phase("kill")
	s.Leave("p")
	s.wait(299 * time.Millisecond)
	replay := call("k", 1, 5<<incarnationBits|2)
	replay.Pod = "b"
	s.run("q", replay) // Started at 304 ms.
	want := Report{
		Published: 4, Completed: 2, Calls: 3, Replays: 1, ReplayReach: 2 * time.Millisecond,
		Pauses: []Pause{{Phase: "kill", Lane: 3, From: "a", To: "b", Length: 300 * time.Millisecond}},
		Still:  map[string]time.Duration{"first": time.Millisecond, "kill": 300 * time.Millisecond},
		Epochs: map[int32]int64{3: 5},
	}
	if diff := cmp.Diff(want, s.Report()); diff != "" {
		t.Error(diff)
	}
}

// longCall is a call of a message with any number.
func longCall(number uint64) Call {
	c := call("k", 1, 1)
	c.Event.Number, c.Sequence = number, 10*number
	return c
}

func TestWhatWasCompletedLongAgoIsForgotten(t *testing.T) {
	s := newTale()
	const many = 10 * remembered
	for n := uint64(1); n <= many; n++ {
		s.Publish(longCall(n).Event, s.now)
		s.run("p", longCall(n))
	}
	if got := len(s.keys["k"].messages.recent); got < remembered || got > 2*remembered {
		t.Errorf("%d messages are remembered, want %d to %d", got, remembered, 2*remembered)
	}
	// A crash repeats what is forgotten, and its successors: no rule is broken, and it reaches back at least so far.
	for n := uint64(1); n <= many; n++ {
		again := longCall(n)
		again.Epoch = 2
		s.run("q", again)
	}
	r := s.Report()
	if least := 2 * (remembered - 1) * time.Millisecond; r.ReplayReach < least || r.ReplayReach > time.Hour || r.Replays != many || r.Violations > 0 {
		t.Errorf("%d replays reach back %v, and break %v; want %d, at least %v, and none", r.Replays, r.ReplayReach, r.Words, many, least)
	}
	// What is remembered has its sequence still.
	moved := longCall(many)
	moved.Epoch, moved.Sequence = 3, moved.Sequence+1
	s.run("r", moved)
	if diff := cmp.Diff([]Rule{RuleMoved}, s.broken()); diff != "" {
		t.Error(diff)
	}
}

func TestAnIdleLaneDoesNotPause(t *testing.T) {
	s := newTale()
	s.publish("k", 1)
	s.run("p", call("k", 1, 1))
	s.wait(time.Hour)
	s.Publish(event("k", 2), s.now)
	s.run("q", call("k", 2, 2))
	got := s.Report()
	if got.Pauses[0].Length != time.Millisecond || got.Still[""] != time.Millisecond {
		t.Errorf("the pause is %v, and nothing ran for %v; want the millisecond since the publication", got.Pauses[0].Length, got.Still[""])
	}
}

func TestCallsNameThemselves(t *testing.T) {
	got := fmt.Sprint(call("k", 2, 5<<16|1))
	if want := "k #2 Paid (lane 3, epoch 5.1, sequence 20, attempt 1, in a)"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}
