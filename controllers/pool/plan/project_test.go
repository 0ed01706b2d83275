// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package plan

import "testing"

// Of a pool's workers one counts the backlog: that of the lowest slot with a pod, also after others have gone.
func TestOneWorkerCountsTheBacklog(t *testing.T) {
	w := settled(t, 4, 3)
	for _, wanted := range []int{3, 1, 2} {
		w.Pool.Wanted = wanted
		if err := w.settle(func(Plan) {}); err != nil {
			t.Fatal(err)
		}
		lowest := PodRef{}
		for _, s := range w.Table.Slots {
			if lowest == (PodRef{}) {
				lowest = s.Pod
			}
		}
		for _, box := range w.Workers {
			if box.Spec.Sample != (box.Pod == lowest) {
				t.Errorf("with %d workers %s counts the backlog: %v; the lowest slot has %s", wanted, box.Pod.Name, box.Spec.Sample, lowest.Name)
			}
		}
	}
}
