// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package plan

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"convoy.dev/convoy/worker/drain"
)

// A drain that takes too long names the key that its worker says it waits for.
func TestAStuckDrainNamesItsKeys(t *testing.T) {
	w := settled(t, 4, 2)
	table := *w.Table
	table.Lanes = slices.Clone(table.Lanes)
	var units []drain.Unit
	for i := range table.Lanes {
		if l := &table.Lanes[i]; l.Worker == w.pod("p0").PodRef {
			l.State, l.Since = Releasing, table.Revision
			units = append(units, drain.Unit{Index: int32(i)})
		}
	}
	table.Revokes = []Revoke{{table.Revision, w.now.Add(-w.Pool.DrainTimeout)}}
	w.Table = &table
	held := w.mailbox("p0").Report.Held
	for i := range held {
		held[i].State = drain.Draining
	}
	held[1].Waits = "order-17"
	want := []Stuck{{Worker: w.pod("p0").PodRef, Units: units, Keys: []string{"", "order-17"}, Since: w.now.Add(-w.Pool.DrainTimeout)}}
	if diff := cmp.Diff(want, Make(w.State, w.now).Stuck); diff != "" {
		t.Error(diff)
	}
}
