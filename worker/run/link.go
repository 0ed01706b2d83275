// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package run

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"convoy.dev/convoy/api/v1alpha1"
	"convoy.dev/convoy/worker/broker"
)

// link is the connection to the broker, once it is there and the pool's claim stands. Until then nothing is opened.
type link struct {
	ready chan struct{} // nothing is ever sent; closed when broker is set
	// broker is written once, before ready is closed, and then read by everybody.
	broker broker.Connection
	// differs says that the claim was refused because of its fingerprint when it was last asked for. Shared.
	differs atomic.Bool
}

func newLink() link { return link{ready: make(chan struct{})} }

// wait returns the broker once it is there, or the context's error.
func (l *link) wait(ctx context.Context) (broker.Connection, error) {
	select {
	case <-l.ready:
		return l.broker, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// Waits between attempts at the connection and the claim: short when the same request may succeed soon, long when a
// person has to act first.
const (
	soonest, latest = 100 * time.Millisecond, 5 * time.Second
	personWait      = 10 * time.Second
)

// connect makes the connection and the claim. It is a task of its own.
func (w *Worker) connect(ctx context.Context) {
	b := w.tryConnecting(ctx)
	if b == nil {
		return
	}
	w.link.broker = b
	if w.tryClaiming(ctx, b) {
		close(w.link.ready)
	}
}

func (w *Worker) tryConnecting(ctx context.Context) broker.Connection {
	waits := backoff{least: soonest, most: latest}
	for {
		b, err := w.config.Connect(ctx)
		if err == nil {
			return b
		}
		if ctx.Err() != nil || !w.notClaimed(ctx, fmt.Errorf("connecting to the broker: %w", err), &waits) {
			return nil
		}
	}
}

func (w *Worker) tryClaiming(ctx context.Context, b broker.Broker) bool {
	waits := backoff{least: soonest, most: latest}
	for {
		err := w.claimOnce(ctx, b)
		if err == nil {
			w.inbox.post(w.claimed)
			return true
		}
		if ctx.Err() != nil || !w.notClaimed(ctx, err, &waits) {
			return false
		}
	}
}

func (w *Worker) claimOnce(ctx context.Context, b broker.Broker) error {
	ctx, cancel := context.WithTimeout(ctx, requestTime)
	defer cancel()
	return b.Claim(ctx, w.config.Claim)
}

// notClaimed shows why there is no claim, and waits before the next attempt. It returns false when ctx ends first.
func (w *Worker) notClaimed(ctx context.Context, err error, waits *backoff) bool {
	reason := unclaimed(err)
	w.link.differs.Store(reason == v1alpha1.ReasonFingerprintDiffers)
	w.inbox.post(func() { w.setCondition(v1alpha1.ConditionSourceClaimed, false, reason, err.Error()) })
	if broker.KindOf(err) == broker.Permanent {
		waits = &backoff{least: personWait, most: personWait}
	}
	return waits.wait(ctx)
}

// unclaimed is the reason for an error that stands in the way of the claim.
func unclaimed(err error) string {
	var claim *broker.ClaimError
	var permanent *broker.PermanentError
	switch {
	case errors.As(err, &claim) && claim.Other:
		return v1alpha1.ReasonHeldByAnother
	case errors.As(err, &claim):
		return v1alpha1.ReasonFingerprintDiffers
	case !errors.As(err, &permanent):
		return v1alpha1.ReasonSourceUnreachable
	case permanent.Cause == broker.CauseNotFound:
		return v1alpha1.ReasonSourceNotFound
	case permanent.Cause == broker.CauseDenied:
		return v1alpha1.ReasonAccessDenied
	case permanent.Cause == broker.CauseUnfit:
		return v1alpha1.ReasonStoreUnfit
	}
	return v1alpha1.ReasonRequestRefused
}

// restTime bounds the question whether the pool is at rest. It takes long only when it is, and then nobody waits for a lane.
const restTime = 10 * time.Second

// atRest says, at the worker's end, whether what is fixed while lanes hold messages may be changed: nothing of the pool is in
// progress in the broker; or this worker never had the claim, because the fields are others than those of the one that stands,
// and may be put back. What cannot be found out is not so.
func (w *Worker) atRest(ctx context.Context) bool {
	select {
	case <-w.link.ready:
	default:
		return w.link.differs.Load()
	}
	ctx, cancel := context.WithTimeout(ctx, restTime)
	defer cancel()
	settled, err := w.link.broker.Settle(ctx)
	if err != nil {
		w.config.Log.Info("whether the pool is at rest is not known", "error", err)
		return false
	}
	w.config.Log.Info("the worker ends", "atRest", settled)
	return settled
}

// disconnect closes the connection after every task has ended.
func (w *Worker) disconnect() {
	if w.link.broker == nil {
		return
	}
	if err := w.link.broker.Close(); err != nil {
		w.config.Log.Warn("closing the connection to the broker", "error", err)
	}
}

// setCondition notes a condition and says so once.
func (w *Worker) setCondition(kind string, is bool, reason, message string) {
	if w.news.set(kind, is, reason, message) {
		w.config.Log.Info("condition", "type", kind, "status", is, "reason", reason, "message", message)
	}
}
