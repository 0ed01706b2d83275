// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package order

import "fmt"

// State is what a key is doing. A key without messages is not stored at all.
type State uint8

const (
	// Resting: nothing to start now; the key waits for answers of the parking store, or is about to be forgotten.
	Resting State = iota
	// Ready: in its lane's queue, waiting for its turn.
	Ready
	// Alone: its first message is a suspect; it waits until nothing else runs in this worker.
	Alone
	// Reading: its turn has come, the payload of its first message is being read.
	Reading
	// Recording: its start waits for a flush that records it.
	Recording
	// Running: its call is with the handler.
	Running
	// Held: its call timed out or lost its connection and may still run in the handler.
	Held
	// Waiting: for the instant of its next attempt.
	Waiting
	// DeadLettering: its first message is on its way to the dead letter destination.
	DeadLettering
	// Parked: not to be run until released or discarded.
	Parked
	stateCount
)

var stateNames = [stateCount]string{
	"Resting", "Ready", "Alone", "Reading", "Recording", "Running", "Held", "Waiting", "DeadLettering", "Parked",
}

func (s State) String() string { return stateNames[s] }

// trigger is what changes a key's state.
type trigger uint8

const (
	arrived trigger = iota
	turned
	answered
	flushed
	succeeded
	failed
	timedOut
	timerFired
	stored
	released
	discarded
	revoked
	paused
	notStarted
	triggerCount
)

var triggerNames = [triggerCount]string{
	"arrived", "turned", "answered", "flushed", "succeeded", "failed", "timed out", "timer fired",
	"stored", "released", "discarded", "revoked", "paused", "not started",
}

func (t trigger) String() string { return triggerNames[t] }

type transition struct {
	from State
	on   trigger
	to   []State
}

// transitions is every change of state there is; enter panics on any other. What decides between several targets is
// told in doc.go.
var transitions = []transition{
	{Resting, arrived, []State{Ready}},
	{Resting, stored, []State{Ready}},
	{Ready, turned, []State{Running, Reading, Recording, Alone, Resting, Parked, DeadLettering}},
	{Alone, turned, []State{Running, Reading, Recording, Resting}},
	{Alone, paused, []State{Ready}},
	{Reading, answered, []State{Ready}},
	{Reading, stored, []State{Resting}},
	{Recording, flushed, []State{Ready}},
	{Running, succeeded, []State{Ready, Resting}},
	{Running, failed, []State{Waiting, Ready, Parked, DeadLettering, Resting}},
	{Running, notStarted, []State{Ready, Resting}},
	{Running, timedOut, []State{Held}},
	{Held, succeeded, []State{Ready, Resting}},
	{Held, failed, []State{Waiting, Ready, Parked, DeadLettering, Resting}},
	{Held, timerFired, []State{Waiting, Parked, DeadLettering, Resting}},
	{Waiting, timerFired, []State{Ready}},
	{DeadLettering, stored, []State{Ready, Resting}},
	{Parked, released, []State{Resting}},
	{Parked, discarded, []State{Resting}},
	{Ready, revoked, []State{Resting}},
	{Alone, revoked, []State{Resting}},
	{Reading, revoked, []State{Resting}},
	{Recording, revoked, []State{Resting}},
	{Waiting, revoked, []State{Resting}},
	{Parked, revoked, []State{Resting}},
}

// allowed is transitions by state and trigger, as sets of target states.
var allowed = buildAllowed()

func buildAllowed() (sets [stateCount][triggerCount]uint16) {
	for _, t := range transitions {
		for _, to := range t.to {
			sets[t.from][t.on] |= 1 << to
		}
	}
	return sets
}

// enter moves a key to another state, along the table or not at all.
func (s *Sequencer) enter(k *key, on trigger, to State) {
	if allowed[k.state][on]&(1<<to) == 0 {
		panic(fmt.Sprintf("order: key %q of lane %d: no way from %v to %v when %v", k.name, s.lanes[k.lane].id, k.state, to, on))
	}
	if s.trace != nil {
		s.trace(k.state, on, to)
	}
	k.state = to
	if pended := to == Reading || to == Recording || to == Alone || (k.pended && to == Ready); pended != k.pended {
		s.setPended(k, pended)
	}
}

// setPended counts the keys whose turn has come and that have not started, so that a lane does not read, or record as
// about to be started, more than it can soon start.
func (s *Sequencer) setPended(k *key, pended bool) {
	l := &s.lanes[k.lane]
	k.pended = pended
	if pended {
		l.pended++
	} else {
		l.pended--
		s.joinRing(k.lane)
	}
}
