// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package sim

import (
	"errors"
	"time"

	"convoy.dev/convoy/worker/drain"
	"convoy.dev/convoy/worker/order"
)

// heldLane is a lane that a worker process runs, from the moment it may start messages until it is drained.
type heldLane struct {
	number  int32
	token   drain.Token
	open    bool // in the sequencer
	stopped bool // to be drained
	fenced  bool // a newer epoch is in force: nothing of it can be written any more
	aborted bool // and nobody waits for its end

	cursor   int  // index of the next message to read
	reading  bool // a read is under way
	ops      []order.Effect
	opsDone  int
	busy     bool            // the first of ops is under way
	failing  map[string]bool // keys with a message to be tried again, for one of the faults
	dirty    bool            // progress has changed since the last flush was sent
	flushing bool            // a flush is under way
}

func (wk *worker) startUnit(unit drain.Unit, token drain.Token) {
	wk.unpause(unit)
	if unit.Kind == drain.Shard {
		return // nothing is routed
	}
	l := &heldLane{number: unit.Index, token: token, failing: map[string]bool{}}
	if wk.lanes[unit.Index] != nil {
		// The sequencer still waits for calls of the grant before, which was superseded.
		wk.next[unit.Index] = l
		return
	}
	wk.lanes[unit.Index] = l
	wk.load(l)
}

// current says whether the lane is still to be run.
func (wk *worker) current(l *heldLane) bool { return wk.lanes[l.number] == l && !l.aborted }

// load fetches the lane's progress and parked keys: after the quarantine, so that it is the last word.
func (wk *worker) load(l *heldLane) {
	b := wk.w.broker
	var o order.Opening
	stored := 0
	b.request(wk.process, wk.run.on.broker, func() (err error) {
		o, err = b.load(l, wk.run.uid)
		stored = b.lanes[l.number].stored
		return err
	}, func(err error) {
		switch {
		case !wk.current(l) || l.open:
		case errors.Is(err, errFenced):
			wk.supersede(l)
		case err != nil:
			wk.process.after(20*time.Millisecond, func() {
				if wk.current(l) {
					wk.load(l)
				}
			})
		default:
			l.opsDone = stored // and not when a copy of the request comes late
			wk.openLane(l, o)
		}
	})
}

func (wk *worker) openLane(l *heldLane, o order.Opening) {
	if err := wk.seq.Open(o); err != nil {
		panic(err)
	}
	l.open = true
	if wk.paused[laneUnit(l.number)] {
		// The hold was lost while the lane was loaded.
		wk.seq.Pause(l.number)
	}
	messages := wk.w.broker.lanes[l.number].messages
	for l.cursor < len(messages) && messages[l.cursor].Position <= o.Progress.LowWater {
		l.cursor++
	}
	wk.w.tell(about{pod: wk.run.name, lane: unitName(laneUnit(l.number))}, "opened at %v, progress %d %v, crashed %t, parked %d",
		l.token, o.Progress.LowWater, o.Progress.Ranges, o.Crashed, len(o.Parked))
	wk.pumpSoon()
}

// supersede tells the machine that a newer epoch is in force: the store will answer nothing more of the lane.
func (wk *worker) supersede(l *heldLane) {
	unit := laneUnit(l.number)
	l.fenced, l.ops = true, nil
	wk.cancelCalls(unit)
	wk.seq.Fenced(l.number)
	wk.pumpSoon()
	wk.step(drain.Superseded{Unit: unit, Epoch: l.token.Epoch, Floor: wk.w.broker.records[unit].token.Epoch})
}

func (wk *worker) stopUnit(unit drain.Unit, token drain.Token) {
	if unit.Kind == drain.Shard {
		wk.process.after(wk.w.dice.span(time.Millisecond, 30*time.Millisecond), func() { wk.emptied(unit, token) })
		return
	}
	switch l, waiting := wk.lanes[unit.Index], wk.next[unit.Index]; {
	case waiting != nil && waiting.token == token:
		wk.next[unit.Index] = nil
		wk.process.after(0, func() { wk.emptied(unit, token) })
	case l != nil && l.token == token && l.open:
		l.stopped = true
		wk.seq.Revoke(l.number)
		wk.pumpSoon()
	default:
		if l != nil && l.token == token {
			wk.drop(l)
		}
		wk.process.after(0, func() { wk.emptied(unit, token) })
	}
}

