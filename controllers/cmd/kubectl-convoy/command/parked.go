// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package command

import (
	"fmt"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"convoy.dev/convoy/controllers/cmd/kubectl-convoy/show"
	"convoy.dev/convoy/controllers/cmd/kubectl-convoy/snapshot"
	"convoy.dev/convoy/controllers/cmd/kubectl-convoy/view"
)

func newParked(a *access) *cobra.Command {
	var keys []string
	var reason string
	wanted := func(p view.Parked) bool {
		return (len(keys) == 0 || slices.Contains(keys, p.Key)) && (reason == "" || string(p.Reason) == reason)
	}
	r := &rowsCommand[view.Parked]{
		access: a, flags: show.NewFlags(), table: parkedTable(time.Now),
		rows: func(s *snapshot.Snapshot) []view.Parked {
			return slices.DeleteFunc(view.ParkedKeys(s), func(p view.Parked) bool { return !wanted(p) })
		},
		name: func(p *view.Parked) string { return fmt.Sprint(p.Lane, " ", p.Key) },
		none: "No worker of pool %[1]s names a parked key that is asked for.",
		note: func(s *snapshot.Snapshot) string {
			if more := view.Unnamed(s); more > 0 {
				return fmt.Sprintf("%s more: a worker names the keys that have been parked for longest.", view.Count(more, "key"))
			}
			return ""
		},
	}
	cmd := &cobra.Command{
		Use:   "parked POOL",
		Short: "Print the keys that are parked, and why",
		Long: "Print the keys that are parked, and why, those that have been parked for longest first. Each worker names those of its " +
			"lanes that have been parked for longest, at most 10, and keys are cut to 128 characters; how many there are beside them is " +
			"said on standard error.",
		Example: "  kubectl convoy parked orders\n  kubectl convoy parked orders --reason Rejected -o json",
		Args:    onePool, ValidArgsFunction: completePools(a),
		RunE: func(cmd *cobra.Command, args []string) error { return r.run(cmd.Context(), args[0]) },
	}
	r.flags.AddTable(cmd, r.table.Names())
	cmd.Flags().BoolVarP(&r.watch, "watch", "w", false, "After printing all keys, print those that change.")
	cmd.Flags().StringArrayVar(&keys, "key", nil, "Only this key. May be given more than once.")
	cmd.Flags().StringVar(&reason, "reason", "", "Only keys that were parked for this reason.")
	show.Complete(cmd, "reason", reasons)
	return cmd
}

// parkedTable is how parked keys are shown.
func parkedTable(now func() time.Time) show.Table[view.Parked] {
	return show.Table[view.Parked]{Kind: "ParkedKey", Columns: []show.Column[view.Parked]{
		{Name: "KEY", Value: func(p *view.Parked) any { return p.Key }},
		{Name: "LANE", Value: func(p *view.Parked) any { return int64(p.Lane) }},
		{Name: "REASON", Value: func(p *view.Parked) any { return string(p.Reason) }},
		{Name: "ATTEMPTS", Value: func(p *view.Parked) any { return p.Attempts }},
		{Name: "MESSAGES", Value: func(p *view.Parked) any { return p.Messages }},
		{Name: "RELEASED", Value: func(p *view.Parked) any { return fmt.Sprint(p.Released) }},
		show.Age("SINCE", now, func(p *view.Parked) time.Time { return p.Since.Time }),
		{Name: "WORKER", Wide: true, Value: func(p *view.Parked) any { return p.Worker }},
	}}
}
