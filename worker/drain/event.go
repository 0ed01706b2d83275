// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package drain

import (
	"fmt"
	"time"
)

// Event is something that happened to the worker. The types of this file are all there are.
type Event interface{ event() }

// Started is the process's first live read of its ConvoyWorker. It is sent again when raising the incarnation
// met a conflict, with what was then read; once an incarnation is raised it is ignored.
type Started struct {
	Spec   Spec
	Report Report // as the object has it: an earlier process's, or empty
}

// Seen is a later sight of the object's spec, by watch or by read. It may go back in time.
//
// The runner compares the object's report, too: where it is not Machine.Report and no write is under way, the object
// was deleted by hand and made again, and the runner writes Machine.Report once more. The machine cannot ask for it: the
// spec that comes back may have the revision that it has seen already.
type Seen struct{ Spec Spec }

// Missing says that a live read found no object of this worker. A worker that is to go and holds nothing has nobody to
// tell so, and ends: the controller makes the object again only for a pod that stays, or that has lanes.
type Missing struct{}

// Raised says that the report with this incarnation was written by compare-and-swap.
type Raised struct{ Incarnation int64 }

// Opened says that the broker has written the epoch record of a grant.
type Opened struct {
	Unit
	Token Token
	// Sent is when the request was sent: the write confirms the epoch as of then.
	Sent time.Time
}

// OpenRefused says that the broker's epoch record of a unit stands in the way of opening it.
type OpenRefused struct {
	Unit
	// Token is what was to be written, Record what is there.
	Token, Record Token
	// Own says that the record is this worker's, written by an earlier process of this pod.
	Own bool
}

// Confirmed says that the broker still has this worker's records for these grants.
type Confirmed struct {
	// Sent is when the request was sent.
	Sent   time.Time
	Grants []Grant
}

// Superseded says that the broker has a newer record than a grant's.
type Superseded struct {
	Unit
	Epoch int64 // of the grant
	Floor int64 // the record's epoch
}

// Emptied says that a stopped unit has nothing in flight and its progress is flushed.
type Emptied struct {
	Unit
	Epoch int64
}

// Waits says which key a draining unit waits for, "" for none that is known. The runner says it when a drain takes long
// enough for somebody to ask, and again when it is another one: each is a report to be written.
type Waits struct {
	Unit
	Epoch int64
	Key   string
}

// Written says that a report was written.
type Written struct{ Report Report }

// Ticked says that time has passed.
type Ticked struct{}

// Terminated is SIGTERM, or its like. It may come more than once.
type Terminated struct{}

// Replaced says that the object carries a higher incarnation than this process raised: another process has
// taken this pod's place.
type Replaced struct{}

func (Started) event()     {}
func (Seen) event()        {}
func (Missing) event()     {}
func (Raised) event()      {}
func (Opened) event()      {}
func (OpenRefused) event() {}
func (Confirmed) event()   {}
func (Superseded) event()  {}
func (Emptied) event()     {}
func (Waits) event()       {}
func (Written) event()     {}
func (Ticked) event()      {}
func (Terminated) event()  {}
func (Replaced) event()    {}

// Token orders everything that workers do to one unit: by epoch, then by process incarnation. It is what the
// broker's epoch record holds, and, as one number, the epoch that handlers see.
type Token struct{ Epoch, Incarnation int64 }

// MaxIncarnation is how often a pod's worker process may start: a token keeps 16 bits for it.
const MaxIncarnation = 1<<16 - 1

// Number is the token as handlers see it: epoch * 2^16 + incarnation.
func (t Token) Number() int64 { return t.Epoch<<16 | t.Incarnation }

// Less orders tokens as their numbers are ordered.
func (t Token) Less(u Token) bool { return t.Number() < u.Number() }

// String is epoch.incarnation.
func (t Token) String() string { return fmt.Sprintf("%d.%d", t.Epoch, t.Incarnation) }

// EffectType says what the runner is to do.
type EffectType uint8

const (
	// NoEffect is never handed out.
	NoEffect EffectType = iota
	// RaiseIncarnation: write Report, whose incarnation is new, by compare-and-swap, and answer Raised, then
	// Written; on a conflict read again and answer Started.
	RaiseIncarnation
	// WriteReport: write Report. A newer one makes it obsolete; on failure try again with Machine.Report.
	WriteReport
	// OpenUnit: write Token to the unit's epoch record, and answer Opened, OpenRefused or Superseded.
	OpenUnit
	// StartUnit: messages may start, as Machine.MayStart allows.
	StartUnit
	// StopUnit: take no more messages, let running calls end, flush progress if the broker still takes it, and
	// answer Emptied. A call that was cancelled or timed out ends when the handler has answered or its time is over.
	StopUnit
	// AbortUnit: cancel the unit's calls and forget it. Nothing more may be written for it.
	AbortUnit
	// PauseUnit: the hold is lost: start nothing and cancel calls, but keep the unit.
	PauseUnit
	// ResumeUnit: the hold is back.
	ResumeUnit
	// Confirm: ask the broker whether Grants are still the newest, and answer Confirmed or Superseded.
	Confirm
	// Exit: end the process. Everything that must last has been written.
	Exit
)

var effectNames = [...]string{
	"NoEffect", "RaiseIncarnation", "WriteReport", "OpenUnit", "StartUnit", "StopUnit", "AbortUnit", "PauseUnit",
	"ResumeUnit", "Confirm", "Exit",
}

// String is the effect's name.
func (t EffectType) String() string { return effectNames[t] }

// Effect is one thing for the runner to do, in the order in which effects are handed out.
type Effect struct {
	Type   EffectType
	Unit   Unit    // of OpenUnit, StartUnit, StopUnit, AbortUnit, PauseUnit, ResumeUnit
	Token  Token   // likewise
	Report Report  // of RaiseIncarnation and WriteReport
	Grants []Grant // of Confirm
}
