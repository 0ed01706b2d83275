// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package run

import (
	"context"
	"errors"
	"time"

	"convoy.dev/convoy/api/v1alpha1"
	"convoy.dev/convoy/worker/broker"
	"convoy.dev/convoy/worker/lane"
	"convoy.dev/convoy/worker/order"
)

// parkedKey is one key of a lane that has messages in the parking store, or on the way there.
type parkedKey struct {
	mark broker.ParkedKey
	hash uint64
	// messages counts those in the store, through is the newest that was removed.
	messages int
	through  order.Sequence
}

// parked is a lane's side of its parking store: what is in it, and the operations on it, of which one is under way at a time.
// They are a chain of their own, so that progress is flushed while messages are parked.
type parked struct {
	keys map[string]*parkedKey
	ops  []parkOp
	busy bool
}

// parkOp is one operation of the parking store. It is made until it succeeds, and the others of the lane wait: what is
// parked of a key stays in order.
type parkOp struct {
	doing    string
	position order.Position
	do       func(context.Context) error
	done     func()
	// removal says what it removes, nil for another operation.
	removal *removal
}

// removal is a removal that waits, so that those that follow are made together with it.
type removal struct {
	key     string
	through order.Sequence
	counts  []int32
}

// loadParked reads what is parked in a lane. The sequencer opens the lane with it.
func (w *Worker) loadParked(ctx context.Context, l *heldLane) ([]broker.ParkedKey, error) {
	ctx, cancel := context.WithTimeout(ctx, loadTime)
	defer cancel()
	return l.store.LoadParked(ctx)
}

// loadTime bounds the reading of what is parked in a lane, which may be much.
const loadTime = 60 * time.Second

// keepParked notes what was found in the parking store, and tells the sequencer.
func (l *heldLane) keepParked(found []broker.ParkedKey, o *order.Opening) {
	for i := range found {
		k := &parkedKey{mark: found[i], hash: lane.Hash(found[i].Key), messages: found[i].Messages}
		l.parked.keys[k.mark.Key] = k
		o.Parked = append(o.Parked, order.ParkedKey{Hash: k.hash, Key: k.mark.Key, Last: k.mark.Last, Count: k.messages, Released: k.mark.Released})
	}
}

// carryPark does one thing that the sequencer asks of the parking store.
func (w *Worker) carryPark(l *heldLane, e *order.Effect) {
	if l == nil || l.fenced {
		return
	}
	switch e.Kind {
	case order.ParkMessage:
		w.parkMessage(l, e)
	case order.Reparked:
		w.repark(l, e)
	case order.Unpark:
		w.unpark(l, e)
	case order.Returned:
		w.returned(l, e)
	case order.ReadParked:
		w.readParked(l, e)
	default:
	}
}

// mark notes why a key is parked, and records it before anything else is done with it.
func (w *Worker) mark(l *heldLane, k *parkedKey) {
	mark := k.mark
	w.enqueuePark(l, parkOp{doing: "marking a parked key", do: func(ctx context.Context) error { return l.store.MarkParked(ctx, mark) }})
}

// whyParked is the mark of a key whose first message has failed for good.
func (w *Worker) whyParked(l *heldLane, key string) broker.ParkedKey {
	why := w.whyFailed(l, key)
	return broker.ParkedKey{Key: key, Reason: why.reason, Attempts: why.attempts, Since: time.Now().UTC()}
}

func (w *Worker) parkMessage(l *heldLane, e *order.Effect) {
	k := l.parked.keys[e.Key]
	diverted := k != nil && k.mark.Reason == string(v1alpha1.ParkLookAhead)
	switch {
	case k != nil && (!diverted || e.Cause != order.CauseFailed):
	case e.Cause == order.CauseLookAhead:
		k = w.note(l, e, broker.ParkedKey{Key: e.Key, Reason: string(v1alpha1.ParkLookAhead), Since: time.Now().UTC(), Released: true})
	default:
		k = w.note(l, e, w.whyParked(l, e.Key))
		w.config.Log.Warn("a key is parked", "lane", l.number, "sequence", e.Sequence, "reason", k.mark.Reason, "attempts", k.mark.Attempts)
	}
	kept := w.payloads.at(e.Payload)
	message, absent, gone := kept.message, kept.absent && !kept.gone, kept.gone
	key, hash, sequence := k.mark.Key, e.Hash, e.Sequence
	w.enqueuePark(l, parkOp{doing: "parking a message", position: e.Position, do: func(ctx context.Context) error {
		if absent && !gone {
			fetched, err := l.store.Fetch(ctx, message.Position)
			switch {
			case err == nil:
				message, absent = fetched, false
			case errors.Is(err, broker.ErrGone):
				gone = true
			default:
				return err
			}
		}
		if gone {
			// A message without a time stands for one that the broker no longer had. It keeps its place.
			message = broker.Message{Sequence: sequence}
		}
		return l.store.Park(ctx, key, message)
	}, done: func() {
		k.messages++
		w.metrics.messages.WithLabelValues(outcomeParked).Inc()
		w.seq.Parked(w.instant(w.at), l.number, hash, key, sequence)
	}})
}

