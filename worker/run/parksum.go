// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package run

import (
	"cmp"
	"slices"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"convoy.dev/convoy/api/v1alpha1"
)

const (
	// longestParked is how many keys a status names, parkedInterval how far apart two writes are that tell nothing but other
	// numbers of messages.
	longestParked  = 10
	parkedInterval = 30 * time.Second
	// maxParkedName is how much of a key a status has, in bytes.
	maxParkedName = 128
)

// toldParked is what was last said of what is parked.
type toldParked struct {
	sum *v1alpha1.WorkerParked
	at  time.Time
}

// sumParked sums up what the worker's lanes have parked. Keys that are only diverted do not count: nobody has to do anything
// about them. It is nil when there is nothing.
func (w *Worker) sumParked() *v1alpha1.WorkerParked {
	var sum v1alpha1.WorkerParked
	for _, l := range w.lanes.round {
		for _, k := range l.parked.keys {
			if k.mark.Reason == string(v1alpha1.ParkLookAhead) || k.messages == 0 {
				continue
			}
			sum.Keys++
			sum.Messages += int64(k.messages)
			sum.Longest = append(sum.Longest, v1alpha1.ParkedKey{
				Lane: l.number, Key: cmp.Or(cut(k.mark.Key, maxParkedName), "?"), Reason: v1alpha1.ParkReason(k.mark.Reason), Attempts: int64(k.mark.Attempts),
				Since: metav1.NewTime(k.mark.Since.Truncate(time.Second)), Messages: int64(k.messages), Released: unlessFalse(k.mark.Released),
			})
		}
	}
	if sum.Keys == 0 {
		return nil
	}
	slices.SortFunc(sum.Longest, func(a, b v1alpha1.ParkedKey) int {
		return cmp.Or(a.Since.Compare(b.Since.Time), cmp.Compare(a.Lane, b.Lane), cmp.Compare(a.Key, b.Key))
	})
	sum.Longest = slices.Clip(sum.Longest[:min(longestParked, len(sum.Longest))])
	return &sum
}

func unlessFalse(is bool) *bool {
	if !is {
		return nil
	}
	return &is
}

// tellParked says what is parked, at once when keys come or go, otherwise now and then.
func (w *Worker) tellParked() {
	sum := w.sumParked()
	if sameKeys(sum, w.told.sum) && w.at.Sub(w.told.at) < parkedInterval {
		return
	}
	w.told = toldParked{sum, w.at}
	w.news.setParked(sum)
}

// sameKeys says whether the same keys are parked, as far as they are named.
func sameKeys(a, b *v1alpha1.WorkerParked) bool {
	if a == nil || b == nil {
		return a == b
	}
	return a.Keys == b.Keys && slices.EqualFunc(a.Longest, b.Longest, func(x, y v1alpha1.ParkedKey) bool {
		return x.Lane == y.Lane && x.Key == y.Key && x.Reason == y.Reason && x.Since.Equal(&y.Since) && (x.Released == nil) == (y.Released == nil)
	})
}
