// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package lane

import (
	"encoding/json"
	"fmt"
	"os"
	"strconv"
	"testing"
)

// vector is one entry of testdata/hash.json, computed by the reference C library.
type vector struct {
	Key   string         `json:"key"`
	Hash  string         `json:"hash"`
	Lanes map[string]int `json:"lanes"`
}

func vectors(t *testing.T) []vector {
	t.Helper()
	text, err := os.ReadFile("testdata/hash.json")
	if err != nil {
		t.Fatalf("reading vectors: %v", err)
	}
	var all []vector
	if err := json.Unmarshal(text, &all); err != nil {
		t.Fatalf("parsing vectors: %v", err)
	}
	return all
}

func TestKeyToLaneAgreesWithTheReferenceImplementation(t *testing.T) {
	for _, v := range vectors(t) {
		hash := Hash(v.Key)
		if got := fmt.Sprintf("%016x", hash); got != v.Hash {
			t.Errorf("Hash(%q) = %s, want %s", v.Key, got, v.Hash)
		}
		if len(v.Lanes) == 0 {
			t.Errorf("the vector of %q has no lanes", v.Key)
		}
		for text, want := range v.Lanes {
			lanes, err := strconv.Atoi(text)
			if err != nil {
				t.Fatalf("parsing the lane count of %q: %v", v.Key, err)
			}
			if got := Of(hash, lanes); got != want {
				t.Errorf("key %q is in lane %d of %d, want %d", v.Key, got, lanes, want)
			}
		}
	}
}

// XXH64 treats keys of 32 bytes and more, and the last 31, 7 and 3 bytes of each
// key, by code of their own. A vector for each keeps the file worth its name.
func TestVectorsReachEveryBranchOfTheHash(t *testing.T) {
	seen := map[string]bool{}
	for _, v := range vectors(t) {
		bytes := len(v.Key)
		seen["empty"] = seen["empty"] || bytes == 0
		seen["blocks of 32 bytes"] = seen["blocks of 32 bytes"] || bytes >= 32
		seen["a rest of 8 bytes"] = seen["a rest of 8 bytes"] || bytes%32 >= 8
		seen["a rest of 4 bytes"] = seen["a rest of 4 bytes"] || bytes%8 >= 4
		seen["single bytes"] = seen["single bytes"] || bytes%4 > 0
		seen["not ASCII"] = seen["not ASCII"] || bytes != len([]rune(v.Key))
	}
	for branch, reached := range seen {
		if !reached {
			t.Errorf("no vector for %s", branch)
		}
	}
}

func TestKeysAreHashedAsTheyAre(t *testing.T) {
	for _, pair := range [][2]string{
		{"é", "e\u0301"}, {"order-42", " order-42"}, {"order-42", "ORDER-42"}, {"a", "a\x00"}, {"", "\x00"},
	} {
		if Hash(pair[0]) == Hash(pair[1]) {
			t.Errorf("keys %q and %q have one hash", pair[0], pair[1])
		}
	}
}

// A change of this name makes every existing claim's fingerprint a foreign one.
func TestHashVersionIsStable(t *testing.T) {
	if HashVersion != "xxh64-v1" {
		t.Errorf("HashVersion = %q, want the name that existing claims carry", HashVersion)
	}
}

func TestKeyToLaneDoesNotAllocate(t *testing.T) {
	key, sum := "7c9e6679-7425-40de-944b-e07fc1f90ae7", 0
	if allocs := testing.AllocsPerRun(100, func() { sum += Of(Hash(key), 64) }); allocs != 0 {
		t.Errorf("key -> lane allocates %v times, want 0", allocs)
	}
}

func BenchmarkKeyToLane(b *testing.B) {
	key := "7c9e6679-7425-40de-944b-e07fc1f90ae7"
	b.ReportAllocs()
	for b.Loop() {
		Of(Hash(key), 64)
	}
}
