// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

// Package drain is the worker's side of the ownership protocol: what to open, what to stop, and what to say of it.
//
// It is pure. Events go in (a spec was seen, the broker has answered, a unit is empty, time has passed), effects come
// out (open, start, stop, abort, report, confirm); the clock is an argument, and the runner does the rest.
//
//	          wanted          opened                unwanted            emptied
//	Closed ----------> Opening ----------> Running ----------> Draining ----------> Closed
//	                    |   \  openedForced  ^  | superseded       ^
//	                    |    +--> Fencing ---+  +------------------+
//	         superseded |           | outlasted
//	                    +-----------+--------> Refused ---> Closed when unwanted
//
// What it holds to:
//
//   - A spec older than the newest one seen is ignored, the first live read included.
//   - Nothing is opened before this process's incarnation is written by compare-and-swap.
//   - While calls of an earlier process may be running, nothing is opened and nothing is reported as released.
//   - A message may start only while the broker has confirmed the unit's epoch within Config.Fence, counted from
//     when it was asked.
//   - A report that has observed revision r tells what is held under the spec of revision r, running drains included.
//   - A unit counts as held until no call of it can be running, also when the broker has given it to another.
//   - Resigned is terminal, also when the object that said so was deleted.
package drain
