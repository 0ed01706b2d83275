// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package run

import (
	"cmp"
	"context"
	"slices"
	"time"

	"convoy.dev/convoy/api/v1alpha1"
	"convoy.dev/convoy/worker/broker"
	"convoy.dev/convoy/worker/drain"
	"convoy.dev/convoy/worker/order"
)

// heldLane is a lane from the moment at which its messages may start until nothing of it can be running. It belongs to
// the loop; its contexts and its store are shared with the tasks that work for it.
type heldLane struct {
	number int32
	token  drain.Token
	store  broker.Lane

	// living ends when the lane is dropped, reading when it takes no more messages, calling when its calls are cancelled:
	// there is a new one when the hold comes back.
	living, reading, calling             context.Context
	stopLiving, stopReading, stopCalling context.CancelFunc

	open    bool // in the sequencer
	stopped bool // to be drained
	fenced  bool // a newer epoch is in force: nothing of it can be written any more
	unheld  bool // the hold is lost
	// stoppedAt is when it was asked to drain, waits the key that the drain was last said to wait for.
	stoppedAt time.Time
	waits     string

	feed   feed
	chain  chain
	parked parked
}

// laneSet are the lanes of a worker, by number.
type laneSet struct {
	current map[int32]*heldLane
	// round has them in ascending order.
	round []*heldLane
}

func (s *laneSet) put(l *heldLane) {
	if s.current == nil {
		s.current = map[int32]*heldLane{}
	}
	s.current[l.number] = l
	at, _ := slices.BinarySearchFunc(s.round, l.number, byNumber)
	s.round = slices.Insert(s.round, at, l)
}

func (s *laneSet) remove(l *heldLane) {
	delete(s.current, l.number)
	if at, found := slices.BinarySearchFunc(s.round, l.number, byNumber); found {
		s.round = slices.Delete(s.round, at, at+1)
	}
}

func byNumber(l *heldLane, number int32) int { return cmp.Compare(l.number, number) }

// lane is the lane of this number that the sequencer has, or nil.
func (w *Worker) lane(number int32) *heldLane {
	if l := w.lanes.current[number]; l != nil && l.open {
		return l
	}
	return nil
}

// is says whether the lane is still there.
func (w *Worker) is(l *heldLane) bool { return w.lanes.current[l.number] == l }

// startUnit takes a lane or a shard whose record is written. The machine opens nothing whose grant before has not been emptied.
func (w *Worker) startUnit(unit drain.Unit, token drain.Token) {
	o, ok := w.opened[unit]
	if !ok || o.token != token {
		panic("run: a lane or shard starts that was not opened")
	}
	delete(w.opened, unit)
	if unit.Kind == drain.Shard {
		w.startShard(unit, o)
		return
	}
	if w.lanes.current[unit.Index] != nil {
		panic("run: a lane starts that is still there")
	}
	l := &heldLane{number: unit.Index, token: token, store: o.lane, feed: newFeed(), chain: newChain(),
		parked: parked{keys: map[string]*parkedKey{}}}
	l.living, l.stopLiving = context.WithCancel(w.running)
	l.reading, l.stopReading = context.WithCancel(l.living)
	l.calling, l.stopCalling = context.WithCancel(l.living)
	w.lanes.put(l)
	w.load(l)
}

// load fetches what earlier owners left: now that nobody before this one can be running, so that it is the last word.
func (w *Worker) load(l *heldLane) {
	w.ask(func(context.Context) func() {
		waits := backoff{least: soonest, most: latest}
		for {
			o, parked, err := w.loadOnce(l)
			switch {
			case err == nil:
				return func() { w.openLane(l, o, parked) }
			case l.living.Err() != nil:
				return nil
			case broker.KindOf(err) == broker.Fenced:
				return func() { w.supersede(l) }
			}
			w.trouble(request{doing: "loading a lane", lane: l.number}, err, func() bool { return w.is(l) && !l.open })
			if !waits.wait(l.living) {
				return nil
			}
		}
	})
}

func (w *Worker) loadOnce(l *heldLane) (order.Opening, []broker.ParkedKey, error) {
	ctx, cancel := context.WithTimeout(l.living, requestTime)
	defer cancel()
	o, err := l.store.Load(ctx)
	if err != nil {
		return o, nil, err
	}
	parked, err := w.loadParked(l.living, l)
	return o, parked, err
}

func (w *Worker) openLane(l *heldLane, o order.Opening, parked []broker.ParkedKey) {
	if !w.is(l) || l.reading.Err() != nil || l.fenced {
		return
	}
	o.Lane, o.Epoch = l.number, uint64(l.token.Number())
	l.keepParked(parked, &o)
	if err := w.seq.Open(o); err != nil {
		panic("run: " + err.Error())
	}
	l.open = true
	w.selectIn(l)
	l.feed.covered = o.Progress
	w.hush(l)
	w.config.Log.Info("lane opened", "lane", l.number, "token", l.token.String(), "lowWater", o.Progress.LowWater, "ranges", len(o.Progress.Ranges),
		"crashed", o.Crashed, "attempts", len(o.Progress.Attempts), "parkedKeys", len(parked))
	w.spawn(func(context.Context) { w.read(l, o.Progress.LowWater) })
}

// supersede is for a lane whose store says that a newer epoch is in force: it answers nothing more, and the machine has the
// lane's calls cancelled and the lane drained.
func (w *Worker) supersede(l *heldLane) {
	if !w.is(l) || l.fenced {
		return
	}
	w.config.Log.Warn("another worker has the lane", "lane", l.number, "token", l.token.String())
	l.fenced = true
	l.chain.letters, l.parked.ops = nil, nil
	w.seq.Fenced(l.number)
	w.step(drain.Superseded{Unit: laneUnit(l.number), Epoch: l.token.Epoch, Floor: l.token.Epoch})
}

// stopUnit drains a lane, or ends routing. One that the sequencer does not have yet is empty.
func (w *Worker) stopUnit(unit drain.Unit, token drain.Token) {
	if unit.Kind == drain.Shard {
		w.stopShard(unit, token)
		return
	}
	l := w.lanes.current[unit.Index]
	if l == nil || l.token != token {
		panic("run: a lane stops that is not there")
	}
	l.stopReading()
	if !l.open {
		w.inbox.post(func() { w.leave(l) })
		return
	}
	l.stopped, l.stoppedAt = true, w.at
	l.feed.clear()
	w.seq.Revoke(l.number)
}

// leave drops a lane that is empty, and says so.
func (w *Worker) leave(l *heldLane) {
	if !w.is(l) {
		return
	}
	l.stopLiving()
	w.lanes.remove(l)
	w.leavesAction(l)
	w.goOn(v1alpha1.ConditionLaneBlocked, l)
	w.goOn(v1alpha1.ConditionBraking, l)
	if !l.stoppedAt.IsZero() {
		w.metrics.handover.Observe(w.at.Sub(l.stoppedAt).Seconds())
	}
	w.step(drain.Emptied{Unit: laneUnit(l.number), Epoch: l.token.Epoch})
}

func laneUnit(number int32) drain.Unit { return drain.Unit{Kind: drain.Lane, Index: number} }
