// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package sim

import (
	"math/rand/v2"
	"time"
)

// dice is the one source of chance of a schedule.
type dice struct{ rng *rand.Rand }

func newDice(seed uint64) *dice {
	return &dice{rng: rand.New(rand.NewPCG(seed, 0x636f6e766f79))}
}

// chance is true with probability p.
func (d *dice) chance(p float64) bool { return d.rng.Float64() < p }

// below is a number from 0 to n-1.
func (d *dice) below(n int) int { return d.rng.IntN(n) }

// between is a number from least to most.
func (d *dice) between(least, most int) int { return least + d.rng.IntN(most-least+1) }

// span is a duration from least to most.
func (d *dice) span(least, most time.Duration) time.Duration {
	return least + time.Duration(d.rng.Int64N(int64(most-least)+1))
}

// pick is one of the values; there must be one.
func pick[V any](d *dice, values []V) V { return values[d.below(len(values))] }
