// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package run

import (
	"context"
	"errors"
	"slices"
	"time"

	"convoy.dev/convoy/worker/broker"
	"convoy.dev/convoy/worker/drain"
	"convoy.dev/convoy/worker/order"
)

// progressInterval is how old progress may be that is not in the broker. What was completed within it is repeated after a
// crash.
const progressInterval = 100 * time.Millisecond

// chain are the store operations of one lane, of which one is under way at a time.
type chain struct {
	busy bool
	// letters are the dead letters to be written. One that fails goes behind the others.
	letters []letter
	// dirty says that progress has changed since the last flush was sent; now, that starts wait for the next one.
	dirty, now bool
	progress   order.Progress // the flush under way
	// after is when a flush may be made, after one that failed; waits the waits between those.
	after time.Time
	waits backoff
	// last is the lane's last word, once it has drained.
	last *order.Progress
	// failures are the last failures of keys, as far as they have not succeeded since.
	failures map[string]failure
}

func newChain() chain { return chain{waits: backoff{least: soonest, most: time.Second}} }

// letter is one dead letter, and what follows when it is durable.
type letter struct {
	letter broker.DeadLetter
	// absent says that the message's body has to be read first.
	absent bool
	done   func()
	// after is when it may be tried, waits the waits between attempts.
	after time.Time
	waits backoff
}

// soil notes that the lane's progress has changed.
func (w *Worker) soil(l *heldLane) {
	l.chain.dirty = true
	w.tickSoon()
}

func (w *Worker) tickSoon() {
	if w.tickAt.IsZero() {
		w.tickAt = w.at.Add(progressInterval)
	}
}

// tick makes the store operations that were put off.
func (w *Worker) tick() {
	if w.tickAt.IsZero() || w.at.Before(w.tickAt) {
		return
	}
	w.tickAt = time.Time{}
	for _, l := range w.lanes.round {
		if w.operate(l, true); l.chain.dirty {
			w.tickSoon() // An operation is under way, or one that failed waits.
		}
	}
}

// flushNow sends the lane's progress at once: starts wait for it.
func (w *Worker) flushNow(l *heldLane) {
	if l != nil {
		l.chain.dirty, l.chain.now = true, true
		w.operate(l, false)
	}
}

func (w *Worker) enqueue(l *heldLane, t letter) {
	t.waits = backoff{least: soonest, most: latest}
	l.chain.letters = append(l.chain.letters, t)
	w.operate(l, false)
}

// operate makes the lane's next store operation, if none is under way. due says that the progress interval is over.
func (w *Worker) operate(l *heldLane, due bool) {
	c := &l.chain
	switch {
	case c.busy:
	case l.fenced:
		if c.last != nil {
			w.leave(l) // Its last word would not be heard.
		}
	case c.last != nil:
		w.lastWord(l)
	case l.open && c.dirty && (due || c.now) && !w.at.Before(c.after):
		w.flush(l)
	case l.open && len(c.letters) > 0:
		w.writeLetter(l)
	}
}

// flush makes the lane's progress durable.
func (w *Worker) flush(l *heldLane) {
	c := &l.chain
	w.seq.Snapshot(l.number, &c.progress)
	w.limit(&c.progress)
	c.dirty, c.now = false, false
	version := c.progress.Version
	r := request{doing: "writing the progress of a lane", lane: l.number}
	w.store(l, r, func(ctx context.Context) error { return l.store.Flush(ctx, &c.progress, false) }, func(err error) {
		if err != nil {
			c.after = w.at.Add(c.waits.draw())
			w.soil(l)
			return
		}
		c.waits.reset()
		w.metrics.flushes.Inc()
		w.seq.Flushed(l.number, version)
	})
}

// writeLetter writes the first dead letter that may be tried.
func (w *Worker) writeLetter(l *heldLane) {
	c := &l.chain
	at := slices.IndexFunc(c.letters, func(t letter) bool { return !t.after.After(w.at) })
	if at < 0 {
		w.tickSoon()
		return
	}
	t := c.letters[at]
	c.letters = slices.Delete(c.letters, at, at+1)
	r := request{"writing a dead letter", l.number, t.letter.Position}
	w.store(l, r, func(ctx context.Context) error { return deadLetter(ctx, l.store, t) }, func(err error) {
		if err == nil {
			t.done()
			return
		}
		t.after = w.at.Add(t.waits.draw())
		c.letters = append(c.letters, t)
		w.tickSoon()
	})
}

