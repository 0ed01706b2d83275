// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package lane

import (
	"math"
	"math/big"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

func TestRangeTexts(t *testing.T) {
	for _, c := range []struct {
		name        string
		lane, lanes int
		want        string
	}{
		{"one lane is the whole space", 0, 1, "0000000000000000-ffffffffffffffff"},
		{"the second quarter", 1, 4, "4000000000000000-7fffffffffffffff"},
		{"the first third is one hash larger", 0, 3, "0000000000000000-5555555555555555"},
		{"the second third", 1, 3, "5555555555555556-aaaaaaaaaaaaaaaa"},
		{"the last third", 2, 3, "aaaaaaaaaaaaaaab-ffffffffffffffff"},
		{"the last of 64", 63, 64, "fc00000000000000-ffffffffffffffff"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if diff := cmp.Diff(c.want, RangeOf(c.lane, c.lanes).String()); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// checkCut follows the ranges of one lane count from the first hash to the last.
func checkCut(t rapid.TB, lanes int) {
	next, least, most := uint64(0), uint64(math.MaxUint64), uint64(0)
	for lane := range lanes {
		r := RangeOf(lane, lanes)
		if r.First != next {
			t.Fatalf("lane %d of %d starts at %x, its predecessor ended before %x", lane, lanes, r.First, next)
		}
		if first, last := Of(r.First, lanes), Of(r.Last, lanes); first != lane || last != lane {
			t.Fatalf("range %v is lane %d of %d, but Of puts its ends into %d and %d", r, lane, lanes, first, last)
		}
		least, most, next = min(least, r.Last-r.First), max(most, r.Last-r.First), r.Last+1
	}
	if next != 0 {
		t.Fatalf("the last of %d lanes ends before %x, not at the end of the space", lanes, next)
	}
	if most-least > 1 {
		t.Fatalf("of %d lanes the largest has %d hashes more than the smallest", lanes, most-least)
	}
}

func TestRangesPartitionTheHashSpace(t *testing.T) {
	for lanes := 1; lanes <= 300; lanes++ {
		checkCut(t, lanes)
	}
	rapid.Check(t, func(t *rapid.T) { checkCut(t, rapid.IntRange(1, 20_000).Draw(t, "lanes")) })
}

// laneByDefinition is floor(hash * lanes / 2^64) in arithmetic without limits.
func laneByDefinition(hash uint64, lanes int) int {
	product := new(big.Int).SetUint64(hash)
	product.Mul(product, big.NewInt(int64(lanes)))
	return int(product.Rsh(product, 64).Int64())
}

func TestOfIsTheDefinition(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		hash := rapid.Uint64().Draw(t, "hash")
		lanes := rapid.IntRange(1, math.MaxInt).Draw(t, "lanes")
		if got, want := Of(hash, lanes), laneByDefinition(hash, lanes); got != want {
			t.Fatalf("Of(%x, %d) = %d, want %d", hash, lanes, got, want)
		}
	})
}

func TestBrokenInvariantsPanic(t *testing.T) {
	for name, call := range map[string]func(){
		"Of without lanes":            func() { Of(1, 0) },
		"Of with a negative count":    func() { Of(1, -1) },
		"RangeOf without lanes":       func() { RangeOf(0, 0) },
		"RangeOf beyond the last":     func() { RangeOf(4, 4) },
		"RangeOf of a negative lane":  func() { RangeOf(-1, 4) },
		"RangeOf of None of no lanes": func() { RangeOf(-1, 0) },
	} {
		t.Run(name, func(t *testing.T) {
			defer func() {
				words, own := recover().(string)
				if !own || !strings.HasPrefix(words, "lane: ") {
					t.Errorf("panic %q, want one that names the broken invariant", words)
				}
			}()
			call()
		})
	}
}

// checkPoint checks Of and RangeOf against each other and the definition at one hash.
func checkPoint(t *testing.T, hash uint64, lanes int) {
	t.Helper()
	lane := Of(hash, lanes)
	if want := laneByDefinition(hash, lanes); lane != want {
		t.Fatalf("Of(%x, %d) = %d, want %d", hash, lanes, lane, want)
	}
	r := RangeOf(lane, lanes)
	if hash < r.First || hash > r.Last {
		t.Fatalf("Of puts %x into lane %d of %d, whose range is %v", hash, lane, lanes, r)
	}
	if first, last := Of(r.First, lanes), Of(r.Last, lanes); first != lane || last != lane {
		t.Fatalf("range %v is lane %d of %d, but Of puts its ends into %d and %d", r, lane, lanes, first, last)
	}
	if r.First > 0 && Of(r.First-1, lanes) != lane-1 {
		t.Fatalf("the hash before %v is not in lane %d of %d", r, lane-1, lanes)
	}
	if r.Last < math.MaxUint64 && Of(r.Last+1, lanes) != lane+1 {
		t.Fatalf("the hash after %v is not in lane %d of %d", r, lane+1, lanes)
	}
}

// Lane counts up to 2^32 are far beyond any pool.
func FuzzOfAgreesWithRangeOf(f *testing.F) {
	for _, hash := range []uint64{0, 1, 0x5555555555555555, 0x5555555555555556, 1 << 63, math.MaxUint64} {
		for _, lanes := range []uint32{0, 1, 2, 63, 255, 9999, math.MaxUint32} {
			f.Add(hash, lanes)
		}
	}
	f.Fuzz(func(t *testing.T, hash uint64, lanes uint32) {
		checkPoint(t, hash, int(lanes)+1)
	})
}

// Every key has a lane of the pool, whatever its bytes: also those that are not UTF-8.
func FuzzEveryKeyHasOneLane(f *testing.F) {
	for _, key := range []string{"", "order-42", "é", "\xff\xfe", "7c9e6679-7425-40de-944b-e07fc1f90ae7"} {
		f.Add(key, uint16(63))
	}
	f.Fuzz(func(t *testing.T, key string, lanes uint16) {
		checkPoint(t, Hash(key), int(lanes)+1)
	})
}
