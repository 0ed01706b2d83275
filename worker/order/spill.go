// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package order

import "math"

const chunkOffsets = 25

// chunk holds positions as distances from its first one: 128 bytes for 25 of them, 5.1 bytes a message.
type chunk struct {
	base       Position
	next       int32
	head, tail int32
	_          int32
	offsets    [chunkOffsets]uint32
}

// spill is the part of a key's convoy of which only positions are kept, oldest first.
type spill struct {
	head, tail int32
	count      int32
}

func (s *Sequencer) pushSpill(q *spill, pos Position) {
	q.count++
	if q.tail != 0 {
		c := s.chunks.at(q.tail)
		if distance := pos - c.base; c.tail < chunkOffsets && distance <= math.MaxUint32 {
			c.offsets[c.tail] = uint32(distance)
			c.tail++
			return
		}
	}
	ci := s.chunks.take()
	c := s.chunks.at(ci)
	c.base, c.next, c.head, c.tail = pos, 0, 0, 1
	c.offsets[0] = 0
	if q.tail == 0 {
		q.head = ci
	} else {
		s.chunks.at(q.tail).next = ci
	}
	q.tail = ci
}

// popSpill takes the oldest position; there must be one.
func (s *Sequencer) popSpill(q *spill) Position {
	c := s.chunks.at(q.head)
	pos := c.base + Position(c.offsets[c.head])
	c.head++
	q.count--
	if c.head == c.tail {
		next := c.next
		s.chunks.give(q.head)
		q.head = next
		if next == 0 {
			q.tail = 0
		}
	}
	return pos
}

// prependSpill puts older positions in front.
func (s *Sequencer) prependSpill(q *spill, older spill) {
	if older.count == 0 {
		return
	}
	s.chunks.at(older.tail).next = q.head
	if q.count == 0 {
		q.tail = older.tail
	}
	q.head = older.head
	q.count += older.count
}
