// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package sim

import "time"

// clock is simulated time and what is to happen in it. Events at the same instant run in the order in which they
// were asked for, so that a schedule depends on its seed alone.
type clock struct {
	now    time.Duration // since the start of the schedule
	steps  int           // events run so far
	asked  uint64        // events asked for so far; breaks ties
	events []event       // a heap by (at, order)
}

type event struct {
	at    time.Duration
	order uint64
	run   func()
}

func (e event) before(other event) bool {
	return e.at < other.at || e.at == other.at && e.order < other.order
}

// after runs do when d has passed.
func (c *clock) after(d time.Duration, do func()) { c.at(c.now+d, do) }

// at runs do at the instant t, or now if t has passed.
func (c *clock) at(t time.Duration, do func()) {
	c.asked++
	c.events = append(c.events, event{at: max(t, c.now), order: c.asked, run: do})
	c.rise(len(c.events) - 1)
}

// step runs the next event; false when there is none before the instant end.
func (c *clock) step(end time.Duration) bool {
	if len(c.events) == 0 || c.events[0].at > end {
		return false
	}
	next := c.events[0]
	last := len(c.events) - 1
	c.events[0] = c.events[last]
	c.events[last] = event{}
	c.events = c.events[:last]
	c.sink(0)
	c.now = next.at
	c.steps++
	next.run()
	return true
}

func (c *clock) rise(i int) {
	for i > 0 {
		parent := (i - 1) / 2
		if !c.events[i].before(c.events[parent]) {
			return
		}
		c.events[i], c.events[parent] = c.events[parent], c.events[i]
		i = parent
	}
}

func (c *clock) sink(i int) {
	for {
		least := i
		for child := 2*i + 1; child <= 2*i+2 && child < len(c.events); child++ {
			if c.events[child].before(c.events[least]) {
				least = child
			}
		}
		if least == i {
			return
		}
		c.events[i], c.events[least] = c.events[least], c.events[i]
		i = least
	}
}