func (wk *worker) emptied(unit drain.Unit, token drain.Token) {
	wk.unpause(unit)
	wk.step(drain.Emptied{Unit: unit, Epoch: token.Epoch})
}

func (wk *worker) abortUnit(unit drain.Unit, token drain.Token) {
	wk.unpause(unit)
	if unit.Kind == drain.Shard {
		return
	}
	if waiting := wk.next[unit.Index]; waiting != nil && waiting.token == token {
		wk.next[unit.Index] = nil
		return
	}
	l := wk.lanes[unit.Index]
	if l == nil || l.token != token {
		return
	}
	l.aborted, l.fenced, l.ops = true, true, nil
	if !l.open {
		wk.drop(l)
		return
	}
	wk.cancelCalls(unit)
	wk.seq.Fenced(l.number)
	wk.pumpSoon()
}

// drop forgets a lane, and lets the next grant of it begin.
func (wk *worker) drop(l *heldLane) {
	if l == nil || wk.lanes[l.number] != l {
		return
	}
	l.aborted = true
	wk.lanes[l.number] = wk.next[l.number]
	wk.next[l.number] = nil
	if next := wk.lanes[l.number]; next != nil {
		wk.load(next)
	}
}

// carry does one thing that the sequencer asks for.
func (wk *worker) carry(e *order.Effect) {
	l := wk.lane(e.Lane)
	if l != nil {
		l.dirty = true
	}
	switch e.Kind {
	case order.Start:
		wk.deliver(e)
	case order.Record:
		wk.flush(l)
	case order.Read, order.ReadParked, order.ParkMessage, order.Unpark, order.Reparked, order.Returned, order.DeadLetterMessage:
		if l != nil && !l.fenced {
			op := *e
			op.Items = nil
			l.ops = append(l.ops, op)
			wk.operate(l)
		}
	case order.Drained:
		wk.drained(l, e.Progress)
	default:
	}
	wk.flushLater()
}

func (wk *worker) lane(number int32) *heldLane {
	if l := wk.lanes[number]; l != nil && l.open {
		return l
	}
	return nil
}

// feed hands messages of the lane to the sequencer as it asks for them.
func (wk *worker) feed(l *heldLane) {
	if l == nil || !l.open || l.stopped || l.aborted || l.fenced || l.reading || wk.w.faults.holdsUp(l) {
		return
	}
	credit := wk.seq.Credit(l.number)
	if credit <= 0 || l.cursor >= wk.w.broker.lanes[l.number].announced {
		return
	}
	l.reading = true
	b, from := wk.w.broker, l.cursor
	var found []order.Message
	b.request(wk.process, wk.run.on.broker, func() error {
		found = b.read(l.number, from, credit)
		return nil
	}, func(err error) {
		l.reading = false
		if !wk.current(l) || l.stopped {
			return
		}
		if err != nil {
			wk.process.after(20*time.Millisecond, wk.pump)
			return
		}
		for _, m := range found {
			if !wk.seq.Message(l.number, m) {
				break
			}
			l.cursor++
			l.dirty = true
		}
		wk.pumpSoon()
	})
}

// published hears that a lane has a new message.
func (wk *worker) published(lane int32) {
	if l := wk.lanes[lane]; l != nil && l.open {
		wk.process.after(wk.w.dice.span(100*time.Microsecond, 5*time.Millisecond), wk.pumpSoon)
	}
}

// operate sends the first of the lane's store operations; they are made one after another, each until it succeeds.
func (wk *worker) operate(l *heldLane) {
	if l.busy || len(l.ops) == 0 || l.fenced {
		return
	}
	l.busy = true
	b, e, number := wk.w.broker, l.ops[0], l.opsDone+1
	var parked []order.Message
	b.request(wk.process, wk.run.on.broker, func() error {
		if e.Kind == order.ReadParked {
			parked = b.parkedMessages(&e)
		}
		return b.store(&e, wk, l, number)
	}, func(err error) {
		l.busy = false
		switch {
		case l.fenced:
		case errors.Is(err, errFenced):
			wk.supersede(l)
		case err != nil:
			wk.process.after(30*time.Millisecond, func() { wk.operate(l) })
		default:
			l.ops, l.opsDone = l.ops[1:], number
			wk.stored(&e, parked)
			wk.operate(l)
		}
	})
}

