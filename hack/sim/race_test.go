// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

//go:build race

package sim

// raceDetector slows every schedule down about eight times.
const raceDetector = true
