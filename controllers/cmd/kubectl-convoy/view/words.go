// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package view

import (
	"fmt"
	"slices"
	"strings"
)

// Named is things with numbers in few words: lane 7, lanes 0-2, 5.
func Named(kind string, numbers []int32) string {
	if len(numbers) != 1 {
		kind += "s"
	}
	return kind + " " + Numbers(numbers)
}

// Numbers are numbers in few words: 0-2, 5, 8-9.
func Numbers(numbers []int32) string {
	sorted := slices.Compact(slices.Sorted(slices.Values(numbers)))
	var parts []string
	for i := 0; i < len(sorted); {
		j := i
		for j+1 < len(sorted) && sorted[j+1] == sorted[j]+1 {
			j++
		}
		part := fmt.Sprint(sorted[i])
		if j > i {
			part = fmt.Sprintf("%d-%d", sorted[i], sorted[j])
		}
		parts = append(parts, part)
		i = j + 1
	}
	const most = 20
	if len(parts) > most {
		parts = append(parts[:most], "...")
	}
	return strings.Join(parts, ", ")
}

// Count is a number of things: 1 lane, 3 lanes.
func Count[N int | int32 | int64](n N, kind string) string {
	if n == 1 {
		return "1 " + kind
	}
	return fmt.Sprintf("%d %ss", n, kind)
}
