// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package order

import (
	"cmp"
	"fmt"
	"math/rand/v2"
	"slices"
)

// world is a broker, a parking store, a handler and a worker process around a Sequencer, driven at random from a seed.
// It knows the truth about every message and judges every effect by it, with the simplest bookkeeping there is: maps
// and full scans.
type world struct {
	random *rand.Rand
	config Config
	seq    *Sequencer
	now    Instant
	buffer []Effect
	lanes  []*worldLane
	keys   map[worldKey]*worldConvoy
	// operations are under way; those with the same queue are carried out in order.
	operations []operation
	calls      []*worldCall
	payloads   map[Payload]bool
	nextBody   Payload
	hostile    bool
	killers    bool
	refusing   bool
	// verbose writes the story; a world that failed is run again with it.
	verbose bool
	log     []string
	seen    map[string]int
	err     error
}

type worldKey struct {
	lane int32
	name string
}

type worldLane struct {
	number int32
	epoch  uint64
	open   bool
	// positions and messages are the lane as the broker stores it.
	messages []Message
	cursor   int
	record   Progress
	clean    bool
	suspects map[Sequence]bool
	// tries are the attempts of suspects when the lane was opened.
	tries map[Sequence]uint32
	// survived are the suspects that have succeeded since.
	survived map[Sequence]bool
	flushes  []Progress
	// revoked: draining; fencedOff: another owner's epoch was seen; paused: its hold is lost.
	revoked, fencedOff, paused bool
	given                      []Position
}

// worldConvoy is the truth about one key.
type worldConvoy struct {
	hash uint64
	// sequences are all messages of the key, in order; done those concluded.
	sequences  []Sequence
	done       map[Sequence]bool
	replayable map[Sequence]bool
	store      []Sequence
	cause      Cause
	released   bool
	killer     Sequence
	kills      int
}

type operation struct {
	queue  string
	effect Effect
}

type worldCall struct {
	effect Effect
	items  []Item
	// until is when the handler stops working on it at the latest; 0 once answered. lost: the worker was told TimedOut.
	// kills: its message kills the worker. alone: it is a suspect's.
	until Instant
	lost  bool
	kills bool
	alone bool
}

func newWorld(seed uint64) *world {
	w := &world{random: rand.New(rand.NewPCG(seed, 1)), keys: map[worldKey]*worldConvoy{}, payloads: map[Payload]bool{}, hostile: true, seen: map[string]int{}}
	pick := func(of ...int) int { return of[w.random.IntN(len(of))] }
	w.config = Config{
		MaxInFlightKeys: pick(1, 2, 4, 8), Timeout: 1000, MaxAttempts: pick(1, 2, 3), InitialBackoff: 10, MaxBackoff: 200, OnFailure: Policy(pick(0, 0, 0, 1, 2)),
		ParkMaxKeys: pick(1, 3, 50), ParkMaxMessagesPerKey: pick(2, 10, 500), BatchMaxMessages: pick(1, 1, 3), BatchMaxBytes: pick(5, 15, 100), Buffer: pick(4, 16, 64), LookAhead: pick(64, 100, 300),
		Brake: Brake{Window: 1200, Percent: pick(20, 90), MinFailed: pick(2, 1000)}, OutageKeys: pick(3, 1000), ProbeInterval: 50, Seed: seed,
	}
	w.killers = (w.config.OnFailure == DeadLetter || (w.config.OnFailure == Park && w.config.ParkMaxKeys == 50)) && pick(0, 1) == 1
	for i := range pick(1, 2, 4) {
		l := &worldLane{number: int32(i), clean: true}
		w.lanes = append(w.lanes, l)
		w.fill(l, 20+w.random.IntN(300), pick(1, 5, 30))
	}
	w.boot()
	return w
}

// fill writes messages into the lane; every second lane has a hot key, and some messages have none.
func (w *world) fill(l *worldLane, messages, keys int) {
	position := Position(0)
	for i := range messages {
		position += Position(1 + w.random.IntN(3))
		n := w.random.IntN(keys)
		if l.number%2 == 1 && w.random.IntN(3) > 0 {
			n = 0
		}
		name := fmt.Sprintf("k%d", n)
		if w.random.IntN(40) == 0 {
			l.messages = append(l.messages, Message{Position: position, Sequence: Sequence(1000 + 2*i)})
			w.convoy(l.number, "").done[Sequence(1000+2*i)] = true
			continue
		}
		m := Message{Position: position, Sequence: Sequence(1000 + 2*i), Hash: uint64(n % 3), Key: name, Size: sizeOf(Position(1000 + 2*i))}
		l.messages = append(l.messages, m)
		c := w.convoy(l.number, name)
		c.hash = m.Hash
		c.sequences = append(c.sequences, m.Sequence)
		if w.killers && w.random.IntN(100) == 0 {
			c.killer = m.Sequence
		}
	}
}

