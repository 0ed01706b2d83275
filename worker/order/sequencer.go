// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package order

import (
	"fmt"
	"slices"
)

// maxLanes bounds lane numbers, so that a wrong one cannot allocate without bound.
const maxLanes = 1 << 20

// Sequencer decides what one worker process may start next. It is owned by one goroutine. Effects of all events are
// collected and handed out by Poll.
type Sequencer struct {
	config Config
	now    Instant
	out    []Effect

	lanes []lane
	// byNumber is the index into lanes by lane number, 0 when the lane is not open.
	byNumber  []int32
	freeLanes []int32

	keys   slab[key]
	nodes  slab[node]
	parks  slab[park]
	chunks slab[chunk]
	calls  []call
	idle   []int32
	index  index
	timers timers

	// ring is the round of lanes that have a key ready and may start it; next is the lane whose turn it is, 0 for none.
	next  int32
	alone keyList
	// running counts calls with the handler, held those whose answer is lost and whose time is not over.
	running, held int
	// trial is the last suspect that was counted; see onTrial.
	trial int32
	// survived is the lane of the last suspect that succeeded, or 0; survivedAt the snapshot version that says so.
	survived   int32
	survivedAt uint64
	// aloneRunning: a suspect's call is running or held.
	aloneRunning bool
	outage       outage
	braking      int
	random       uint64
	// reads numbers the reads of all parks, so that an answer to an old one is never taken for that of a new one.
	reads   uint32
	scratch []Effect
	trace   func(State, trigger, State)
}

// New returns a sequencer without lanes. It refuses a Config with values that make no sense, naming the field.
func New(config Config) (*Sequencer, error) {
	config.setDefaults()
	if err := config.validate(); err != nil {
		return nil, err
	}
	s := &Sequencer{config: config, lanes: make([]lane, 1), calls: make([]call, 1), random: config.Seed}
	s.outage.streak = 1
	return s, nil
}

// Open takes a lane into the round. It refuses a lane that is open, drained or not.
func (s *Sequencer) Open(o Opening) error {
	if o.Lane < 0 || o.Lane >= maxLanes {
		return fmt.Errorf("opening lane %d: not in 0..%d", o.Lane, maxLanes-1)
	}
	if s.laneIndex(o.Lane) != 0 {
		return fmt.Errorf("opening lane %d at epoch %d: it is open", o.Lane, o.Epoch)
	}
	li := s.takeLane(o.Lane)
	l := &s.lanes[li]
	*l = lane{id: o.Lane, epoch: o.Epoch, careful: max(o.CarefulThrough, o.Progress.Careful)}
	l.ledger.open(&o.Progress, 2*s.config.Buffer)
	s.loadAttempts(l, &o)
	for i := range o.Parked {
		s.loadParked(li, &o.Parked[i])
	}
	for i := range o.Progress.Returned {
		s.loadReturned(li, &o.Progress.Returned[i])
	}
	return nil
}

func (s *Sequencer) takeLane(number int32) int32 {
	if n := int(number) + 1; n > len(s.byNumber) {
		s.byNumber = append(s.byNumber, make([]int32, n-len(s.byNumber))...)
	}
	var li int32
	if n := len(s.freeLanes); n > 0 {
		li = s.freeLanes[n-1]
		s.freeLanes = s.freeLanes[:n-1]
	} else {
		s.lanes = append(s.lanes, lane{})
		li = int32(len(s.lanes) - 1)
	}
	s.byNumber[number] = li
	return li
}

// laneIndex returns 0 for a lane that is not open.
func (s *Sequencer) laneIndex(number int32) int32 {
	if uint32(number) >= uint32(len(s.byNumber)) {
		return 0
	}
	return s.byNumber[number]
}

// Poll lets time pass, starts what may be started, and returns the effects of all events since the last Poll, in order.
// The caller hands back the slice of the poll before, whose space is reused; effects must be carried out in order.
func (s *Sequencer) Poll(now Instant, buffer []Effect) []Effect {
	s.advance(now)
	for len(s.timers) > 0 && s.keys.at(s.timers[0]).due <= s.now {
		s.fire(s.timers[0])
	}
	if s.braking > 0 {
		s.wakeBraking()
	}
	for s.startNext() {
	}
	out := s.out
	s.out = buffer[:0]
	return out
}

// Deadline is the earliest instant at which Poll has something to do without a further event; false when there is none.
func (s *Sequencer) Deadline() (Instant, bool) {
	due, ok := Instant(0), false
	consider := func(at Instant) {
		if !ok || at < due {
			due, ok = at, true
		}
	}
	if len(s.timers) > 0 {
		consider(s.keys.at(s.timers[0]).due)
	}
	if s.outage.refusing && !s.outage.probing && (s.next != 0 || s.alone.n > 0) {
		consider(s.outage.probeAt)
	}
	if s.braking > 0 {
		for i := range s.lanes {
			if b := &s.lanes[i].brake; b.state == brakeOn && s.lanes[i].ready.n > 0 && !s.lanes[i].paused {
				consider(b.probeAt)
			}
		}
	}
	return due, ok
}

// advance lets the clock go forward only: a caller that mixes up two readings must not shorten a hold.
func (s *Sequencer) advance(now Instant) { s.now = max(s.now, now) }

func (s *Sequencer) emit(e Effect) { s.out = append(s.out, e) }

// startNext gives one key its turn; false when nothing may be started.
func (s *Sequencer) startNext() bool {
	if s.aloneRunning || !s.outage.mayStart(s.now) {
		return false
	}
	if s.mayTryAlone() {
		if s.running+s.held > 0 {
			return false
		}
		ki := s.popFront(&s.alone)
		s.turn(ki, true)
		return true
	}
	if s.running >= s.config.MaxInFlightKeys || s.running+s.held >= 2*s.config.MaxInFlightKeys || s.next == 0 {
		return false
	}
	li := s.next
	l := &s.lanes[li]
	ki := s.popFront(&l.ready)
	s.next = l.after
	s.turn(ki, false)
	if l = &s.lanes[li]; !s.mayTurn(l) {
		s.leaveRing(li)
	}
	return true
}

// Len counts the keys in memory.
func (s *Sequencer) Len() int { return s.keys.live() }

// Running counts the calls whose handler may be at work: those unanswered, and those timed out whose time is not over.
func (s *Sequencer) Running() int { return s.running + s.held }

// Lanes returns the open lanes, drained ones excluded, in ascending order.
func (s *Sequencer) Lanes() []int32 {
	var open []int32
	for number, li := range s.byNumber {
		if li != 0 {
			open = append(open, int32(number))
		}
	}
	return slices.Clip(open)
}
