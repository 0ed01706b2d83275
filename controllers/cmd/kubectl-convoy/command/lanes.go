// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package command

import (
	"fmt"
	"time"

	"github.com/spf13/cobra"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"

	"convoy.dev/convoy/controllers/cmd/kubectl-convoy/show"
	"convoy.dev/convoy/controllers/cmd/kubectl-convoy/view"
)

func newLanes(a *access) *cobra.Command {
	r := &rowsCommand[view.Lane]{
		access: a, flags: show.NewFlags(), table: laneTable(time.Now), rows: view.Lanes,
		name: func(l *view.Lane) string { return fmt.Sprint(l.Number) },
		none: "Pool %[1]s has no lane table yet: kubectl convoy explain %[1]s says why.",
	}
	shards := false
	cmd := &cobra.Command{
		Use:   "lanes POOL",
		Short: "Print which worker holds which lane",
		Long: "Print which worker holds which lane of a pool.\n\n" +
			"STATE is the lane table's word: Owned, Releasing (its worker has been asked to give it back, SINCE when) or Unowned. " +
			"HOLDING is the worker's word: what it does with the lane, with the epoch where that is another one. BACKLOG is how many " +
			"messages of the lane are not completed, as of the newest sample that a worker has reported.",
		Example: "  # The lanes of a pool\n  kubectl convoy lanes orders\n\n" +
			"  # The longest first\n  kubectl convoy lanes orders --sort-by=backlog\n\n" +
			"  # Watch a rebalance\n  kubectl convoy lanes orders -w",
		Args: onePool, ValidArgsFunction: completePools(a),
		RunE: func(cmd *cobra.Command, args []string) error {
			if shards {
				r.table, r.rows = shardTable(time.Now), view.Shards
				r.none = "Pool %[1]s has no shards to route."
			}
			return r.run(cmd.Context(), args[0])
		},
	}
	r.flags.AddTable(cmd, r.table.Names())
	cmd.Flags().BoolVarP(&r.watch, "watch", "w", false, "After printing all lanes, print those that change.")
	cmd.Flags().BoolVar(&shards, "shards", false, "Print the shards that are routed, not the lanes.")
	return cmd
}

// laneTable is how lanes are shown.
func laneTable(now func() time.Time) show.Table[view.Lane] {
	return show.Table[view.Lane]{Kind: "Lane", Columns: append([]show.Column[view.Lane]{
		{Name: "LANE", Value: func(l *view.Lane) any { return int64(l.Number) }},
		{Name: "RANGE", Value: func(l *view.Lane) any { return l.Range }},
	}, ownership(now)...)}
}

// shardTable is how shards are shown.
func shardTable(now func() time.Time) show.Table[view.Lane] {
	return show.Table[view.Lane]{Kind: "Shard", Columns: append([]show.Column[view.Lane]{
		{Name: "SHARD", Value: func(l *view.Lane) any { return int64(l.Number) }},
	}, ownership(now)...)}
}

func ownership(now func() time.Time) []show.Column[view.Lane] {
	return []show.Column[view.Lane]{
		{Name: "WORKER", Value: func(l *view.Lane) any { return l.Worker }},
		{Name: "EPOCH", Value: func(l *view.Lane) any { return l.Epoch }},
		{Name: "STATE", Value: func(l *view.Lane) any { return string(l.State) }},
		{Name: "HOLDING", Value: func(l *view.Lane) any { return l.HoldingText() }},
		show.Age("SINCE", now, func(l *view.Lane) time.Time { return ptr.Deref(l.Since, metav1.MicroTime{}).Time }),
		{Name: "BACKLOG", Value: func(l *view.Lane) any { return show.Number(l.Backlog) }},
		{Name: "SLOT", Wide: true, Value: func(l *view.Lane) any { return show.Number(l.Slot) }},
		{Name: "FORCED", Wide: true, Value: func(l *view.Lane) any { return fmt.Sprint(l.Forced) }},
		{Name: "WAITS-FOR", Wide: true, Value: func(l *view.Lane) any { return l.WaitsFor }},
	}
}
