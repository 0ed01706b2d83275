// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package run

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"convoy.dev/convoy/api/v1alpha1"
	"convoy.dev/convoy/worker/order"
)

// halts are the lanes that take no messages, and why, by the type of the condition that says so. Shards are among them by
// the numbers of halting.
type halts map[string]map[int32]halt

// halt is why one lane stands.
type halt struct{ reason, text string }

// named is how many lanes a condition names; of the others it says how many there are.
const named = 5

// judgeLane shows that a lane stopped at a key, or because too many keys fail, or that this is over.
func (w *Worker) judgeLane(l *heldLane, e *order.Effect) {
	if l == nil {
		return
	}
	switch e.Kind {
	case order.Blocked:
		w.halt(v1alpha1.ConditionLaneBlocked, l, blockedBy(l, e))
	case order.Unblocked:
		w.goOn(v1alpha1.ConditionLaneBlocked, l)
	case order.Braking:
		w.halt(v1alpha1.ConditionBraking, l, halt{v1alpha1.ReasonManyKeysFail,
			fmt.Sprintf("lane %d stopped, because %d keys failed for good within a minute", l.number, e.Count)})
	case order.Flowing:
		w.goOn(v1alpha1.ConditionBraking, l)
	default:
	}
}

// blockedBy is why a lane stands at a key, and what can be done where that is not the key's own matter.
func blockedBy(l *heldLane, e *order.Effect) halt {
	stands := fmt.Sprintf("lane %d takes no more messages: %d of key %q wait", l.number, e.Count, e.Key)
	const mend = "release or discard what is parked, or raise delivery.onFailure.park."
	switch e.Cause {
	case order.CauseMaxKeys:
		return halt{v1alpha1.ReasonParkFull, stands + ", and as many keys are parked as may be: " + mend + "maxKeys"}
	case order.CauseMaxMessages:
		return halt{v1alpha1.ReasonParkFull, stands + ", because as many of them are parked as may be: " + mend + "maxMessagesPerKey"}
	default:
		return halt{v1alpha1.ReasonLookAheadFull, stands + ", and it cannot look past them"}
	}
}

// halt notes that a lane stands.
func (w *Worker) halt(kind string, l *heldLane, why halt) { w.haltAt(kind, l.number, why) }

func (w *Worker) haltAt(kind string, number int32, why halt) {
	if w.halts[kind] == nil {
		w.halts[kind] = map[int32]halt{}
	}
	if w.halts[kind][number] != why {
		w.halts[kind][number] = why
		w.showHalts(kind)
	}
}

// goOn notes that a lane no longer stands, if it did.
func (w *Worker) goOn(kind string, l *heldLane) { w.goOnAt(kind, l.number) }

func (w *Worker) goOnAt(kind string, number int32) {
	if _, was := w.halts[kind][number]; was {
		delete(w.halts[kind], number)
		w.showHalts(kind)
	}
}

// showHalts makes one condition of the lanes that stand.
func (w *Worker) showHalts(kind string) {
	of := w.halts[kind]
	if len(of) == 0 {
		w.setCondition(kind, false, v1alpha1.ReasonAllFlow, "no lane of this worker stands, and routing waits for nothing")
		return
	}
	lanes := slices.SortedFunc(maps.Keys(of), cmp.Compare[int32])
	var texts []string
	for _, number := range lanes[:min(named, len(lanes))] {
		texts = append(texts, of[number].text)
	}
	if more := len(lanes) - len(texts); more > 0 {
		texts = append(texts, fmt.Sprintf("and %d lanes more", more))
	}
	w.setCondition(kind, true, of[lanes[0]].reason, strings.Join(texts, "; "))
}