// note notes that a key is parked from now on, or for another reason.
func (w *Worker) note(l *heldLane, e *order.Effect, mark broker.ParkedKey) *parkedKey {
	k := l.parked.keys[e.Key]
	if k == nil {
		k = &parkedKey{hash: e.Hash}
		l.parked.keys[mark.Key] = k
	}
	k.mark = mark
	w.mark(l, k)
	return k
}

// repark is for a key that failed again while it was run from its park.
func (w *Worker) repark(l *heldLane, e *order.Effect) {
	k := l.parked.keys[e.Key]
	if k == nil {
		return
	}
	action := k.mark.Action
	k.mark = w.whyParked(l, e.Key)
	k.mark.Action = action
	w.mark(l, k)
	w.actedOn(l, e.Key, true)
	w.config.Log.Warn("a released key is parked again", "lane", l.number, "sequence", e.Sequence, "reason", k.mark.Reason)
}

// unpark removes messages. What is removed of a key while a removal waits is removed together.
func (w *Worker) unpark(l *heldLane, e *order.Effect) {
	if n := len(l.parked.ops); n > 0 && l.parked.ops[n-1].removal != nil && l.parked.ops[n-1].removal.key == e.Key {
		r := l.parked.ops[n-1].removal
		r.through, r.counts = max(r.through, e.Sequence), append(r.counts, e.Count)
		return
	}
	r := &removal{key: e.Key, through: e.Sequence, counts: []int32{e.Count}}
	hash := e.Hash
	w.enqueuePark(l, parkOp{doing: "removing parked messages", removal: r, do: func(ctx context.Context) error {
		return l.store.Unpark(ctx, r.key, r.through, false)
	}, done: func() {
		k := l.parked.keys[r.key]
		for _, count := range r.counts {
			if k != nil {
				k.messages, k.through = k.messages-int(count), r.through
				w.leftPark(l, r.key, count)
			}
			w.seq.Unparked(w.instant(w.at), l.number, hash, r.key, count)
		}
	}})
}

// returned forgets a key whose park is empty.
func (w *Worker) returned(l *heldLane, e *order.Effect) {
	k := l.parked.keys[e.Key]
	if k == nil {
		return
	}
	delete(l.parked.keys, e.Key)
	w.actedOn(l, e.Key, false)
	key, through := k.mark.Key, k.through
	w.enqueuePark(l, parkOp{doing: "forgetting a parked key", do: func(ctx context.Context) error { return l.store.Unpark(ctx, key, through, true) }})
	if k.mark.Reason != string(v1alpha1.ParkLookAhead) {
		w.config.Log.Info("a parked key goes on", "lane", l.number, "sequence", through)
	}
}

// readParked reads messages that are to be run from the park, again and again until it succeeds.
func (w *Worker) readParked(l *heldLane, e *order.Effect) {
	key, hash, after, read, count := e.Key, e.Hash, e.Sequence, e.Read, int(e.Count)
	w.ask(func(context.Context) func() {
		found, err := w.insist(l.living, l, request{"reading parked messages", l.number, 0}, func(ctx context.Context) ([]broker.Message, error) {
			return l.store.ReadParked(ctx, key, after, count)
		})
		if err != nil {
			return nil
		}
		return func() {
			if !w.is(l) || !l.open {
				return
			}
			messages := make([]order.Message, 0, len(found))
			for i := range found {
				messages = append(messages, order.Message{
					Sequence: found[i].Sequence, Hash: hash, Key: key, Size: uint32(len(found[i].Data)), Payload: w.payloads.put(found[i], found[i].Timestamp.IsZero()),
				})
			}
			w.seq.ParkedMessages(l.number, hash, key, read, messages)
		}
	})
}

// enqueuePark adds an operation to those of the lane's parking store.
func (w *Worker) enqueuePark(l *heldLane, op parkOp) {
	l.parked.ops = append(l.parked.ops, op)
	w.operatePark(l)
}

// operatePark makes the next operation of the lane's parking store, if none is under way.
func (w *Worker) operatePark(l *heldLane) {
	if l.parked.busy || len(l.parked.ops) == 0 || l.fenced || !w.is(l) {
		return
	}
	op := l.parked.ops[0]
	l.parked.ops = l.parked.ops[1:]
	l.parked.busy = true
	w.ask(func(context.Context) func() {
		_, err := w.insist(l.living, l, request{op.doing, l.number, op.position}, func(ctx context.Context) ([]broker.Message, error) {
			return nil, op.do(ctx)
		})
		return func() {
			l.parked.busy = false
			if err != nil || !w.is(l) || l.fenced {
				return
			}
			if op.done != nil {
				op.done()
			}
			w.operatePark(l)
		}
	})
}
