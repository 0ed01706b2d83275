// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package pool

import (
	"context"
	"errors"
	"fmt"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"

	"convoy.dev/convoy/controllers/pool/plan"
)

// outcome is what came of carrying a plan out.
type outcome struct {
	// refused is what the API server would not have, by the kind of the child.
	refused map[string]refusal
	// held says that the plan waits, so that tables are not written too often; nothing of it was done.
	held bool
	// undecided says that there was no plan, so that nothing is known beyond what was observed.
	undecided bool
	// written says that the plan's table is the present one.
	written bool
	// conflict says that somebody has written since the observation, and another look is needed.
	conflict bool
	// again is the next instant at which something is to be tried again, zero if none.
	again time.Time
	// errs are the writes that failed.
	errs []error
}

func (d *outcome) err() error { return errors.Join(d.errs...) }

// note keeps what a write came to. An object that is gone needs no write: its end is the next event.
func (d *outcome) note(doing string, err error) {
	switch {
	case err == nil, apierrors.IsNotFound(err):
	case apierrors.IsConflict(err):
		d.conflict = true
	default:
		d.errs = append(d.errs, fmt.Errorf("%s: %w", doing, err))
	}
}

// denied is the first write that the operator's own permissions did not allow, nil if none.
func (d *outcome) denied() error {
	for _, err := range d.errs {
		if apierrors.IsForbidden(err) {
			return err
		}
	}
	return nil
}

func (d *outcome) wait(until time.Time) {
	if d.again.IsZero() || until.Before(d.again) {
		d.again = until
	}
}

// writer carries one plan out.
type writer struct {
	*Reconciler
	seen   *observation
	plan   plan.Plan
	memory *poolMemory
	done   *outcome
}

// apply carries a plan out: first what makes it safe, then the table, and only when that was written, or needed no
// write, the rest, each write by itself, so that one that is refused keeps no other from being made.
func (r *Reconciler) apply(ctx context.Context, seen *observation, next plan.Plan, failed error) *outcome {
	w := &writer{r, seen, next, r.memory.of(seen.key), &outcome{refused: map[string]refusal{}}}
	if failed != nil {
		w.done.undecided = true
		w.done.note("deciding", failed)
		return w.done
	}
	if !w.writePool(ctx) || !w.noteRest(ctx) || !w.writeTable(ctx) {
		return w.done
	}
	w.writeChildren(ctx)
	w.writeMailboxes(ctx)
	w.writePods(ctx)
	w.writeDeployment(ctx)
	return w.done
}
