// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package plan

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestWhenADeploymentShrinks has cases in which a pod may, and may not, still be deleted for an earlier size.
func TestWhenADeploymentShrinks(t *testing.T) {
	settled := func(size, desired int) ReplicaSet {
		return ReplicaSet{Size: size, Desired: desired, Pods: size, Ready: size, Observed: true}
	}
	for _, c := range []struct {
		name     string
		replicas int
		unseen   bool
		sets     []ReplicaSet
		shrinks  bool
	}{
		{"one set of its size", 3, false, []ReplicaSet{settled(3, 3), settled(0, 5)}, false},
		{"one set of its size, made for another", 3, false, []ReplicaSet{settled(3, 4)}, false},
		{"its controller has not seen the size", 3, true, []ReplicaSet{settled(3, 3)}, true},
		{"one set that is larger", 3, false, []ReplicaSet{settled(4, 4)}, true},
		{"one set that is smaller", 3, false, []ReplicaSet{settled(2, 2)}, true},
		{"one set whose controller has not seen its size", 3, false, []ReplicaSet{{Size: 3, Desired: 3, Pods: 3}}, true},
		{"one set with a pod too many", 3, false, []ReplicaSet{{Size: 3, Desired: 3, Pods: 4, Observed: true}}, true},
		{"one set with a pod too few", 3, false, []ReplicaSet{{Size: 3, Desired: 3, Pods: 2, Observed: true}}, false},
		{"a rollout with its surge", 3, false, []ReplicaSet{settled(3, 3), settled(1, 3)}, false},
		{"a rollout whose surge was larger once", 3, false, []ReplicaSet{settled(3, 3), settled(3, 3)}, false},
		{"a rollout, one set sized for an earlier size", 3, false, []ReplicaSet{settled(2, 3), settled(2, 4)}, true},
		{"a rollout, one set that does not say for what it was sized", 3, false, []ReplicaSet{settled(3, 3), settled(1, NotSaid)}, false},
		{"a rollout that has too few", 3, false, []ReplicaSet{settled(1, 3), settled(1, 3)}, true},
		{"nothing is wanted, two sets have pods", 0, false, []ReplicaSet{settled(1, 0), settled(1, 0)}, true},
		{"nothing is wanted, nothing is there", 0, false, []ReplicaSet{settled(0, 3)}, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := SumUp(c.replicas, 0, !c.unseen, c.sets).Shrinking; got != c.shrinks {
				t.Errorf("shrinking: %v, want %v", got, c.shrinks)
			}
		})
	}
}

func TestADeploymentIsSummedUp(t *testing.T) {
	got := SumUp(4, 1, true, []ReplicaSet{
		{Name: "old", Size: 3, Desired: 4, Pods: 3, Ready: 2, Observed: true}, {Name: "new", Present: true, Size: 2, Desired: 4, Pods: 1, Ready: 1, Observed: true},
		{Name: "gone", Desired: 9, Observed: true},
	})
	want := Deployment{Replicas: 4, Sets: 2, Present: "new", Old: 3, Available: 3, Seen: map[string]Count{"old": {3, 2}, "new": {1, 1}}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}
