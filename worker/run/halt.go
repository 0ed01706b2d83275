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

// halts are the lanes that take no messages, and why, in words for a condition.
type halts struct {
	blocked, braking map[int32]halt
}

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
		w.block(l, halt{v1alpha1.ReasonLookAheadFull, fmt.Sprintf("lane %d takes no more messages: %d of key %q wait, and it cannot look past them", l.number, e.Count, e.Key)})
	case order.Unblocked:
		w.unblock(l)
	case order.Braking:
		w.brake(l, fmt.Sprintf("lane %d stopped, because %d keys failed for good within a minute", l.number, e.Count))
	case order.Flowing:
		w.unbrake(l)
	default:
	}
}

func (w *Worker) block(l *heldLane, why halt) {
	if w.halts.blocked == nil {
		w.halts.blocked = map[int32]halt{}
	}
	if w.halts.blocked[l.number] != why {
		w.halts.blocked[l.number] = why
		w.showHalts(v1alpha1.ConditionLaneBlocked, w.halts.blocked)
	}
}

func (w *Worker) unblock(l *heldLane) {
	if _, was := w.halts.blocked[l.number]; was {
		delete(w.halts.blocked, l.number)
		w.showHalts(v1alpha1.ConditionLaneBlocked, w.halts.blocked)
	}
}

func (w *Worker) brake(l *heldLane, text string) {
	if w.halts.braking == nil {
		w.halts.braking = map[int32]halt{}
	}
	w.halts.braking[l.number] = halt{v1alpha1.ReasonManyKeysFail, text}
	w.showHalts(v1alpha1.ConditionBraking, w.halts.braking)
}

func (w *Worker) unbrake(l *heldLane) {
	if _, was := w.halts.braking[l.number]; was {
		delete(w.halts.braking, l.number)
		w.showHalts(v1alpha1.ConditionBraking, w.halts.braking)
	}
}

// showHalts makes one condition of the lanes that stand.
func (w *Worker) showHalts(kind string, of map[int32]halt) {
	if len(of) == 0 {
		w.setCondition(kind, false, v1alpha1.ReasonAllFlow, "no lane of this worker stands")
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
