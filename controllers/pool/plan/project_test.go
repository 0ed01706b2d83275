// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package plan

import (
	"testing"

	"convoy.dev/convoy/worker/drain"
)

// A table that was put back can come to a revision again that its workers have seen in another history. They ignore what
// is new in it; only a newer revision reaches them.
func TestAWorkerOfAnotherHistoryIsToldAnew(t *testing.T) {
	for _, c := range []struct {
		name   string
		change func(box *Worker)
		anew   bool
	}{
		{"it does what it is told", func(*Worker) {}, false},
		{"it has observed the revision, and lacks a lane", func(b *Worker) { b.Report.Held = b.Report.Held[1:] }, true},
		{"it has observed the revision, and runs a lane that is not granted", func(b *Worker) {
			b.Report.Held = append(b.Report.Held, drain.Held{Unit: drain.Unit{Kind: drain.Shard, Index: 9}, Epoch: 3, State: drain.Running})
		}, true},
		{"it has not observed the revision", func(b *Worker) { b.Report.Held, b.Report.Observed = nil, b.Spec.Revision-1 }, false},
		{"it is on its way out", func(b *Worker) { b.Report.Held[0].State = drain.Draining; b.Report.Held = b.Report.Held[:1] }, false},
		{"it was refused", func(b *Worker) { b.Report.Held[0].State = drain.Refused }, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := settled(t, 4, 2)
			box := w.mailbox("p0")
			c.change(box)
			p := Make(w.State, w.now)
			told := false
			for _, s := range p.Specs {
				told = told || s.Pod == box.Pod && s.Spec.Revision > box.Report.Observed && len(p.Moves) == 0
			}
			if told != c.anew {
				t.Errorf("told anew: %v, want %v; the plan is %+v", told, c.anew, p)
			}
		})
	}
}
