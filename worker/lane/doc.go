// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

// Package lane says which lane a key belongs to and which slot a lane belongs
// to. Both answers are pure functions: no clock, no randomness, no I/O.
//
// # Key to lane
//
// A lane is a contiguous range of the 64-bit hash space. Hash maps a key into
// that space, Of cuts the space into lanes, RangeOf is Of read backwards:
//
//	key --Hash--> 64-bit hash --Of--> lane 0..L-1
//
// The hash is XXH64 with seed 0 (https://github.com/Cyan4973/xxHash,
// doc/xxhash_spec.md). It was chosen because it is published with a frozen
// specification, exists in every language a producer is likely to use, passes
// the SMHasher quality suite, and takes about 10 ns for a key of 36 bytes.
// It has no secret: whoever chooses keys can aim them at one lane. That makes
// a lane hot; it does not break the order of any key.
//
// Canonical form: the hash covers the UTF-8 bytes of the key exactly as they
// are. There is no terminator, no length prefix, no trimming, no case folding
// and no Unicode normalisation: "é" as one code point and "e" followed by a
// combining accent are two keys. The empty key is a key like any other.
//
// Hash and Of are fixed for ever. A message whose lane is computed in another
// way than that of its predecessors overtakes them, so a change would have to
// carry a new HashVersion, which is part of a claim's fingerprint and makes the
// broker refuse the pool instead. testdata/hash.json holds vectors for other
// implementations, testdata/README.md says how to use them.
//
// # Lane to slot
//
// Assign is consistent hashing with bounded load, and stateful: it starts from
// the assignment in force and changes as little as balance allows. Its rules:
//
//   - Each slot has a share: the number of lanes divided by the number of slots,
//     rounded down or up. The shares rounded up go to the slots that hold most
//     lanes already, then to the lowest numbers.
//   - A lane stays where it is unless its slot is gone or holds more than its share.
//   - A slot above its share gives up the lanes that rank it worst.
//   - A lane without a slot goes to the slot it ranks best among those below
//     their share, lanes with lower numbers first.
//
// Rank is rendezvous hashing: each pair of lane and slot has a fixed score.
// Scores only break ties between equally good answers, so another score
// function would move no lane that is already in its place.
//
// What follows from the rules, and is tested as such:
//
//   - Lane counts of any two slots differ by at most one.
//   - No assignment with that balance changes the slot of fewer lanes.
//   - From a balanced assignment, however many slots join and leave at once, a
//     lane changes its slot only if its old slot has left or its new slot has
//     joined: none moves between two slots that stay.
//   - Assign of its own result changes nothing.
//   - The result depends on the two arguments alone, on the slots as a set.
//
// # Failure handling
//
// Nothing here returns an error. A lane count below one, or a lane outside the
// count, is a broken invariant of the caller and panics: any other answer would
// send a key to a lane that its predecessors did not take. Assign accepts every
// input: a lane whose slot is unknown counts as unowned, and without slots every
// lane is None.
package lane
