// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

//go:build !race

package key

import "testing"

// The race detector makes pools forget, so this is for builds without it.
func TestAllocations(t *testing.T) {
	for expression, most := range map[string]float64{
		`key`:                   4,
		`headers["order-id"]`:   3,
		`body.order_id`:         5,
		`body.customer.id`:      5,
		`subject.split(".")[2]`: 11,
	} {
		compiled, message := compile(t, expression), order()
		got := testing.AllocsPerRun(100, func() {
			if _, err := compiled.Eval(message); err != nil {
				t.Error(err)
			}
		})
		if got > most {
			t.Errorf("%s: %v allocations, more than %v", expression, got, most)
		}
	}
}
