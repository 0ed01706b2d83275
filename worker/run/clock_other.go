// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

//go:build !linux

package run

import "time"

// SystemClock is the machine's clock: the monotonic one, or the wall clock where it is ahead.
func SystemClock() Clock { return guarded(time.Now) }
