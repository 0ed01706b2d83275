// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package run

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"time"

	"convoy.dev/convoy/api/v1alpha1"
	"convoy.dev/convoy/worker/broker"
	"convoy.dev/convoy/worker/order"
)

// request is something that is asked of the broker until it succeeds.
type request struct {
	doing string
	// lane is -1 for a request that belongs to none, at the position of a request that is about one message.
	lane int32
	at   order.Position
}

// failing is a request that has failed and has not succeeded since.
type failing struct {
	since, latest time.Time
	err           error
	// made says whether the request is still made.
	made func() bool
}

// reach is what is known of the broker since the claim. The loop owns it.
type reach struct {
	claimed bool
	// lost says that the claim was lost since: nothing can be opened.
	lost    bool
	failing map[request]failing
	// shown is what the condition says to be wrong, zero if nothing is, and shownAt since when.
	shown   halt
	shownAt time.Time
}

// fails notes a failure. Every request is made again soon or ends, so that one of which nothing is heard goes on.
func (w *Worker) fails(r request, err error, made func() bool) {
	if broker.KindOf(err) == broker.Fenced {
		return // The broker did what it is there for.
	}
	if w.reach.failing == nil {
		w.reach.failing = map[request]failing{}
	}
	since := w.at
	if before, known := w.reach.failing[r]; known {
		since = before.since
	}
	w.reach.failing[r] = failing{since: since, latest: w.at, err: err, made: made}
}

func (w *Worker) succeeds(r request) { delete(w.reach.failing, r) }

// claimed is for a claim that stands: until then SourceClaimed says what is wrong.
func (w *Worker) claimed() {
	w.reach.claimed = true
	w.setCondition(v1alpha1.ConditionSourceClaimed, true, v1alpha1.ReasonClaimed, "the claim is this pool's")
	w.showReach(halt{})
}

// lose is for a claim that is another pool's by now. Lanes that are held go on, until their next owners open them.
func (w *Worker) lose(err error) {
	w.reach.lost = true
	w.setCondition(v1alpha1.ConditionSourceClaimed, false, unclaimed(err), err.Error())
}

// regain is for a lane that was opened, and so for a claim that stands.
func (w *Worker) regain() {
	if w.reach.lost {
		w.reach.lost = false
		w.setCondition(v1alpha1.ConditionSourceClaimed, true, v1alpha1.ReasonClaimed, "the claim is this pool's")
	}
}

// judgeReach shows whether the broker does what it is asked for. What is wrong is shown for a while at least, so that
// trouble that comes and goes does not fill the status.
func (w *Worker) judgeReach() {
	quiet := latest + requestTime + w.config.Fence
	maps.DeleteFunc(w.reach.failing, func(_ request, f failing) bool { return !f.made() || w.at.Sub(f.latest) > quiet })
	if wrong := w.wrong(); w.reach.claimed && wrong != w.reach.shown &&
		(w.reach.shown == halt{} || w.at.Sub(w.reach.shownAt) >= troubleInterval) {
		w.showReach(wrong)
	}
}

func (w *Worker) showReach(wrong halt) {
	w.reach.shown, w.reach.shownAt = wrong, w.at
	if (wrong == halt{}) {
		w.setCondition(v1alpha1.ConditionSourceReachable, true, v1alpha1.ReasonRequestsSucceed, "the broker does what it is asked for")
		return
	}
	w.setCondition(v1alpha1.ConditionSourceReachable, false, wrong.reason, wrong.text)
}

// wrong is what a person may have to mend: what the broker refuses, else holds that are lost, else what has failed for
// longer than the fence.
func (w *Worker) wrong() halt {
	if text := w.first(func(f failing) bool { return broker.KindOf(f.err) == broker.Permanent }); text != "" {
		return halt{v1alpha1.ReasonRequestRefused, text}
	}
	unheld := 0
	for _, l := range w.lanes.round {
		if l.unheld && !l.fenced {
			unheld++
		}
	}
	if unheld > 0 {
		text := fmt.Sprintf("the broker has not confirmed %d lanes for as long as handoff.fenceSeconds, and nothing of them starts: let the pool's workers reach it",
			unheld)
		if last := w.first(func(failing) bool { return true }); last != "" {
			text += "; " + last
		}
		return halt{v1alpha1.ReasonHoldLost, text}
	}
	if text := w.first(func(f failing) bool { return w.at.Sub(f.since) > w.config.Fence }); text != "" {
		return halt{v1alpha1.ReasonSourceUnreachable, text}
	}
	return halt{}
}

// first is the first of the failing requests of that kind, in words; empty if there is none.
func (w *Worker) first(is func(failing) bool) string {
	var found []request
	for r, f := range w.reach.failing {
		if is(f) {
			found = append(found, r)
		}
	}
	if len(found) == 0 {
		return ""
	}
	r := slices.MinFunc(found, func(a, b request) int {
		return cmp.Or(cmp.Compare(a.lane, b.lane), cmp.Compare(a.doing, b.doing), cmp.Compare(a.at, b.at))
	})
	what := r.doing
	if r.lane >= 0 {
		what += fmt.Sprintf(" (lane %d)", r.lane)
	}
	return what + ": " + w.reach.failing[r].err.Error()
}