// stored tells the sequencer that a store operation is done.
func (wk *worker) stored(e *order.Effect, parked []order.Message) {
	now := wk.instant()
	switch e.Kind {
	case order.ParkMessage:
		wk.seq.Parked(now, e.Lane, e.Hash, e.Key, e.Sequence)
	case order.Unpark:
		wk.seq.Unparked(now, e.Lane, e.Hash, e.Key, e.Count)
	case order.DeadLetterMessage:
		wk.seq.DeadLettered(now, e.Lane, e.Hash, e.Key)
	case order.Read:
		wk.seq.Reread(e.Lane, wk.w.broker.lanes[e.Lane].messages[e.Position-1])
	case order.ReadParked:
		if len(parked) > 0 {
			wk.seq.ParkedMessages(e.Lane, e.Hash, e.Key, e.Read, parked)
		}
	default:
	}
	wk.pumpSoon()
}

// flushLater starts the progress interval, if it is not running.
func (wk *worker) flushLater() {
	if wk.flushing {
		return
	}
	wk.flushing = true
	wk.process.after(progressInterval, func() {
		wk.flushing = false
		for _, l := range wk.lanes {
			if l != nil && l.dirty {
				wk.flush(l)
			}
		}
	})
}

// flush sends the lane's progress; one flush of a lane is under way at a time.
func (wk *worker) flush(l *heldLane) {
	if l == nil || !l.open || l.flushing || l.fenced {
		return
	}
	record := progressRecord{token: l.token}
	if !wk.seq.Snapshot(l.number, &record.progress) {
		return
	}
	l.dirty, l.flushing = false, true
	b, version := wk.w.broker, record.progress.Version
	b.request(wk.process, wk.run.on.broker, func() error {
		return b.flush(l.number, record, wk.run.uid)
	}, func(err error) {
		l.flushing = false
		switch {
		case !wk.current(l) || !l.open || l.fenced:
		case errors.Is(err, errFenced):
			wk.supersede(l)
		case err != nil && !errors.Is(err, errOutOfOrder):
			l.dirty = true
			wk.flushLater()
		default:
			wk.seq.Flushed(l.number, version)
			wk.pumpSoon()
			if l.dirty {
				wk.flushLater()
			}
		}
	})
}

// drained writes the last word of a lane, again until it is heard, and only then says that it is empty.
func (wk *worker) drained(l *heldLane, progress *order.Progress) {
	if l == nil {
		return
	}
	wk.w.tell(about{pod: wk.run.name, lane: unitName(laneUnit(l.number))}, "drained at %v, progress %d %v%s", l.token, progress.LowWater,
		progress.Ranges, ifTrue(l.fenced, ", superseded"))
	if aborted := l.aborted; l.fenced {
		wk.drop(l)
		if !aborted {
			wk.emptied(laneUnit(l.number), l.token)
		}
		return
	}
	l.open = false
	if wk.w.faults.noLastWord {
		wk.drop(l)
		wk.emptied(laneUnit(l.number), l.token)
		return
	}
	wk.lastWord(l, progressRecord{token: l.token, progress: *progress, final: true})
}

// A broker that has a newer epoch takes no word any more: then there is nothing left to say.
func (wk *worker) lastWord(l *heldLane, last progressRecord) {
	b := wk.w.broker
	b.request(wk.process, wk.run.on.broker, func() error {
		return b.flush(l.number, last, wk.run.uid)
	}, func(err error) {
		switch {
		case !wk.current(l):
		case err != nil && !errors.Is(err, errFenced):
			wk.process.after(30*time.Millisecond, func() {
				if wk.current(l) {
					wk.lastWord(l, last)
				}
			})
		default:
			wk.drop(l)
			wk.emptied(laneUnit(l.number), l.token)
		}
	})
}