// deadLetter writes a dead letter, with the message's body. Of a message that is gone there is nothing to be kept.
func deadLetter(ctx context.Context, store broker.Lane, t letter) error {
	if !t.absent {
		return store.DeadLetter(ctx, t.letter)
	}
	var err error
	if t.letter.Position != 0 {
		t.letter.Message, err = store.Fetch(ctx, t.letter.Position)
	} else {
		var found []broker.Message
		if found, err = store.ReadParked(ctx, t.letter.Key, t.letter.Sequence-1, 1); err == nil {
			t.letter.Message = found[0]
		}
	}
	switch {
	case errors.Is(err, broker.ErrGone):
		return nil
	case err != nil:
		return err
	}
	return store.DeadLetter(ctx, t.letter)
}

// store makes one operation of the lane's chain, and what follows from its end unless the lane is over.
func (w *Worker) store(l *heldLane, r request, operation func(context.Context) error, then func(error)) {
	l.chain.busy = true
	w.ask(func(context.Context) func() {
		ctx, cancel := context.WithTimeout(l.living, requestTime)
		defer cancel()
		err := operation(ctx)
		if err != nil && l.living.Err() == nil {
			w.trouble(r, err, func() bool { return w.is(l) })
		}
		return func() {
			if err == nil {
				w.succeeds(r)
			}
			w.stored(l, err, then)
		}
	})
}

func (w *Worker) stored(l *heldLane, err error, then func(error)) {
	l.chain.busy = false
	switch {
	case !w.is(l):
		return
	case l.fenced:
	case err != nil && broker.KindOf(err) == broker.Fenced:
		w.supersede(l)
	default:
		then(err)
	}
	if err == nil || l.chain.last != nil {
		w.operate(l, false) // What failed is made again by the tick.
	}
}

// laneDrained is for a lane of which nothing runs and nothing can still run. Its last word lets the next owner begin as if
// there had been no change; only then is it said to be empty.
func (w *Worker) laneDrained(l *heldLane, p *order.Progress) {
	if l == nil {
		return
	}
	l.open = false
	w.config.Log.Info("lane drained", "lane", l.number, "token", l.token.String(), "lowWater", p.LowWater, "ranges", len(p.Ranges), "fenced", l.fenced)
	if l.fenced {
		w.leave(l)
		return
	}
	w.limit(p)
	l.chain.last, l.chain.letters = p, nil
	w.operate(l, false)
}

// longDrain is how long a drain takes before somebody may ask what it waits for.
const longDrain = 5 * time.Second

// explainDrains tells the machine which key each long drain waits for, when it is another one.
func (w *Worker) explainDrains() {
	for _, l := range w.lanes.round {
		if !l.stopped || w.at.Sub(l.stoppedAt) < longDrain {
			continue
		}
		if wait, drains := w.seq.Waits(l.number); drains && wait.Key != l.waits {
			l.waits = wait.Key
			w.step(drain.Waits{Unit: laneUnit(l.number), Epoch: l.token.Epoch, Key: wait.Key})
		}
	}
}

// lastWord is repeated until it is heard. A broker that has a newer epoch takes no word any more; and one that did not
// answer for as long as the fence is not waited for, because nothing of the lane runs and another may reach it: the next
// owner then takes the lane for one whose owner died, and repeats what was completed since the last flush.
func (w *Worker) lastWord(l *heldLane) {
	l.chain.busy = true
	last := l.chain.last
	w.ask(func(context.Context) func() {
		ctx, cancel := context.WithTimeout(l.living, w.config.Fence)
		defer cancel()
		waits := backoff{least: soonest, most: latest}
		for {
			err := l.store.Flush(ctx, last, true)
			if err == nil || broker.KindOf(err) == broker.Fenced {
				break
			}
			w.trouble(request{doing: "writing the last word of a lane", lane: l.number}, err, func() bool { return w.is(l) })
			if !waits.wait(ctx) {
				break
			}
		}
		return func() { w.leave(l) }
	})
}

// limit cuts a progress to what the broker's records can hold.
func (w *Worker) limit(p *order.Progress) {
	if most := w.link.broker.Capabilities().MaxRanges; most > 0 {
		p.Limit(most)
	}
}
