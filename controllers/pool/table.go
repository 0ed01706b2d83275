// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package pool

import (
	"context"
	"fmt"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/log"

	"convoy.dev/convoy/api/v1alpha1"
	"convoy.dev/convoy/controllers/pool/child"
	"convoy.dev/convoy/controllers/pool/plan"
)

// batch is the shortest time between two writes of a table, so that there are at most 20 a second, and for how long
// reports are gathered before they are answered: lanes that drained together are granted together.
const batch = 50 * time.Millisecond

// writeTable writes the next table by compare-and-swap, and says whether the rest of the plan may follow.
func (w *writer) writeTable(ctx context.Context) bool {
	if w.plan.Table == nil {
		return true
	}
	if next := w.memory.table.Add(batch); w.seen.now.Before(next) {
		w.done.held = true
		w.done.wait(next)
		return false
	}
	if grants(w.plan.Table) && !w.claim(ctx) {
		return false
	}
	table, err := w.swapTable(ctx)
	if err != nil {
		w.done.note("writing the lane table", err)
		return false
	}
	w.done.written = true
	w.memory.table = w.seen.now
	w.memory.wrote(table, w.seen.now)
	w.tell(ctx)
	return true
}

// makeTable makes an empty table and observes live: nobody believes one that does not say what it is called, and it is
// rebuilt over the version that it has now. Somebody else may have made it meanwhile.
func (r *Reconciler) makeTable(ctx context.Context, seen *observation) (*observation, error) {
	table := &v1alpha1.LaneTable{
		ObjectMeta: metav1.ObjectMeta{
			Name: seen.key.Name, Namespace: seen.key.Namespace, Labels: child.Labels(seen.key.Name),
			OwnerReferences: []metav1.OwnerReference{child.Owner(seen.pool)},
		},
		Revision: 1,
	}
	if err := r.config.Client.Create(ctx, table, fieldOwner); err != nil && !apierrors.IsAlreadyExists(err) {
		return seen, fmt.Errorf("making the lane table: %w", err)
	}
	return r.lookCloser(ctx, seen)
}

// swapTable replaces exactly the table that was observed.
func (w *writer) swapTable(ctx context.Context) (*v1alpha1.LaneTable, error) {
	table := w.seen.table.DeepCopy()
	table.Labels = child.Labels(w.seen.key.Name)
	table.OwnerReferences = []metav1.OwnerReference{child.Owner(w.seen.pool)}
	table.OwnUID = ptr.To(string(table.UID))
	writeTable(w.plan.Table, table)
	return table, w.config.Client.Update(ctx, table, fieldOwner)
}

// grants says that somebody has a lane by this table.
func grants(t *plan.Table) bool {
	for _, lanes := range [][]plan.Lane{t.Lanes, t.Shards} {
		for i := range lanes {
			if lanes[i].State != plan.Unowned {
				return true
			}
		}
	}
	return false
}

// tell logs the moves of a table that was written, once per decision.
func (w *writer) tell(ctx context.Context) {
	logger := log.FromContext(ctx)
	counts := map[plan.Reason]int{}
	for _, move := range w.plan.Moves {
		counts[move.Reason]++
		moves.WithLabelValues(w.seen.key.Namespace, w.seen.key.Name, move.Reason.String()).Inc()
		logger.V(1).Info("lane changes hands", "lane", move.Index, "kind", move.Kind, "from", move.From.Name, "to", move.To.Name,
			"epoch", move.Epoch, "state", move.State.String(), "reason", move.Reason.String(), "forced", move.Forced)
	}
	tableWrites.WithLabelValues(w.seen.key.Namespace, w.seen.key.Name).Inc()
	logger.Info("lane table written", "revision", w.plan.Table.Revision, "moves", fmt.Sprint(counts))
}

// recheck says whether the table still has this revision, by a live read. The mailbox that is to be written has never
// been written to: its own revision, 0, could not refuse a spec of an older table.
func (w *writer) recheck(ctx context.Context, revision int64) (bool, error) {
	live := &v1alpha1.LaneTable{}
	if err := w.config.Live.Get(ctx, client.ObjectKeyFromObject(w.seen.table), live); err != nil {
		return false, fmt.Errorf("reading the lane table again: %w", err)
	}
	return live.UID == w.seen.table.UID && live.Revision == revision, nil
}
