// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package command

import (
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"convoy.dev/convoy/controllers/cmd/kubectl-convoy/explain"
	"convoy.dev/convoy/controllers/cmd/kubectl-convoy/show"
)

func newExplain(a *access) *cobra.Command {
	flags := show.NewFlags()
	cmd := &cobra.Command{
		Use:   "explain POOL",
		Short: "Say why a pool is not Ready or not balanced, and what to do",
		Long: "Say in sentences how a pool is: why it is not Ready or not balanced, what it waits for, and what a person would do. " +
			"What is to be mended first comes first.",
		Example: "  kubectl convoy explain orders\n  kubectl convoy explain orders -o json",
		Args:    onePool, ValidArgsFunction: completePools(a),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := flags.Validate(); err != nil {
				return err
			}
			_, s, err := a.read(cmd.Context(), args[0])
			if err != nil {
				return err
			}
			now := time.Now()
			report := explain.Of(s, now)
			if flags.Objects() {
				return flags.Object(a.streams.Out, "Explanation", report)
			}
			fmt.Fprint(a.streams.Out, report.Text(now))
			return nil
		},
	}
	flags.Add(cmd)
	return cmd
}
