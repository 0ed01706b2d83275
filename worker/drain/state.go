// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package drain

import "fmt"

// trigger is what can happen to one unit.
type trigger uint8

const (
	// wanted: the spec grants the unit, and the process may open units.
	wanted trigger = iota
	// unwanted: the spec in force no longer has this grant, or the worker is on its way out.
	unwanted
	// opened: the broker has written the grant's epoch; nobody before it can be running.
	opened
	// openedForced: the broker has written the grant's epoch; an earlier owner may still be running.
	openedForced
	// outlasted: the quarantine of a forced grant is over.
	outlasted
	// superseded: the broker has a higher epoch than the grant's.
	superseded
	// emptied: nothing of the unit is in flight and its progress is flushed.
	emptied
	triggers
)

var triggerNames = [triggers]string{
	"wanted", "unwanted", "opened", "openedForced", "outlasted", "superseded", "emptied",
}

func (t trigger) String() string { return triggerNames[t] }

var heldStateNames = [...]string{"Closed", "Barred", "Opening", "Fencing", "Running", "Draining", "Refused"}

const heldStates = HeldState(len(heldStateNames))

// String is the state's name, as reports carry it.
func (s HeldState) String() string {
	if s >= heldStates {
		return fmt.Sprintf("HeldState(%d)", uint8(s))
	}
	return heldStateNames[s]
}

// Holds says whether a unit in this state counts as held: whether its lane may not be given to another worker.
func (s HeldState) Holds() bool { return s != Closed && s != Refused }

// transition is where a trigger leads, and what the runner is told.
type transition struct {
	to HeldState
	do EffectType
}

// stay marks a trigger that changes nothing in a state.
var stay = transition{to: heldStates}

// transitions is the whole life of a unit. A pair that is missing changes nothing; each such pair is either
// impossible or late news about a grant that is over.
var transitions = map[HeldState]map[trigger]transition{
	Closed: {
		wanted: {Opening, OpenUnit},
	},
	Opening: {
		opened:       {Running, StartUnit},
		openedForced: {Fencing, NoEffect},
		superseded:   {Refused, NoEffect},
		// No message has started, and the epoch that may still be written is this worker's own: the next owner's
		// is higher, so nothing need be waited for.
		unwanted: {Closed, NoEffect},
	},
	Fencing: {
		outlasted:  {Running, StartUnit},
		superseded: {Refused, AbortUnit},
		// No message has started. That the quarantine was cut short is the controller's to remember (its table
		// keeps the lane forced until it has been reported Running).
		unwanted: {Closed, AbortUnit},
	},
	Running: {
		unwanted: {Draining, StopUnit},
		// Its calls may still be running, so it counts as held until they are over. What is then opened again at
		// the same epoch is refused, and so the controller hears of the broker's.
		superseded: {Draining, StopUnit},
	},
	Draining: {
		// Superseded changes nothing here: calls may be running all the same.
		emptied: {Closed, NoEffect},
	},
	Refused: {
		unwanted: {Closed, NoEffect},
	},
}

func (s HeldState) on(t trigger) transition {
	if next, ok := transitions[s][t]; ok {
		return next
	}
	return stay
}
