// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package run_test

import (
	"fmt"
	"testing"
	"time"

	"convoy.dev/convoy/worker/run"
)

func TestLanesAreRunAndHandedBack(t *testing.T) {
	story(t, 4, func(w *world) {
		for i := range 40 {
			w.publish(int32(i%4), fmt.Sprint("key ", i%10, " of ", i%4))
		}
		p := w.start()
		w.grant(1, 1, 0, 1, 2)
		w.untilStates("0:Running 1:Running 2:Running")
		w.pass(time.Second)
		if got := w.handler.count(); got != 30 {
			w.t.Errorf("%d calls, want the 30 of three lanes", got)
		}
		w.grant(2, 2, 3, 2)
		w.until("the report has the new lanes", func() bool { return w.states() == "2:Running 3:Running" && w.api.report().Observed == 2 })
		w.allDone()
		p.worker.Stop()
		if got := p.wait(); got != run.Resigned {
			w.t.Errorf("ended as %v", got)
		}
		if r := w.api.report(); !r.Resigned || len(r.Held) > 0 {
			w.t.Errorf("report %+v", r)
		}
		for lane := range int32(4) {
			if saved := w.broker.Saved(lane); !saved.Final {
				w.t.Errorf("lane %d has no last word: %+v", lane, saved)
			}
		}
	})
}
