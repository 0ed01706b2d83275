// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package lane

import "github.com/cespare/xxhash/v2"

// HashVersion names the way from key to lane: Hash, its canonical form, and the
// cut that Of makes. It is part of a claim's fingerprint. It changes if and only
// if some key would get another lane.
const HashVersion = "xxh64-v1"

// Hash is the position of key in the 64-bit hash space: XXH64, seed 0, of the
// key's bytes as they are. It never changes and never allocates.
func Hash(key string) uint64 { return xxhash.Sum64String(key) }
