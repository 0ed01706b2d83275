// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package run

import (
	"context"
	"slices"
	"time"

	"k8s.io/apimachinery/pkg/api/equality"

	"convoy.dev/convoy/api/v1alpha1"
)

// action is a ConvoyAction being carried out on this worker's lanes: the keys that were selected and are not begun, and those
// that are begun and not done. A lane takes its keys with it when it leaves; its next owner selects them again. So that a key
// that failed again is not released a second time by the same action, the park's record of the key names the action.
type action struct {
	order *v1alpha1.ActionOrder
	todo  []parkedAt
	begun map[parkedAt]bool
	// nextAt is when the next key may be begun.
	nextAt time.Time
	// concluded counts what is done, by an earlier process of this worker, too.
	concluded v1alpha1.ActionReport
}

// parkedAt is a key of a lane.
type parkedAt struct {
	lane *heldLane
	key  string
}

// orderedNow takes the order that the worker's object has, if it is another one. An earlier process may have begun it.
func (w *Worker) orderedNow(o *v1alpha1.ConvoyWorker) {
	var next *v1alpha1.ActionOrder
	if o.Spec != nil {
		next = o.Spec.Action
	}
	if equality.Semantic.DeepEqual(w.action.order, next) {
		return
	}
	if next == nil || w.action.order == nil || w.action.order.UID != next.UID {
		w.action = action{begun: map[parkedAt]bool{}, nextAt: w.at}
		if next != nil {
			w.action.concluded = v1alpha1.ActionReport{UID: next.UID}
			if s := o.Status; s != nil && s.Action != nil && s.Action.UID == next.UID {
				w.action.concluded.Done, w.action.concluded.Failed, w.action.concluded.Messages = s.Action.Done, s.Action.Failed, s.Action.Messages
			}
			w.config.Log.Info("an action begins", "action", next.UID, "type", next.Type)
		}
	}
	w.action.order = next
	if next == nil {
		return
	}
	w.action.todo = nil
	for _, l := range w.lanes.round {
		w.selectIn(l)
	}
}

// selectIn selects the keys of a lane. One that the action has released before and that is still run is being done.
func (w *Worker) selectIn(l *heldLane) {
	a := &w.action
	if a.order == nil || !l.open || l.stopped || l.fenced {
		return
	}
	for key, k := range l.parked.keys {
		at := parkedAt{l, key}
		switch {
		case a.begun[at] || !selects(a.order, k):
		case a.order.Type == v1alpha1.ActionRelease && k.mark.Action == a.order.UID:
			if k.mark.Released {
				a.begun[at] = true
			}
		default:
			a.todo = append(a.todo, at)
		}
	}
	slices.SortFunc(a.todo, func(x, y parkedAt) int { return sinceOf(x).Compare(sinceOf(y)) }) // The oldest first.
}

func sinceOf(at parkedAt) time.Time {
	if k := at.lane.parked.keys[at.key]; k != nil {
		return k.mark.Since
	}
	return time.Time{}
}

// selects says whether an order means a key. A key that is only diverted is run from the park already.
func selects(o *v1alpha1.ActionOrder, k *parkedKey) bool {
	diverted := k.mark.Reason == string(v1alpha1.ParkLookAhead)
	named := slices.Contains(o.KeyDigests, v1alpha1.KeyDigest(k.mark.Key))
	switch {
	case diverted && o.Type == v1alpha1.ActionRelease:
		return false
	case len(o.KeyDigests) > 0:
		return named
	case o.Reason != nil && k.mark.Reason != string(*o.Reason):
		return false
	case diverted && o.Reason == nil:
		return false // Not what is meant by all that is parked.
	}
	return o.ParkedBefore == nil || k.mark.Since.Before(o.ParkedBefore.Time)
}

// act begins the keys that are due.
func (w *Worker) act() {
	a := &w.action
	for len(a.todo) > 0 && !w.at.Before(a.nextAt) {
		at := a.todo[0]
		a.todo = a.todo[1:]
		k := at.lane.parked.keys[at.key]
		if k == nil || !w.is(at.lane) || at.lane.stopped || at.lane.fenced || a.begun[at] {
			continue
		}
		a.nextAt = w.at.Add(time.Minute / time.Duration(a.order.KeysPerMinute))
		a.begun[at] = true
		if a.order.Type == v1alpha1.ActionDiscard {
			w.config.Log.Warn("a parked key is discarded", "lane", at.lane.number, "messages", k.messages, "action", a.order.UID)
			w.seq.Discard(at.lane.number, k.hash, at.key)
			continue
		}
		w.release(at.lane, k, a.order.UID)
	}
	w.reportAction()
}

// release records that somebody wants the key to be run, and has it run: if the lane moves in between, its next owner knows.
func (w *Worker) release(l *heldLane, k *parkedKey, uid string) {
	k.mark.Released, k.mark.Action = true, uid
	mark := k.mark
	w.config.Log.Info("a parked key is released", "lane", l.number, "messages", k.messages, "action", uid)
	w.enqueuePark(l, parkOp{
		doing: "marking a parked key", do: func(ctx context.Context) error { return l.store.MarkParked(ctx, mark) },
		done: func() { w.seq.Release(l.number, k.hash, mark.Key) },
	})
}

// actionDue is when the next key may be begun; zero if none waits.
func (w *Worker) actionDue() time.Time {
	if len(w.action.todo) == 0 {
		return time.Time{}
	}
	return w.action.nextAt
}

// leftPark counts messages of a key that left the park.
func (w *Worker) leftPark(l *heldLane, key string, messages int32) {
	if w.action.begun[parkedAt{l, key}] {
		w.action.concluded.Messages += int64(messages)
	}
}

// actedOn notes that a key is done, or has failed again.
func (w *Worker) actedOn(l *heldLane, key string, failed bool) {
	at := parkedAt{l, key}
	if !w.action.begun[at] {
		return
	}
	delete(w.action.begun, at)
	if failed {
		w.action.concluded.Failed++
	} else {
		w.action.concluded.Done++
	}
}

// leavesAction takes the keys of a lane out of the action.
func (w *Worker) leavesAction(l *heldLane) {
	w.action.todo = slices.DeleteFunc(w.action.todo, func(at parkedAt) bool { return at.lane == l })
	for at := range w.action.begun {
		if at.lane == l {
			delete(w.action.begun, at)
		}
	}
}

// reportAction tells how far the action has come.
func (w *Worker) reportAction() {
	a := &w.action
	if a.order == nil {
		w.news.setAction(nil)
		return
	}
	report := a.concluded
	report.Keys = report.Done + report.Failed + int64(len(a.begun)+len(a.todo))
	complete := len(a.begun)+len(a.todo) == 0
	for _, l := range w.lanes.round {
		complete = complete && l.open
	}
	if complete {
		report.Complete = &complete
	}
	w.news.setAction(&report)
}
