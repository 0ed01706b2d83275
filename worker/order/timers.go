// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package order

// timers is a binary heap of key indices by key.due; key.timer is the place in it plus one, 0 when the key waits for
// nothing.
type timers []int32

func (s *Sequencer) setTimer(ki int32, due Instant) {
	k := s.keys.at(ki)
	k.due = due
	s.timers = append(s.timers, ki)
	k.timer = int32(len(s.timers))
	s.siftUp(len(s.timers) - 1)
}

func (s *Sequencer) stopTimer(ki int32) {
	k := s.keys.at(ki)
	if k.timer == 0 {
		return
	}
	i, last := int(k.timer-1), len(s.timers)-1
	k.timer = 0
	moved := s.timers[last]
	s.timers = s.timers[:last]
	if i == last {
		return
	}
	s.timers[i] = moved
	s.keys.at(moved).timer = int32(i + 1)
	s.siftDown(s.siftUp(i))
}

func (s *Sequencer) earlier(i, j int) bool {
	return s.keys.at(s.timers[i]).due < s.keys.at(s.timers[j]).due
}

func (s *Sequencer) swapTimers(i, j int) {
	s.timers[i], s.timers[j] = s.timers[j], s.timers[i]
	s.keys.at(s.timers[i]).timer = int32(i + 1)
	s.keys.at(s.timers[j]).timer = int32(j + 1)
}

func (s *Sequencer) siftUp(i int) int {
	for i > 0 {
		parent := (i - 1) / 2
		if !s.earlier(i, parent) {
			break
		}
		s.swapTimers(i, parent)
		i = parent
	}
	return i
}

func (s *Sequencer) siftDown(i int) {
	for {
		child := 2*i + 1
		if child >= len(s.timers) {
			return
		}
		if child+1 < len(s.timers) && s.earlier(child+1, child) {
			child++
		}
		if !s.earlier(child, i) {
			return
		}
		s.swapTimers(i, child)
		i = child
	}
}
