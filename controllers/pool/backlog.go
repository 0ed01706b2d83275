// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package pool

import (
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"convoy.dev/convoy/api/v1alpha1"
)

// figuresEvery is how often a volatile figure may be written into a status, which wakes everybody who watches pools.
const figuresEvery = 30 * time.Second

// backlogStatus is the backlog to be written: the newest sample of a worker, if it says something else than the status
// does, which is to say that one is zero and the other is not, or that one is twice the other.
func backlogStatus(seen *observation, before *v1alpha1.BacklogStatus) *v1alpha1.BacklogStatus {
	sample := seen.sample()
	if sample == nil {
		return before
	}
	messages := total(sample)
	if before != nil && before.Messages != nil {
		due := before.SampledTime == nil || !seen.now.Before(before.SampledTime.Add(figuresEvery))
		if !due || !differs(*before.Messages, messages) {
			return before
		}
	}
	at := metav1.NewTime(sample.Time.Time)
	status := &v1alpha1.BacklogStatus{Messages: &messages, SampledTime: &at}
	if len(sample.Shards) > 0 {
		unrouted := sum(sample.Shards)
		status.Unrouted = &unrouted
	}
	return status
}

// backlogDue is when a figure that has changed may be written, zero if none has.
func backlogDue(seen *observation, status *v1alpha1.ConvoyPoolStatus) time.Time {
	sample := seen.sample()
	if sample == nil || status.Backlog == nil || status.Backlog.Messages == nil || status.Backlog.SampledTime == nil ||
		!differs(*status.Backlog.Messages, total(sample)) {
		return time.Time{}
	}
	return status.Backlog.SampledTime.Add(figuresEvery)
}

// sample is the newest count of the whole pool's backlog that a worker reports, nil if none does.
func (o *observation) sample() *v1alpha1.BacklogSample {
	var newest *v1alpha1.BacklogSample
	for i := range o.workers {
		if s := o.workers[i].Status; s != nil && s.Backlog != nil && (newest == nil || newest.Time.Before(&s.Backlog.Time)) {
			newest = s.Backlog
		}
	}
	return newest
}

func total(sample *v1alpha1.BacklogSample) int64 {
	return sum(sample.Lanes) + sum(sample.Shards)
}

func sum(counts []int64) int64 {
	all := int64(0)
	for _, n := range counts {
		all += n
	}
	return all
}

func differs(a, b int64) bool {
	return (a == 0) != (b == 0) || a != b && (a >= 2*b || b >= 2*a)
}
