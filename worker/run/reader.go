// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package run

import (
	"time"

	"convoy.dev/convoy/worker/broker"
	"convoy.dev/convoy/worker/lane"
	"convoy.dev/convoy/worker/order"
)

// arrival is a message that was read, with its key, or why it has none.
type arrival struct {
	message broker.Message
	key     string
	hash    uint64
	noKey   error
}

// read reads a lane until it takes no more messages. It is a task of the lane.
func (w *Worker) read(l *heldLane, after order.Position) {
	waits := backoff{least: soonest, most: latest}
	r, failed := request{doing: "reading a lane", lane: l.number}, false
	for l.reading.Err() == nil {
		err := l.store.Read(l.reading, after, func(messages []broker.Message) error {
			waits.reset()
			if failed {
				failed = false
				w.inbox.post(func() { w.succeeds(r) })
			}
			after = messages[len(messages)-1].Position
			return w.hand(l, w.evaluate(messages))
		})
		switch {
		case l.reading.Err() != nil:
			return
		case broker.KindOf(err) == broker.Fenced && err != nil:
			w.inbox.post(func() { w.supersede(l) })
			return
		case err != nil:
			failed = true
			w.trouble(r, err, func() bool { return w.is(l) && !l.stopped })
		}
		if !waits.wait(l.reading) {
			return
		}
	}
}

// evaluate finds the messages' keys, here and not in the loop, so that lanes share the work among processors.
func (w *Worker) evaluate(messages []broker.Message) []arrival {
	began := time.Now()
	batch := make([]arrival, len(messages))
	for i := range messages {
		a := &batch[i]
		a.message = messages[i]
		if a.key, a.noKey = w.config.Key.Eval(a.message.Message); a.noKey == nil {
			a.hash = lane.Hash(a.key)
		}
	}
	w.metrics.keyed.Add(time.Since(began).Seconds())
	return batch
}

// hand gives a batch to the loop and waits until there is room for the next: this is what slows a reader down.
func (w *Worker) hand(l *heldLane, batch []arrival) error {
	w.inbox.post(func() { w.arrived(l, batch) })
	select {
	case <-l.feed.more:
		return nil
	case <-l.reading.Done():
		return l.reading.Err()
	}
}
