// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package plan

import (
	"testing"
	"time"

	"convoy.dev/convoy/worker/drain"
)

// Each case changes a pool of two workers in which lane 0 is p0's at epoch 1, Owned or being Releasing since
// revision 4, and asks what its next grant may rest on.
func TestEvidence(t *testing.T) {
	lane0 := drain.Unit{}
	for _, c := range []struct {
		name   string
		change func(w *world, d *Pod, box *Worker)
		owned  evidence
		asked  evidence // while Releasing since 4
	}{
		{"a healthy worker", func(*world, *Pod, *Worker) {}, evidence{}, evidence{}},
		{"it has observed the revoke and not listed the lane", func(_ *world, _ *Pod, box *Worker) {
			box.Report.Observed, box.Report.Held = 5, nil
		}, evidence{}, evidence{basis: acknowledged}},
		{"it does not list the lane, but answers an earlier revision", func(_ *world, _ *Pod, box *Worker) {
			box.Report.Observed, box.Report.Held = 4, nil
		}, evidence{}, evidence{}},
		{"it has observed the revoke and drains", func(_ *world, _ *Pod, box *Worker) {
			box.Report.Observed, box.Report.Held[0].State = 5, drain.Draining
		}, evidence{}, evidence{}},
		{"it has observed the revoke, an earlier process has calls", func(_ *world, _ *Pod, box *Worker) {
			box.Report.Observed, box.Report.Held[0].State = 5, drain.Barred
		}, evidence{}, evidence{}},
		{"it has observed the revoke and still has the lane at an earlier epoch", func(_ *world, _ *Pod, box *Worker) {
			box.Report.Observed, box.Report.Held[0].Epoch = 5, 0
		}, evidence{}, evidence{}},
		{"it has resigned", func(_ *world, _ *Pod, box *Worker) { box.Report.Resigned = true },
			evidence{basis: resigned}, evidence{basis: resigned}},
		{"another pod of its name has resigned", func(_ *world, _ *Pod, box *Worker) {
			box.Report.Resigned, box.Pod.UID = true, "another"
		}, evidence{}, evidence{}},
		{"the broker refused it", func(_ *world, _ *Pod, box *Worker) {
			box.Report.Held[0].State, box.Report.Held[0].Floor = drain.Refused, 9
		}, evidence{refused, 9}, evidence{refused, 9}},
		{"the broker refused it, and it has resigned", func(_ *world, _ *Pod, box *Worker) {
			box.Report.Held[0].State, box.Report.Held[0].Floor, box.Report.Resigned = drain.Refused, 9, true
		}, evidence{refused, 9}, evidence{refused, 9}},
		{"the broker refused it at an earlier epoch", func(_ *world, _ *Pod, box *Worker) {
			box.Report.Held[0].State, box.Report.Held[0].Epoch = drain.Refused, 0
		}, evidence{}, evidence{}},
		{"Failed, every container terminated", func(_ *world, d *Pod, _ *Worker) {
			d.Phase, d.Containers = Failed, []ContainerState{Terminated, Terminated}
		}, evidence{basis: stopped}, evidence{basis: stopped}},
		{"Failed, the handler runs", func(_ *world, d *Pod, _ *Worker) {
			d.Phase, d.Containers = Failed, []ContainerState{Terminated, Started}
		}, evidence{}, evidence{}},
		{"Failed, nothing is known of its containers", func(_ *world, d *Pod, _ *Worker) {
			d.Phase, d.Containers = Failed, nil
		}, evidence{}, evidence{}},
		{"every container terminated, in a pod that may restart them", func(_ *world, d *Pod, _ *Worker) {
			d.Containers = []ContainerState{Terminated, Terminated}
		}, evidence{}, evidence{}},
		{"Failed by the word of pod garbage collection", func(_ *world, d *Pod, _ *Worker) {
			d.Phase, d.Containers, d.PodGC = Failed, []ContainerState{Terminated, Terminated}, true
		}, evidence{basis: lost}, evidence{basis: lost}},
		{"on no node, as a lagging cache has it", func(_ *world, d *Pod, _ *Worker) {
			d.Node, d.Phase = "", Pending
		}, evidence{}, evidence{}},
		{"its node is silent, for less than is waited", func(w *world, d *Pod, _ *Worker) {
			d.UnreachableSince = w.now.Add(time.Nanosecond - w.Pool.UnreachableAfter)
		}, evidence{}, evidence{}},
		{"its node is silent for as long as is waited", func(w *world, d *Pod, _ *Worker) {
			d.UnreachableSince = w.now.Add(-w.Pool.UnreachableAfter)
		}, evidence{basis: lost}, evidence{basis: lost}},
		{"the same, and nobody else is healthy", func(w *world, d *Pod, _ *Worker) {
			d.UnreachableSince = w.now.Add(-w.Pool.UnreachableAfter)
			w.pod("p1").ContainersReady = false
		}, evidence{}, evidence{}},
		{"the same, and nobody is to have its lanes", func(w *world, d *Pod, _ *Worker) {
			d.UnreachableSince, w.Pool.Wanted = w.now.Add(-w.Pool.UnreachableAfter), 0
			w.pod("p1").ContainersReady = false
		}, evidence{basis: lost}, evidence{basis: lost}},
		{"the same, and nothing is ever taken by force", func(w *world, d *Pod, _ *Worker) {
			d.UnreachableSince, w.Pool.UnreachableAfter = w.now.Add(-time.Hour), 0
		}, evidence{}, evidence{}},
		{"the same, and it has acknowledged all the same", func(w *world, d *Pod, box *Worker) {
			d.UnreachableSince = w.now.Add(-w.Pool.UnreachableAfter)
			box.Report.Observed, box.Report.Held = 5, nil
		}, evidence{basis: lost}, evidence{basis: acknowledged}},
		{"absent", func(w *world, d *Pod, _ *Worker) {
			w.Absent = []PodRef{d.PodRef}
			d.PodRef = PodRef{"p7", "uid-p7"}
		}, evidence{basis: lost}, evidence{basis: lost}},
		{"its worker is down", func(w *world, d *Pod, _ *Worker) { d.WorkerDownSince = w.now.Add(-time.Hour) },
			evidence{}, evidence{}},
		{"it has no mailbox", func(w *world, _ *Pod, _ *Worker) { w.Workers = nil }, evidence{}, evidence{}},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := settled(t, 2, 2)
			c.change(w, w.pod("p0"), w.mailbox("p0"))
			p := newPlanner(w.State, w.now)
			p.judge()
			l := w.Table.Lanes[0]
			if got := p.evidenceFor(lane0, l); got != c.owned {
				t.Errorf("Owned: %+v, want %+v", got, c.owned)
			}
			l.State, l.Since = Releasing, 5
			if got := p.evidenceFor(lane0, l); got != c.asked {
				t.Errorf("Releasing: %+v, want %+v", got, c.asked)
			}
		})
	}
}
