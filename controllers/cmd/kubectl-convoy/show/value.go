// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package show

import (
	"time"

	"k8s.io/apimachinery/pkg/util/duration"
)

// Age is how long ago an instant was, as kubectl writes it.
func Age(since, now time.Time) string { return duration.HumanDuration(now.Sub(since)) }

// Number is a number that may be unknown, for a cell.
func Number[N int32 | int64](n *N) any {
	if n == nil {
		return nil
	}
	return int64(*n)
}
