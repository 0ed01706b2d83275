// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package run_test

import (
	"testing"
	"time"

	"convoy.dev/convoy/api/v1alpha1"
	"convoy.dev/convoy/worker/order"
)

func TestTheHandlerIsDownAtTheStart(t *testing.T) {
	story(t, 1, func(w *world) {
		w.handler.down = true
		p := w.start()
		w.grant(1, 1, 0)
		w.publish(0, "a")
		w.untilStates("0:Running")
		w.pass(10 * time.Second)
		if status, _ := w.api.condition(v1alpha1.ConditionHandlerAccepting); status != "False" || p.status(p.worker.Readyz) != 503 {
			w.t.Errorf("HandlerAccepting %q, ready %d", status, p.status(p.worker.Readyz))
		}
		w.handler.set(func() { w.handler.down = false })
		w.allDone()
		w.until("the condition is true", func() bool {
			status, _ := w.api.condition(v1alpha1.ConditionHandlerAccepting)
			return status == "True"
		})
		if p.status(p.worker.Readyz) != 200 {
			w.t.Error("not ready")
		}
	})
}

// A handler that is restarted refuses connections. No attempt is used up by that.
func TestTheHandlerIsRestarted(t *testing.T) {
	story(t, 1, func(w *world) {
		w.failure = order.DeadLetter
		w.start()
		w.grant(1, 1, 0)
		w.publish(0, "a")
		w.allDone()
		w.handler.set(func() { w.handler.down = true })
		w.publish(0, "a", "a", "b")
		w.pass(time.Minute)
		w.handler.set(func() { w.handler.down = false })
		w.allDone()
		w.handler.set(func() { w.handler.refuses = 20 })
		w.publish(0, "a")
		w.allDone()
		if got := len(w.broker.DeadLetters()); got > 0 {
			w.t.Errorf("%d messages were dead-lettered", got)
		}
	})
}

func TestTheHandlerHangs(t *testing.T) {
	story(t, 1, func(w *world) {
		w.handler.deaf = true
		w.start()
		w.grant(1, 1, 0)
		w.publish(0, "a", "b", "a")
		w.pass(35 * time.Second)
		w.handler.set(func() { w.handler.deaf = false })
		w.allDone()
	})
}

func TestConnectionsBreak(t *testing.T) {
	story(t, 1, func(w *world) {
		w.handler.cut = true
		w.start()
		w.grant(1, 1, 0)
		w.publish(0, "a", "b", "a")
		w.until("calls were cut", func() bool { return w.handler.count() == 2 })
		w.handler.set(func() { w.handler.cut = false })
		began := time.Now()
		w.allDone()
		if took := time.Since(began); took < timeout-time.Second {
			w.t.Errorf("the keys went on after %v: the handler may have been at work", took)
		}
	})
}
