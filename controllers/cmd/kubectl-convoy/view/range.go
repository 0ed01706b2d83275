// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package view

import (
	"fmt"
	"strconv"
	"strings"

	"k8s.io/utils/ptr"

	"convoy.dev/convoy/api/v1alpha1"
	"convoy.dev/convoy/worker/lane"
)

// laneMark stands in a subject for the number of the lane.
const laneMark = "{lane}"

// native is where the Native lanes of a pool are, nil if it has Routed ones.
func native(spec *v1alpha1.ConvoyPoolSpec) *v1alpha1.NATSNativeLanes {
	lanes := ptr.Deref(spec.Lanes, v1alpha1.Lanes{})
	if ptr.Deref(lanes.Type, v1alpha1.LanesRouted) != v1alpha1.LanesNative || lanes.Native == nil {
		return nil
	}
	return lanes.Native.NATS
}

// LaneCount is how many lanes a pool is to have.
func LaneCount(spec *v1alpha1.ConvoyPoolSpec) int {
	if n := native(spec); n != nil {
		return int(n.Count)
	}
	routed := ptr.Deref(ptr.Deref(spec.Lanes, v1alpha1.Lanes{}).Routed, v1alpha1.RoutedLanes{})
	return int(ptr.Deref(routed.Count, v1alpha1.DefaultLaneCount))
}

// rangeOf says which keys or messages a lane has, of so many.
func rangeOf(spec *v1alpha1.ConvoyPoolSpec, count int) func(number int) string {
	if n := native(spec); n != nil {
		return func(number int) string {
			return strings.ReplaceAll(strings.Join(n.Subjects, ","), laneMark, strconv.Itoa(number))
		}
	}
	return func(number int) string { return lane.RangeOf(number, count).String() }
}

// LaneOfSubject is the Native lane of a subject.
func LaneOfSubject(spec *v1alpha1.ConvoyPoolSpec, subject string) (int, error) {
	n := native(spec)
	if subject == "" {
		return 0, fmt.Errorf("the subject of a message says which Native lane it is in: give --subject, such as %s",
			strings.ReplaceAll(n.Subjects[0], laneMark, "0"))
	}
	for _, pattern := range n.Subjects {
		number, is := match(pattern, subject)
		switch {
		case is && number < int(n.Count):
			return number, nil
		case is:
			return 0, fmt.Errorf("subject %q is of lane %d, and the pool has lanes 0 to %d: its messages are not read", subject, number, n.Count-1)
		}
	}
	return 0, fmt.Errorf("subject %q is of no lane: the pool's lanes have the subjects %s", subject, strings.Join(n.Subjects, ", "))
}

// match is the number of the lane in a subject that fits a pattern.
func match(pattern, subject string) (number int, is bool) {
	tokens, given := strings.Split(pattern, "."), strings.Split(subject, ".")
	for i, token := range tokens {
		if token == ">" {
			return number, is && len(given) > i
		}
		if i >= len(given) || given[i] == "" {
			return 0, false
		}
		switch token {
		case laneMark:
			n, err := strconv.ParseUint(given[i], 10, 31)
			if err != nil || strconv.FormatUint(n, 10) != given[i] {
				return 0, false
			}
			number, is = int(n), true
		case "*", given[i]:
		default:
			return 0, false
		}
	}
	return number, is && len(given) == len(tokens)
}
