// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package pool

import (
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"

	"convoy.dev/convoy/api/v1alpha1"
	"convoy.dev/convoy/worker/drain"
)

func TestUnitsAreNamedInFewWords(t *testing.T) {
	named := func(kind drain.Kind, numbers ...int32) []drain.Unit {
		var all []drain.Unit
		for _, n := range numbers {
			all = append(all, drain.Unit{Kind: kind, Index: n})
		}
		return all
	}
	for want, all := range map[string][]drain.Unit{
		"":                      nil,
		"lane 7":                named(drain.Lane, 7),
		"lanes 0-2, 5, 8-9":     named(drain.Lane, 5, 0, 1, 2, 9, 8),
		"lanes 1-2 and shard 0": append(named(drain.Lane, 1, 2), named(drain.Shard, 0)...),
	} {
		if got := units(all); got != want {
			t.Errorf("%v are %q, want %q", all, got, want)
		}
	}
}

func TestWhenAFigureIsWorthAWrite(t *testing.T) {
	for _, tc := range []struct {
		a, b int64
		want bool
	}{{0, 0, false}, {0, 1, true}, {1, 0, true}, {1000, 1999, false}, {1000, 2000, true}, {1000, 501, false}, {1000, 500, true}} {
		if got := differs(tc.a, tc.b); got != tc.want {
			t.Errorf("from %d to %d: %v, want %v", tc.a, tc.b, got, tc.want)
		}
	}
}

func TestBacklogIsWrittenNowAndThen(t *testing.T) {
	now := time.Date(2030, 1, 1, 0, 0, 0, 0, time.UTC)
	sampled := func(messages int64, ago time.Duration) *observation {
		return &observation{now: now, workers: []v1alpha1.ConvoyWorker{{Status: &v1alpha1.ConvoyWorkerStatus{
			Backlog: &v1alpha1.BacklogSample{Time: metav1.NewMicroTime(now.Add(-ago)), Lanes: []int64{messages - 1, 1}},
		}}}}
	}
	written := func(messages int64, ago time.Duration) *v1alpha1.BacklogStatus {
		return &v1alpha1.BacklogStatus{Messages: &messages, SampledTime: ptr.To(metav1.NewTime(now.Add(-ago)))}
	}
	for name, tc := range map[string]struct {
		seen   *observation
		before *v1alpha1.BacklogStatus
		want   int64
	}{
		"first":                   {sampled(10, 0), nil, 10},
		"twice as many, in time":  {sampled(20, 0), written(10, 30*time.Second), 20},
		"twice as many, too soon": {sampled(20, 0), written(10, 29*time.Second), 10},
		"a little more":           {sampled(19, 0), written(10, time.Hour), 10},
		"nobody counts":           {&observation{now: now}, written(10, time.Hour), 10},
	} {
		if got := backlogStatus(tc.seen, tc.before); *got.Messages != tc.want {
			t.Errorf("%s: %d, want %d", name, *got.Messages, tc.want)
		}
	}
	if due := backlogDue(sampled(20, 0), &v1alpha1.ConvoyPoolStatus{Backlog: written(10, 10*time.Second)}); !due.Equal(now.Add(20 * time.Second)) {
		t.Errorf("due at %v, want 30 s after the last", due)
	}
}

func TestWhatIsKnownOfAPodsWorker(t *testing.T) {
	at := func(second int) metav1.Time { return metav1.NewTime(time.Date(2030, 1, 1, 0, 0, second, 0, time.UTC)) }
	ended := &corev1.ContainerStateTerminated{FinishedAt: at(7)}
	for name, tc := range map[string]struct {
		status  []corev1.ContainerStatus
		since   metav1.Time
		backOff bool
	}{
		"never started": {nil, at(1), false},
		"runs":          {[]corev1.ContainerStatus{{Name: "w", State: corev1.ContainerState{Running: &corev1.ContainerStateRunning{}}}}, metav1.Time{}, false},
		"has ended":     {[]corev1.ContainerStatus{{Name: "w", State: corev1.ContainerState{Terminated: ended}}}, at(7), false},
		"waits for its next start": {[]corev1.ContainerStatus{{
			Name: "w", State: corev1.ContainerState{Waiting: &corev1.ContainerStateWaiting{Reason: "CrashLoopBackOff"}},
			LastTerminationState: corev1.ContainerState{Terminated: ended},
		}}, at(7), true},
		"waits for its first start": {[]corev1.ContainerStatus{{
			Name: "w", State: corev1.ContainerState{Waiting: &corev1.ContainerStateWaiting{Reason: "ContainerCreating"}},
		}}, at(1), false},
	} {
		pod := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{CreationTimestamp: at(1)}, Status: corev1.PodStatus{ContainerStatuses: tc.status}}
		since, backOff := workerDown(pod, "w")
		if !since.Equal(tc.since.Time) || backOff != tc.backOff {
			t.Errorf("%s: down since %v, back-off %v; want %v, %v", name, since, backOff, tc.since, tc.backOff)
		}
	}
}
