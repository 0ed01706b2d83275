// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package run

import (
	"context"
	"encoding/json"
	"net/http"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"convoy.dev/convoy/api/v1alpha1"
	"convoy.dev/convoy/worker/lane"
	"convoy.dev/convoy/worker/order"
)

const (
	// peekTime is how long an answer of the loop is waited for.
	peekTime = 5 * time.Second
	// peekedSequences is how many sequences an answer has at most, peekedReason how many bytes its reason has.
	peekedSequences, peekedReason = 16, 256
)

// Peek answers what the worker has of the key that the request names, as v1alpha1.PeekPath says. A key that it has nothing of
// is an empty list.
func (w *Worker) Peek(out http.ResponseWriter, r *http.Request) {
	asked := r.URL.Query()[v1alpha1.PeekParameter]
	if len(asked) != 1 {
		http.Error(out, "one key is needed: "+v1alpha1.PeekPath+"?"+v1alpha1.PeekParameter+"=KEY", http.StatusBadRequest)
		return
	}
	ctx, done := context.WithTimeout(r.Context(), peekTime)
	defer done()
	answer := make(chan []v1alpha1.KeyPeek, 1) // The loop does not wait for one who has gone.
	w.inbox.post(func() { answer <- w.peek(asked[0]) })
	select {
	case found := <-answer:
		out.Header().Set("Content-Type", "application/json")
		if err := json.NewEncoder(out).Encode(found); err != nil {
			w.config.Log.Debug("an answer was not taken", "error", err)
		}
	case <-ctx.Done():
		http.Error(out, "the worker does not answer", http.StatusServiceUnavailable)
	}
}

// peek is what the worker has of a key in each of its lanes. Routed lanes have a key in one of them at most.
func (w *Worker) peek(name string) []v1alpha1.KeyPeek {
	found := []v1alpha1.KeyPeek{}
	for _, l := range w.lanes.round {
		if c, known := w.seq.Peek(l.number, lane.Hash(name), name, peekedSequences); known {
			found = append(found, w.peekIn(l, name, &c))
		}
	}
	return found
}

func (w *Worker) peekIn(l *heldLane, name string, c *order.Convoy) v1alpha1.KeyPeek {
	p := v1alpha1.KeyPeek{
		Lane: l.number, Epoch: l.token.Epoch, State: c.State.String(), Attempts: int64(c.Attempts),
		Messages: int64(c.Messages), Running: int64(c.Running), Parked: int64(c.Parked), Reason: cut(l.chain.failures[name].detail, peekedReason),
	}
	if c.Running > 0 {
		p.Since = w.wall(c.Started)
	}
	if c.State == order.Held || c.State == order.Waiting {
		p.Due = w.wall(c.Due)
	}
	for _, sequence := range c.Sequences {
		p.Sequences = append(p.Sequences, int64(sequence))
	}
	if k := l.parked.keys[name]; k != nil && c.State == order.Parked {
		since := metav1.NewMicroTime(k.mark.Since)
		p.Since, p.Attempts, p.Reason = &since, int64(k.mark.Attempts), k.mark.Reason
	}
	return p
}

// wall is an instant by the wall clock, which the worker's own is not.
func (w *Worker) wall(at order.Instant) *metav1.MicroTime {
	t := metav1.NewMicroTime(time.Now().Add(time.Duration(at - w.instant(w.now()))))
	return &t
}
