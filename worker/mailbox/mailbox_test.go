// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package mailbox_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"pgregory.net/rapid"

	"convoy.dev/convoy/api/v1alpha1"
	"convoy.dev/convoy/worker/drain"
	"convoy.dev/convoy/worker/mailbox"
)

func TestSpecSurvivesTheObject(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		want := drain.Spec{
			Revision:   rapid.Int64Range(0, 1<<40).Draw(t, "revision"),
			Slot:       rapid.Int32Range(-1, 5).Draw(t, "slot"),
			Leaving:    rapid.Bool().Draw(t, "leaving"),
			Sample:     rapid.Bool().Draw(t, "sample"),
			Quarantine: time.Duration(rapid.IntRange(0, 3900).Draw(t, "quarantine")) * time.Second,
		}
		for _, unit := range drawUnits(t) {
			want.Grants = append(want.Grants, drain.Grant{
				Unit: unit, Epoch: rapid.Int64Range(1, 1<<40).Draw(t, "epoch"), Forced: rapid.Bool().Draw(t, "forced"),
			})
		}
		if diff := cmp.Diff(want, mailbox.ReadSpec(mailbox.WriteSpec(want))); diff != "" {
			t.Fatalf("a spec came back changed (-want +got):\n%s", diff)
		}
	})
}

func TestReportSurvivesTheObject(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		want := drain.Report{
			Observed:    rapid.Int64Range(0, 1<<40).Draw(t, "observed"),
			Incarnation: rapid.Int64Range(0, drain.MaxIncarnation).Draw(t, "incarnation"),
			Resigned:    rapid.Bool().Draw(t, "resigned"),
			Protocol:    drain.Protocol{Min: 1, Max: rapid.Int32Range(1, 3).Draw(t, "max")},
		}
		for _, unit := range drawUnits(t) {
			held := drain.Held{Unit: unit, Epoch: rapid.Int64Range(1, 1<<40).Draw(t, "epoch")}
			held.State = rapid.SampledFrom([]drain.HeldState{
				drain.Barred, drain.Opening, drain.Fencing, drain.Running, drain.Draining, drain.Refused,
			}).Draw(t, "state")
			if held.State == drain.Refused {
				held.Floor = rapid.Int64Range(1, 1<<40).Draw(t, "floor")
			}
			if held.State == drain.Draining && held.Kind == drain.Lane {
				held.Waits = rapid.StringMatching("[a-z ä]{0,40}").Draw(t, "key")
			}
			want.Held = append(want.Held, held)
		}
		status := v1alpha1.ConvoyWorkerStatus{Lanes: []v1alpha1.LaneHolding{{Lane: 900, Epoch: 1}}}
		mailbox.WriteReport(want, &status)
		if diff := cmp.Diff(want, mailbox.ReadReport(&status)); diff != "" {
			t.Fatalf("a report came back changed (-want +got):\n%s", diff)
		}
		if !mailbox.Tells(&status, want) {
			t.Fatal("the status does not tell what was written")
		}
		want.Observed++
		if mailbox.Tells(&status, want) {
			t.Fatal("the status tells what was not written")
		}
	})
}

// drawUnits draws different units by kind and index.
func drawUnits(t *rapid.T) []drain.Unit {
	var units []drain.Unit
	for _, kind := range []drain.Kind{drain.Lane, drain.Shard} {
		for index := range int32(6) {
			if rapid.Bool().Draw(t, "named") {
				units = append(units, drain.Unit{Kind: kind, Index: index})
			}
		}
	}
	return units
}

func TestReadingWhatWasWrittenByHand(t *testing.T) {
	forced := true
	got := mailbox.ReadSpec(&v1alpha1.ConvoyWorkerSpec{
		Lanes:  []v1alpha1.LaneGrant{{Lane: 4, Epoch: 1}, {Lane: 2, Epoch: 7}, {Lane: 2, Epoch: 8, Forced: &forced}},
		Shards: []v1alpha1.ShardGrant{{Shard: 1, Epoch: 3}, {Shard: 0, Epoch: 2}},
	})
	want := drain.Spec{Slot: -1, Grants: []drain.Grant{
		{Unit: drain.Unit{Kind: drain.Lane, Index: 2}, Epoch: 8, Forced: true},
		{Unit: drain.Unit{Kind: drain.Lane, Index: 4}, Epoch: 1},
		{Unit: drain.Unit{Kind: drain.Shard, Index: 0}, Epoch: 2},
		{Unit: drain.Unit{Kind: drain.Shard, Index: 1}, Epoch: 3},
	}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("grants out of order (-want +got):\n%s", diff)
	}
}

func TestNothingWrittenYet(t *testing.T) {
	if diff := cmp.Diff(drain.Spec{Slot: -1}, mailbox.ReadSpec(nil)); diff != "" {
		t.Errorf("empty spec (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(drain.Report{}, mailbox.ReadReport(nil)); diff != "" {
		t.Errorf("empty report (-want +got):\n%s", diff)
	}
}

func TestAnUnknownStateIsHeldAndNotRunning(t *testing.T) {
	state := v1alpha1.HoldingState("Dozing")
	got := mailbox.ReadReport(&v1alpha1.ConvoyWorkerStatus{Lanes: []v1alpha1.LaneHolding{{Lane: 1, Epoch: 2, State: &state}}})
	if s := got.Held[0].State; !s.Holds() || s == drain.Running {
		t.Errorf("state %v, want one that holds and does not run", s)
	}
}

func TestAQuarantineIsNeverShortened(t *testing.T) {
	written := mailbox.WriteSpec(drain.Spec{Slot: -1, Quarantine: 1500 * time.Millisecond})
	if got := mailbox.ReadSpec(written).Quarantine; got != 2*time.Second {
		t.Errorf("1.5 s is kept as %v, want 2s", got)
	}
}

func TestAReportLeavesConditionsAlone(t *testing.T) {
	status := v1alpha1.ConvoyWorkerStatus{
		Conditions: []metav1.Condition{{Type: v1alpha1.ConditionHandlerAccepting}},
		Backlog:    &v1alpha1.BacklogSample{Lanes: []int64{3}},
	}
	mailbox.WriteReport(drain.Report{Observed: 4}, &status)
	if len(status.Conditions) != 1 || status.Backlog == nil {
		t.Errorf("conditions or backlog are gone: %+v", status)
	}
}

// Of many drains that wait a status names a few, and no name is cut within a character: either would be refused.
func TestWaitsFitIntoAStatus(t *testing.T) {
	var report drain.Report
	for i := range int32(40) {
		report.Held = append(report.Held, drain.Held{Unit: drain.Unit{Index: i}, Epoch: 1, State: drain.Draining, Waits: "key \xc3"})
	}
	var status v1alpha1.ConvoyWorkerStatus
	mailbox.WriteReport(report, &status)
	if len(status.Waits) != 32 || status.Waits[0].Key != "key " {
		t.Errorf("%d waits, the first for %q", len(status.Waits), status.Waits[0].Key)
	}
	if !mailbox.Tells(&status, report) {
		t.Error("the status is not taken for the report's")
	}
}
