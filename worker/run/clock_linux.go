// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package run

import (
	"time"

	"golang.org/x/sys/unix"
)

// SystemClock is the machine's clock: CLOCK_BOOTTIME.
func SystemClock() Clock {
	start, err := boottime()
	if err != nil {
		return guarded(time.Now)
	}
	origin := time.Now().Round(0)
	return func() time.Time {
		// A clock that could be read once can be read again: the call fails for unknown clocks and bad addresses alone.
		at, _ := boottime()
		return origin.Add(at - start)
	}
}

func boottime() (time.Duration, error) {
	var at unix.Timespec
	err := unix.ClockGettime(unix.CLOCK_BOOTTIME, &at)
	return time.Duration(at.Nano()), err
}
