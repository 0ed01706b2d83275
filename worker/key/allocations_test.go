// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

//go:build !race

package key

import "testing"

// The race detector makes pools forget, so this is for builds without it.
func TestAllocations(t *testing.T) {
	for expression, most := range map[string]float64{
		`key`:                   1,
		`headers["order-id"]`:   1,
		`body.order_id`:         1,
		`body.customer.id`:      1,
		`string(body.order_id)`: 11,
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