func (w *world) convoy(lane int32, name string) *worldConvoy {
	c := w.keys[worldKey{lane, name}]
	if c == nil {
		c = &worldConvoy{done: map[Sequence]bool{}, replayable: map[Sequence]bool{}}
		w.keys[worldKey{lane, name}] = c
	}
	return c
}

func (w *world) fail(format string, args ...any) {
	if w.err == nil {
		w.err = fmt.Errorf(format, args...)
	}
}

func (w *world) say(format string, args ...any) {
	if !w.verbose {
		return
	}
	if len(w.log) > 2**worldTail {
		w.log = append(w.log[:0], w.log[*worldTail:]...)
	}
	w.log = append(w.log, fmt.Sprintf("%6d ", w.now)+fmt.Sprintf(format, args...))
}

// body makes a payload that belongs to the sequencer from now on.
func (w *world) body() Payload {
	w.nextBody++
	w.payloads[w.nextBody] = true
	return w.nextBody
}

// boot starts a worker process, once no call of its predecessor can be running.
func (w *world) boot() {
	for _, c := range w.calls {
		w.now = max(w.now, c.until)
	}
	w.calls = nil
	w.operations = nil
	w.payloads = map[Payload]bool{}
	w.refusing = false
	w.seq, w.err = New(w.config)
	if w.err != nil {
		return
	}
	w.seq.trace = func(from State, on trigger, to State) { w.seen[fmt.Sprintf("%v %v %v", from, on, to)]++ }
	for _, l := range w.lanes {
		w.open(l)
	}
}

func (w *world) open(l *worldLane) {
	l.epoch++
	o := Opening{Lane: l.number, Epoch: l.epoch, Progress: l.record, Crashed: !l.clean}
	if !l.clean {
		o.CarefulThrough = l.messages[len(l.messages)-1].Position
		l.suspects = map[Sequence]bool{}
		for _, a := range l.record.Attempts {
			l.suspects[a.Sequence] = true
		}
	}
	l.tries = map[Sequence]uint32{}
	for _, a := range l.record.Attempts {
		l.tries[a.Sequence] = a.Attempts
	}
	for k, c := range w.keys {
		if k.lane == l.number && len(c.store) > 0 {
			if l.clean && slices.Contains(c.store, c.killer) {
				c.kills = max(0, c.kills-1)
			}
			o.Parked = append(o.Parked, ParkedKey{
				Hash: c.hash, Key: k.name, First: c.store[0], Last: c.store[len(c.store)-1],
				Count: len(c.store), Released: c.cause == CauseLookAhead || c.released,
			})
		}
	}
	slices.SortFunc(o.Parked, func(a, b ParkedKey) int { return cmp.Compare(a.Key, b.Key) })
	if err := w.seq.Open(o); err != nil {
		w.fail("open: %w", err)
	}
	l.survived = map[Sequence]bool{}
	l.open, l.revoked, l.fencedOff, l.paused, l.clean, l.flushes, l.given = true, false, false, false, false, nil, nil
	for l.cursor = 0; l.cursor < len(l.messages) && l.messages[l.cursor].Position <= l.record.LowWater; {
		l.cursor++
	}
	w.say("open lane %d epoch %d crashed %v low %d ranges %v attempts %v parked %v",
		l.number, l.epoch, o.Crashed, l.record.LowWater, l.record.Ranges, l.record.Attempts, o.Parked)
}

// crash ends the process; what was on its way to the store arrives or not, in order for each queue.
func (w *world) crash() {
	w.say("crash")
	stopped := map[string]bool{}
	for _, op := range w.operations {
		if stopped[op.queue] || w.random.IntN(2) == 0 {
			stopped[op.queue] = true
			continue
		}
		w.apply(op, false)
	}
	for _, l := range w.lanes {
		l.clean = l.clean && !l.open
		w.forgetUnrecorded(l)
	}
	w.boot()
}

// forgetUnrecorded notes what a new owner may repeat: what is concluded but neither in the record nor gone from the
// store. It must be a tail of what is concluded.
func (w *world) forgetUnrecorded(l *worldLane) {
	recorded := map[Sequence]bool{}
	for _, m := range l.messages {
		recorded[m.Sequence] = l.record.Covers(m.Position)
	}
	for k, c := range w.keys {
		if k.lane != l.number || k.name == "" {
			continue
		}
		again := Sequence(0)
		for _, sequence := range c.sequences {
			if !c.done[sequence] {
				continue
			}
			if !recorded[sequence] || slices.Contains(c.store, sequence) {
				c.replayable[sequence] = true
				again = sequence
			} else if again != 0 {
				w.fail("lane %d key %s: %d would be repeated, its successor %d not", l.number, k.name, again, sequence)
			}
		}
	}
}
