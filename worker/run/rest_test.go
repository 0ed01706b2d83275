// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package run_test

import (
	"testing"
	"time"

	"convoy.dev/convoy/api/v1alpha1"
	"convoy.dev/convoy/worker/broker"
	"convoy.dev/convoy/worker/broker/brokertest"
	"convoy.dev/convoy/worker/run"
)

// atRest ends the process and returns what it reports at last.
func (p *process) atRest() bool {
	p.w.t.Helper()
	p.worker.Stop()
	if ending := p.wait(); ending != run.Resigned || !p.w.api.report().Resigned {
		p.w.t.Fatalf("ended as %v, report %+v", ending, p.w.api.report())
	}
	p.w.api.lock.Lock()
	defer p.w.api.lock.Unlock()
	rests := p.w.api.object.Status.AtRest
	return rests != nil && *rests
}

func TestAWorkerThatCompletesEverythingEndsAtRest(t *testing.T) {
	story(t, 2, func(w *world) {
		p := w.start()
		w.grant(1, 1, 0, 1)
		w.publish(0, "a", "b")
		w.publish(1, "c")
		w.allDone()
		if !p.atRest() {
			w.t.Error("it does not say that the pool is at rest")
		}
		other := broker.Claim{Cluster: "c", Namespace: "n", Name: "p", UID: "u", Fingerprint: "g"}
		if err := w.broker.Connect().Claim(w.t.Context(), other); err != nil {
			w.t.Errorf("another fingerprint: %v", err)
		}
	})
}

func TestAWorkerThatLeavesABacklogDoesNotEndAtRest(t *testing.T) {
	story(t, 2, func(w *world) {
		p := w.start()
		w.grant(1, 1, 0)
		w.untilStates("0:Running")
		w.publish(1, "a") // Nobody has lane 1.
		if p.atRest() {
			w.t.Error("it says that the pool is at rest")
		}
	})
}

func TestAWorkerThatCannotAskDoesNotEndAtRest(t *testing.T) {
	story(t, 1, func(w *world) {
		p := w.start()
		w.grant(1, 1, 0)
		w.untilStates("0:Running")
		w.broker.Fail(brokertest.Fault{Operation: brokertest.Settle})
		if p.atRest() {
			w.t.Error("it says that the pool is at rest")
		}
	})
}

// A worker whose fields were changed and refused has touched nothing: they may be put back.
func TestAWorkerWhoseFingerprintIsRefusedEndsAtRest(t *testing.T) {
	story(t, 1, func(w *world) {
		holder := w.broker.Connect()
		if err := holder.Claim(w.t.Context(), broker.Claim{Cluster: "c", Namespace: "n", Name: "p", UID: "u", Fingerprint: "before"}); err != nil {
			w.t.Fatal(err)
		}
		p := w.start()
		w.grant(1, 1, 0)
		w.until("the claim is refused", func() bool { return w.api.reason(v1alpha1.ConditionSourceClaimed) == v1alpha1.ReasonFingerprintDiffers })
		if !p.atRest() {
			w.t.Error("it does not say that the fields may be put back")
		}
	})
}

// A worker that has not come to connect knows nothing.
func TestAWorkerWithoutAClaimDoesNotEndAtRest(t *testing.T) {
	story(t, 1, func(w *world) {
		w.claimed("another")
		p := w.start()
		w.pass(time.Second)
		if p.atRest() {
			w.t.Error("it says that the pool is at rest")
		}
	})
}
