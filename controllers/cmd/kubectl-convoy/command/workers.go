// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package command

import (
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"

	"convoy.dev/convoy/api/v1alpha1"
	"convoy.dev/convoy/controllers/cmd/kubectl-convoy/show"
	"convoy.dev/convoy/controllers/cmd/kubectl-convoy/view"
)

func newWorkers(a *access) *cobra.Command {
	r := &rowsCommand[view.Worker]{
		access: a, flags: show.NewFlags(), table: workerTable(time.Now), rows: view.Workers,
		name: func(w *view.Worker) string { return w.Name },
		none: "Pool %[1]s has no workers: kubectl convoy explain %[1]s says why.",
	}
	cmd := &cobra.Command{
		Use:   "workers POOL",
		Short: "Print the workers of a pool and what they hold",
		Long: "Print the workers of a pool and what they hold.\n\n" +
			"STATE is Serving (bound to a slot), Leaving, Resigned (it holds nothing and never will again), Idle (bound to no slot) or " +
			"Gone (its pod is no more, and the lane table names it still). LANES is how many lanes it has the grant of, RUNNING and " +
			"DRAINING are how many it says that it runs and gives back. REVISION is what it has been told, OBSERVED what it has " +
			"carried out. TROUBLE names the conditions of its own that say that something is wrong.",
		Example: "  kubectl convoy workers orders\n  kubectl convoy workers orders -o wide --sort-by=backlog",
		Args:    onePool, ValidArgsFunction: completePools(a),
		RunE: func(cmd *cobra.Command, args []string) error { return r.run(cmd.Context(), args[0]) },
	}
	r.flags.AddTable(cmd, r.table.Names())
	cmd.Flags().BoolVarP(&r.watch, "watch", "w", false, "After printing all workers, print those that change.")
	return cmd
}

// workerTable is how workers are shown.
func workerTable(now func() time.Time) show.Table[view.Worker] {
	return show.Table[view.Worker]{Kind: "Worker", Columns: []show.Column[view.Worker]{
		{Name: "NAME", Value: func(w *view.Worker) any { return w.Name }},
		{Name: "STATE", Value: func(w *view.Worker) any { return string(w.State) }},
		{Name: "SLOT", Value: func(w *view.Worker) any { return show.Number(w.Slot) }},
		{Name: "LANES", Value: func(w *view.Worker) any { return int64(w.Granted) }},
		{Name: "RUNNING", Value: func(w *view.Worker) any { return int64(w.Holdings[v1alpha1.HoldingRunning]) }},
		{Name: "DRAINING", Value: func(w *view.Worker) any { return int64(w.Holdings[v1alpha1.HoldingDraining]) }},
		{Name: "BACKLOG", Value: func(w *view.Worker) any { return show.Number(w.Backlog) }},
		{Name: "REVISION", Value: func(w *view.Worker) any { return show.Number(w.Revision) }},
		{Name: "OBSERVED", Value: func(w *view.Worker) any { return show.Number(w.Observed) }},
		{Name: "TROUBLE", Value: func(w *view.Worker) any { return strings.Join(w.Trouble, ",") }},
		show.Age("AGE", now, func(w *view.Worker) time.Time { return ptr.Deref(w.Created, metav1.Time{}).Time }),
		{Name: "READY", Wide: true, Value: func(w *view.Worker) any {
			if w.Ready == nil {
				return nil
			}
			return fmt.Sprint(*w.Ready)
		}},
		{Name: "PHASE", Wide: true, Value: func(w *view.Worker) any { return string(w.Phase) }},
		{Name: "NODE", Wide: true, Value: func(w *view.Worker) any { return w.Node }},
		{Name: "INCARNATION", Wide: true, Value: func(w *view.Worker) any { return show.Number(w.Incarnation) }},
		{Name: "PROTOCOL", Wide: true, Value: func(w *view.Worker) any {
			if w.Protocol == nil {
				return nil
			}
			return fmt.Sprintf("%d-%d", w.Protocol.Min, w.Protocol.Max)
		}},
	}}
}
