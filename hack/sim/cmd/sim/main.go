// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

// Command sim runs simulated schedules of the ownership protocol and says which rule broke, if any.
package main

import (
	"fmt"
	"os"

	"convoy.dev/convoy/hack/sim"
)

func main() {
	var seed uint64
	fmt.Sscan(os.Args[1], &seed)
	var n uint64 = 1
	if len(os.Args) > 2 {
		fmt.Sscan(os.Args[2], &n)
	}
	for i := range n {
		r := sim.Run(seed + i)
		if n == 1 || r.Violation != nil {
			fmt.Println(r)
		}
	}
}
