// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package run_test

import (
	"fmt"
	"testing"
)

// A process begins anew within a long run of messages without a key. The claim is not new: they are dead-lettered, and what follows
// them is run.
func TestKeylessMessagesAfterARestart(t *testing.T) {
	const run = 1500 // More than a router or a lane's reader reads ahead.
	routed(t, 1, func(w *world) {
		p := w.start()
		w.grantAll(1, 1, 0)
		w.send("a")
		w.allDone()
		w.until("it is recorded", func() bool { return w.broker.Saved(0).Progress.LowWater > 0 })
		p.crash()
		for i := range run {
			w.sendData(fmt.Sprintf(`{"other": %d}`, i))
		}
		w.send("a")
		w.start()
		w.allDone()
		if got := len(w.broker.DeadLetters()); got != run {
			t.Errorf("%d dead letters, want %d", got, run)
		}
	})
}
