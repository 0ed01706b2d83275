// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package run_test

import (
	"testing"
	"time"

	"convoy.dev/convoy/worker/broker/brokertest"
	"convoy.dev/convoy/worker/deliver"
	"convoy.dev/convoy/worker/order"
)

func TestMessagesOfOneKeyAreHandedOverTogether(t *testing.T) {
	story(t, 1, func(w *world) {
		w.batch = 10
		p := w.start()
		w.grant(1, 1, 0)
		for range 100 {
			w.publish(0, "a", "b")
		}
		w.allDone()
		if calls := w.handler.count(); w.handler.longest != 10 || calls > 100 {
			w.t.Errorf("%d calls, of at most %d messages", calls, w.handler.longest)
		}
		w.until("progress is whole", func() bool { return w.broker.Saved(0).Progress.LowWater == 200 })
		if done := p.metric("convoy_worker_messages_total", "done"); done != 200 {
			w.t.Errorf("%v messages are counted", done)
		}
	})
}

func TestABatchIsBoundedByBytes(t *testing.T) {
	story(t, 1, func(w *world) {
		w.batch, w.batchBytes = 10, 3*len(`{"k": "a", "n": 1}`)
		w.start()
		for range 9 {
			w.publish(0, "a")
		}
		w.grant(1, 1, 0)
		w.allDone()
		if w.handler.longest != 3 {
			w.t.Errorf("calls of at most %d messages", w.handler.longest)
		}
	})
}

// The handler completes 3 of 10 and fails at the fourth, which then comes by itself until it is done.
func TestTheFirstMessagesOfABatchAreCompleted(t *testing.T) {
	story(t, 1, func(w *world) {
		w.batch = 10
		var attempts []uint32
		w.handler.does = func(_ string, n int, c *deliver.Call) (time.Duration, deliver.Outcome) {
			switch {
			case n < 4 && n+c.Len() > 4:
				return time.Millisecond, deliver.Outcome{Kind: deliver.Failed, Completed: 4 - n}
			case n == 4:
				if attempts = append(attempts, c.Attempt); c.Len() != 1 {
					w.t.Errorf("the message at fault comes with %d others", c.Len()-1)
				}
				if len(attempts) == 1 {
					return time.Millisecond, deliver.Outcome{Kind: deliver.Failed}
				}
			}
			return time.Millisecond, deliver.Outcome{Kind: deliver.Done}
		}
		for range 10 {
			w.publish(0, "a")
		}
		p := w.start()
		w.grant(1, 1, 0)
		w.allDone()
		if len(attempts) != 2 || attempts[0] != 2 || attempts[1] != 3 {
			w.t.Errorf("the message at fault was tried by itself at attempts %v", attempts)
		}
		if done := p.metric("convoy_worker_messages_total", "done"); done != 10 || w.handler.repeats() != 0 {
			w.t.Errorf("%v messages are counted, %d that were done came again", done, w.handler.repeats())
		}
	})
}

func TestABatchThatIsRefusedIsTriedOneByOne(t *testing.T) {
	story(t, 1, func(w *world) {
		w.batch, w.failure, w.handler.skips = 5, order.DeadLetter, true
		w.handler.does = func(_ string, n int, c *deliver.Call) (time.Duration, deliver.Outcome) {
			if at := 3 - n; at >= 0 && at < c.Len() {
				return time.Millisecond, deliver.Outcome{Kind: deliver.Failed, Permanent: true, Completed: at}
			}
			return time.Millisecond, deliver.Outcome{Kind: deliver.Done}
		}
		for range 10 {
			w.publish(0, "a")
		}
		w.start()
		w.grant(1, 1, 0)
		w.allDone()
		letters := w.broker.DeadLetters()
		if len(letters) != 1 || string(letters[0].Data) != `{"k": "a", "n": 3}` || letters[0].Reason != "Rejected" || letters[0].Attempts != 2 {
			w.t.Errorf("dead letters %+v", letters)
		}
	})
}

// Some messages of a hot key are gone when they are to be read again: a call goes on without them, and what it completes is
// counted in the right place. Where the gap ends differs, so that some call has messages on both sides of it.
func TestMessagesOfABatchAreGone(t *testing.T) {
	for through := 241; through < 251; through++ {
		story(t, 1, func(w *world) {
			w.batch, w.memory, w.handler.skips = 10, 100, true
			w.handler.does = func(_ string, n int, c *deliver.Call) (time.Duration, deliver.Outcome) {
				if c.Len() > 2 && (n%3 == 0 || n == through+1) {
					return 20 * time.Millisecond, deliver.Outcome{Kind: deliver.Failed, Completed: 2}
				}
				return 20 * time.Millisecond, deliver.Outcome{Kind: deliver.Done}
			}
			p := w.start()
			w.grant(1, 1, 0)
			for range 300 {
				w.publish(0, "hot")
			}
			w.until("it runs", func() bool { return w.handler.completed("hot") > 5 })
			w.broker.Fail(brokertest.Fault{Operation: brokertest.Fetch, Times: 3})
			w.broker.Trim(order.Position(through))
			w.allDone()
			w.until("progress is whole", func() bool { return w.broker.Saved(0).Progress.LowWater == 300 })
			gone, done := p.metric("convoy_worker_messages_total", "gone"), p.metric("convoy_worker_messages_total", "done")
			if gone < 100 || gone+done != 300 || w.handler.repeats() > 0 || w.handler.longest < 3 {
				w.t.Errorf("%v messages are counted as gone, %v as done; %d that were done came again; calls of at most %d",
					gone, done, w.handler.repeats(), w.handler.longest)
			}
			if left := p.metric("convoy_worker_message_bytes_in_memory", ""); left > 100 {
				w.t.Errorf("%v bytes in memory", left)
			}
		})
	}
}
