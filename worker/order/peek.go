// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package order

// Convoy is what one key does at this moment, as far as the sequencer knows: messages that were not handed in are not in it.
type Convoy struct {
	State State
	// Attempts counts the starts of the first message, one under way included. Those that an outage forgave do not count.
	Attempts uint32
	// Messages counts what is not completed, Parked those of them in the parking store, Running those in the call.
	Messages, Parked, Running int
	// Sequences are the first of those that are in memory, ascending: of a message of which only the position is kept, or that
	// is in the parking store and not read, none is.
	Sequences []Sequence
	// Started is when the call began, if there is one. Due is when the key goes on by itself: when a Waiting one is tried again,
	// and the call of a Held one is over.
	Started, Due Instant
}

// Peek tells what a key does, with at most so many sequences; false when nothing of it is in memory, or the lane is not
// open. It changes nothing.
func (s *Sequencer) Peek(number int32, hash uint64, name string, most int) (Convoy, bool) {
	ki := s.find(s.laneIndex(number), hash, name)
	if ki == 0 {
		return Convoy{}, false
	}
	k := s.keys.at(ki)
	c := Convoy{State: k.state, Attempts: k.attempts, Messages: int(k.front.n + k.spill.count)}
	if k.counted {
		c.Attempts-- // It is about to be made.
	}
	if k.timer != 0 {
		c.Due = k.due
	}
	if k.call != 0 {
		call := &s.calls[k.call]
		c.Started, c.Running = call.started, len(call.items)
		for i := range call.items {
			c.note(call.items[i].Sequence, most)
		}
	}
	if p := s.parkOf(k); p != nil {
		c.Parked = int(p.durable - p.completed)
		c.Messages += c.Parked
		s.noteAll(&c, &p.window, most)
	}
	s.noteAll(&c, &k.front, most)
	return c, true
}

func (s *Sequencer) noteAll(c *Convoy, q *nodeList, most int) {
	for ni := q.head; ni != 0 && len(c.Sequences) < most; ni = s.nodes.at(ni).next {
		c.note(s.nodes.at(ni).sequence, most)
	}
}

// note notes the next sequence of the key, once: messages of a call are in another list, too. 0 is not known yet.
func (c *Convoy) note(sequence Sequence, most int) {
	last := Sequence(0)
	if n := len(c.Sequences); n > 0 {
		last = c.Sequences[n-1]
	}
	if len(c.Sequences) < most && sequence > last {
		c.Sequences = append(c.Sequences, sequence)
	}
}
