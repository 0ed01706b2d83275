// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package agent

import (
	"fmt"
	"math/rand/v2"
	"sync"
)

// addresses gives each pod an address of its own. All of them begin with the same two bytes, which are chosen by chance so
// that two agents on one machine do not give the same ones.
type addresses struct {
	block int

	mu   sync.Mutex
	last int
}

func newAddresses() *addresses { return &addresses{block: 1 + rand.IntN(254)} }

// perByte is how many values of each of the last two bytes are used.
const perByte = 250

// next is an address that was not given before, until 62,500 have been.
func (a *addresses) next() string {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.last = (a.last + 1) % (perByte * perByte)
	return fmt.Sprintf("127.%d.%d.%d", a.block, a.last/perByte, 1+a.last%perByte)
}

// String is the block.
func (a *addresses) String() string { return fmt.Sprintf("127.%d.0.0/16", a.block) }
