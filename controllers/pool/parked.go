// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package pool

import (
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"

	"convoy.dev/convoy/api/v1alpha1"
)

// parkedStatus is what is parked, as the owners of all lanes say, if that is something else than the status says, in the
// sense of backlogStatus. While a lane has no owner, or moves, nobody speaks for it, and the last word stands.
func parkedStatus(seen *observation, status *v1alpha1.ConvoyPoolStatus) *v1alpha1.ParkedStatus {
	before := status.Parked
	sum := seen.sumParked()
	if sum == nil || !allOwned(status.Lanes) {
		return before
	}
	if before == nil && *sum.Keys == 0 {
		return nil
	}
	if before != nil {
		due := before.CountedTime == nil || !seen.now.Before(before.CountedTime.Add(figuresEvery)) || (*sum.Keys == 0) != (ptr.Deref(before.Keys, 0) == 0)
		if !due || !otherParked(before, sum) {
			return before
		}
	}
	sum.CountedTime = ptr.To(metav1.NewTime(seen.now))
	return sum
}

// parkedDue is when figures that have changed may be written, zero if none has.
func parkedDue(seen *observation, status *v1alpha1.ConvoyPoolStatus) time.Time {
	sum := seen.sumParked()
	if sum == nil || status.Parked == nil || status.Parked.CountedTime == nil || !allOwned(status.Lanes) || !otherParked(status.Parked, sum) {
		return time.Time{}
	}
	return status.Parked.CountedTime.Add(figuresEvery)
}

func otherParked(a, b *v1alpha1.ParkedStatus) bool {
	return differs(ptr.Deref(a.Keys, 0), ptr.Deref(b.Keys, 0)) || differs(ptr.Deref(a.Messages, 0), ptr.Deref(b.Messages, 0))
}

// allOwned says that every lane has an owner.
func allOwned(lanes *v1alpha1.OwnershipStatus) bool {
	return lanes != nil && ptr.Deref(lanes.Count, 0) > 0 && ptr.Deref(lanes.Owned, 0) == ptr.Deref(lanes.Count, 0)
}

// sumParked adds up what workers say; nil when none says anything.
func (o *observation) sumParked() *v1alpha1.ParkedStatus {
	var sum *v1alpha1.ParkedStatus
	for i := range o.workers {
		w := &o.workers[i]
		if w.Status == nil || resigned(w) || !o.hasPod(w) {
			continue
		}
		if sum == nil {
			sum = &v1alpha1.ParkedStatus{Keys: new(int64), Messages: new(int64)}
		}
		p := w.Status.Parked
		if p == nil {
			continue
		}
		*sum.Keys += p.Keys
		*sum.Messages += p.Messages
		if len(p.Longest) > 0 && (sum.Oldest == nil || p.Longest[0].Since.Before(sum.Oldest)) {
			sum.Oldest = p.Longest[0].Since.DeepCopy()
		}
	}
	return sum
}
