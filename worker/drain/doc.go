// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

// Package drain is the worker's side of the ownership protocol: what to open, what to stop, and what to say of it.
//
// It is pure. Events go in (a spec was seen, the broker has answered, a unit is empty, time has passed), effects come
// out (open, start, stop, abort, report, confirm); the clock is an argument, and the runner does the rest.
//
// # Contract
//
//   - A spec older than the newest one seen is ignored, the first live read included.
//   - Nothing is opened before this process's incarnation is written by compare-and-swap.
//   - While calls of an earlier process may be running, nothing is opened and nothing is reported as released.
//   - A message may start only while the broker has confirmed the unit's epoch within Config.Fence, counted from
//     when it was asked.
//   - A report that has observed revision r tells what is held under the spec of revision r, running drains included.
//   - A unit counts as held until no call of it can be running, also when the broker has given it to another.
//   - Resigned is terminal, also when the object that said so was deleted.
//
// # States of a unit
//
// The table in state.go is the whole truth.
//
//	          wanted          opened                unwanted            emptied
//	Closed ----------> Opening ----------> Running ----------> Draining ----------> Closed
//	                    |   \               ^  |                 ^
//	                    |    \              |  +--- superseded --+
//	                    |     \             | outlasted
//	                    |      +---------> Fencing
//	                    |  openedForced     |
//	                    |                   |
//	                    +--- superseded ----+---> Refused --- unwanted ---> Closed
//	                    |                   |
//	                    +---- unwanted -----+---> Closed
//
// Barred is no station on this way: it is what a process reports of every unit that its predecessor held, or that the
// spec grants, while that one's calls may be running (Config.Barrier after Config.Born). All of these count as held, and
// the revision observed stays the predecessor's; then the units begin as Closed.
//
// Opening, Fencing, Running, Draining and Barred count as held; Closed and Refused do not.
//
// # Failure handling
//
//   - The broker refuses an open. If the record is of this worker's own earlier process, the incarnation is raised above
//     it and the unit opened again; else the unit is Refused, and its report carries the broker's epoch, above which the
//     controller grants anew.
//   - The broker does not answer. A unit that has not been confirmed for Config.Fence is paused (PauseUnit) and starts
//     nothing; the next confirmation resumes it (ResumeUnit). Nothing is given up for silence alone, and a quarantine does
//     not end while the hold is lost.
//   - The broker has a higher epoch of a unit at work. What was confirmed counts no more, so that its calls are
//     cancelled (PauseUnit); it drains, and is held until it is empty.
//   - The incarnation is not written, because the object has changed: it is read again and a higher one is tried. A pod
//     that has used up its incarnations (MaxIncarnation) resigns.
//   - The object is missing. What is held goes on; a process that is to go and holds nothing exits without having said so.
//     An object that is made again is told once more.
//   - Another process has taken this pod's place (Replaced). Everything held is aborted, and this one exits.
//   - Events that come late, or twice, are told by epoch, token or incarnation, and change nothing.
package drain
