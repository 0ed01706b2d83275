// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package nats

import (
	"slices"
	"testing"

	"pgregory.net/rapid"

	"convoy.dev/convoy/worker/order"
)

// onWay is a message on its way to the simulated stream.
type onWay struct {
	term     bool           // a record that begins a session or takes the place of its record
	sequence order.Sequence // of the source
	last     uint64         // expected to be the stream's last
	under    uint64         // expected to be the newest term; unless it is one
}

// inStream is a message that the simulated stream took.
type inStream struct {
	term     bool
	sequence order.Sequence
}

// simRouter is one router: its chain, and what is on its way to the stream and back. What overtakes nothing may still be
// lost, one by one: a leader that changes takes no messages for a while.
type simRouter struct {
	chain   *chain
	sending []onWay
	answers []uint64
}

// simStream is a stream that checks what the servers check.
type simStream struct {
	messages []inStream
	routers  []*simRouter
}

func (s *simStream) last() uint64 { return uint64(len(s.messages)) }

func (s *simStream) newestTerm() uint64 {
	for i := len(s.messages); i > 0; i-- {
		if s.messages[i-1].term {
			return uint64(i)
		}
	}
	return 0
}

// take takes a message or refuses it. The answer to a refusal is 0.
func (s *simStream) take(m onWay) uint64 {
	if m.last != s.last() || !m.term && m.under != s.newestTerm() {
		return 0
	}
	s.messages = append(s.messages, inStream{m.term, m.sequence})
	return s.last()
}

// routedTo is what the message at a place says.
func (s *simStream) routedTo(place uint64) order.Sequence {
	if place == 0 {
		return 0
	}
	return s.messages[place-1].sequence
}

// TestChain has routers that take over from each other at any time, whose messages and answers are late or lost, one by one,
// and looks at every moment whether the stream has the source's messages from the first on, each once and in order.
func TestChain(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := &simStream{}
		for range rapid.IntRange(2, 4).Draw(t, "routers") {
			s.routers = append(s.routers, &simRouter{})
		}
		for range rapid.IntRange(10, 150).Draw(t, "steps") {
			r := rapid.SampledFrom(s.routers).Draw(t, "router")
			s.step(t, r)
			s.check(t)
		}
		final := &simRouter{}
		s.begin(final, s.last())
		s.deliver(final)
		for final.answer() {
		}
		if final.chain == nil {
			t.Fatal("a router alone cannot take over")
		}
		s.send(final, 3, true)
		s.send(final, 2, false)
		for range 10 {
			s.deliver(final)
			final.answer()
		}
		s.check(t)
		if want := final.chain.routed; len(final.chain.sent) > 0 || s.routedTo(s.last()) != want {
			t.Fatalf("a router alone has routed up to %d, want %d", s.routedTo(s.last()), want)
		}
	})
}

func (s *simStream) step(t *rapid.T, r *simRouter) {
	switch rapid.SampledFrom([]string{"begin", "send", "pass", "deliver", "deliver", "deliver", "lose", "answer", "answer", "lose answer"}).Draw(t, "step") {
	case "begin":
		// What it sees may be old: a leader that was deposed, or an answer that took long.
		s.begin(r, s.last()-min(s.last(), uint64(rapid.SampledFrom([]int{0, 0, 0, 1, 3}).Draw(t, "old"))))
	case "send":
		if r.chain != nil && len(r.chain.sent) < 3 {
			s.send(r, rapid.IntRange(1, 4).Draw(t, "messages"), rapid.Bool().Draw(t, "whole"))
		}
	case "pass":
		if r.chain != nil && len(r.chain.sent) == 0 && len(r.sending) == 0 {
			r.sending = append(r.sending, onWay{term: true, sequence: r.chain.routed, last: r.chain.settled})
		}
	case "deliver":
		s.deliver(r)
	case "lose":
		if n := len(r.sending); n > 0 {
			i := rapid.IntRange(0, n-1).Draw(t, "which")
			r.sending = slices.Delete(r.sending, i, i+1)
		}
	case "answer":
		r.answer()
	case "lose answer":
		if len(r.answers) > 0 {
			r.answers, r.chain = nil, nil // It waits in vain, and gives the session up. What is on its way stays so.
		}
	}
}

// begin looks where the stream has come to and sends the record of a session.
func (s *simStream) begin(r *simRouter, last uint64) {
	r.chain, r.answers = nil, nil
	r.sending = append(r.sending, onWay{term: true, sequence: s.routedTo(last), last: last})
}

// send sends messages of one write. They share their fate if they are whole, which the simulation does by one message
// for all: only its last is looked at.
func (s *simStream) send(r *simRouter, n int, whole bool) {
	first := r.chain.routed + 1
	if whole {
		n = 1
	}
	last := r.chain.send(write{messages: n, whole: whole}, first+order.Sequence(n)-1)
	for i := range n {
		r.sending = append(r.sending, onWay{sequence: first + order.Sequence(i), last: last + uint64(i), under: r.chain.term})
	}
}

func (s *simStream) deliver(r *simRouter) {
	if len(r.sending) == 0 {
		return
	}
	m := r.sending[0]
	r.sending = r.sending[1:]
	place := s.take(m)
	switch {
	case m.term && place > 0 && r.chain == nil, m.term && place > 0 && r.chain.settled == m.last && len(r.chain.sent) == 0:
		next := begin(place, m.sequence)
		r.chain = &next
	case m.term:
		r.chain = nil // Refused: it looks again.
	default:
		r.answers = append(r.answers, place)
	}
}

// answer takes one answer; false when there is none.
func (r *simRouter) answer() bool {
	if len(r.answers) == 0 {
		return false
	}
	place := r.answers[0]
	r.answers = r.answers[1:]
	if r.chain == nil {
		return true
	}
	if place == 0 {
		r.chain, r.answers = nil, nil
		return true
	}
	if _, err := r.chain.answer(place); err != nil {
		r.chain, r.answers = nil, nil // Answers of an earlier session come to another inbox; here they end this one.
	}
	return true
}

func (s *simStream) check(t *rapid.T) {
	next := order.Sequence(1)
	for place, m := range s.messages {
		if m.term {
			if m.sequence != next-1 {
				t.Fatalf("the record at %d says %d, want %d", place+1, m.sequence, next-1)
			}
			continue
		}
		if m.sequence != next {
			t.Fatalf("the stream has %v: %d at %d, want %d", s.messages, m.sequence, place+1, next)
		}
		next++
	}
}
