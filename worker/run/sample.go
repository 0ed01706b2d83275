// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package run

import (
	"context"
	"slices"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"

	"convoy.dev/convoy/api/v1alpha1"
	"convoy.dev/convoy/worker/broker"
)

const (
	// sampleInterval is how far apart the broker is asked for the pool's backlog.
	sampleInterval = 5 * time.Second
	// retellInterval is how far apart samples are reported that tell nothing but somewhat other numbers.
	retellInterval = 30 * time.Second
	// mostCounted is the largest count that a status has.
	mostCounted = 999_999_999_999
)

// sampling is the counting of the pool's backlog, which the controller asks of one worker at a time.
type sampling struct {
	busy bool
	// due is when the broker is asked next.
	due time.Time
}

// sample asks the broker for the pool's backlog when that is due. It is a matter of this worker as long as its spec says so.
func (w *Worker) sample() {
	s := &w.sampling
	if spec := w.post.spec(); spec == nil || !ptr.Deref(spec.Sample, false) {
		w.news.setBacklog(nil)
		return
	}
	select {
	case <-w.link.ready:
	default:
		return // There is no claim yet, and without it nothing to be counted from.
	}
	if s.busy || w.at.Before(s.due) {
		return
	}
	s.busy, s.due = true, w.at.Add(sampleInterval)
	asked := time.Now()
	w.ask(func(ctx context.Context) func() {
		ctx, cancel := context.WithTimeout(ctx, requestTime)
		defer cancel()
		backlog, err := w.link.broker.Sample(ctx)
		return func() { w.sampled(asked, backlog, err) }
	})
}

// counting is the request for the backlog.
var counting = request{doing: "counting the backlog", lane: -1}

func (w *Worker) sampled(asked time.Time, backlog broker.Backlog, err error) {
	w.sampling.busy = false
	if err != nil {
		w.count(counting, err) // A figure that cannot be had is no trouble of the data plane; the last one grows old.
		return
	}
	next := &v1alpha1.BacklogSample{Time: metav1.NewMicroTime(asked.UTC().Truncate(time.Microsecond)), Lanes: bounded(backlog.Lanes), Shards: bounded(backlog.Shards)}
	if worthTelling(w.news.backlog, next) {
		w.news.setBacklog(next)
	}
}

func bounded(counts []int64) []int64 {
	for i, n := range counts {
		counts[i] = min(max(n, 0), mostCounted)
	}
	return counts
}

// worthTelling says whether a sample is to be reported after the one that was: at once when the backlog comes, goes, doubles
// or halves, after a while when anything else is different, and never when nothing is.
func worthTelling(before, next *v1alpha1.BacklogSample) bool {
	if before == nil {
		return true
	}
	if slices.Equal(before.Lanes, next.Lanes) && slices.Equal(before.Shards, next.Shards) {
		return false
	}
	a, b := total(before), total(next)
	return (a == 0) != (b == 0) || a >= 2*b || b >= 2*a || next.Time.Sub(before.Time.Time) >= retellInterval
}

func total(s *v1alpha1.BacklogSample) int64 {
	sum := int64(0)
	for _, counts := range [][]int64{s.Lanes, s.Shards} {
		for _, n := range counts {
			sum += n
		}
	}
	return sum
}
