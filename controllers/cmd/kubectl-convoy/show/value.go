// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package show

import (
	"time"

	"k8s.io/apimachinery/pkg/util/duration"
)

// Age is a column of how long ago an instant was, as kubectl writes it; of the zero time it shows nothing.
func Age[T any](name string, now func() time.Time, at func(*T) time.Time) Column[T] {
	return Column[T]{Name: name, Value: func(row *T) any {
		if at(row).IsZero() {
			return nil
		}
		return duration.HumanDuration(now().Sub(at(row)))
	}, By: func(row *T) any {
		if at(row).IsZero() {
			return nil
		}
		return int64(now().Sub(at(row)))
	}}
}

// Number is a number that may be unknown, for a cell.
func Number[N int32 | int64](n *N) any {
	if n == nil {
		return nil
	}
	return int64(*n)
}
