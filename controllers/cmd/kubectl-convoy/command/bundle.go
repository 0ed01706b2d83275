// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package command

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/spf13/cobra"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"convoy.dev/convoy/controllers/cmd/kubectl-convoy/bundle"
	"convoy.dev/convoy/controllers/cmd/kubectl-convoy/explain"
)

func newBundle(a *access) *cobra.Command {
	file := ""
	cmd := &cobra.Command{
		Use:   "support-bundle POOL",
		Short: "Gather what somebody who helps needs to see, without secrets and messages",
		Long: "Gather the pool's objects and events, what explain says of it, and, where you may read them through the API server, its " +
			"workers' metrics, in an archive for somebody who helps.\n\n" +
			"No Secret is read. Values of environment variables, commands, arguments, foreign annotations, containers' last words, " +
			"message keys and quoted texts are replaced by REDACTED. Look at what you send all the same.",
		Example: "  kubectl convoy support-bundle orders\n  kubectl convoy support-bundle orders -f - | tar -tz",
		Args:    onePool, ValidArgsFunction: completePools(a),
		RunE: func(cmd *cobra.Command, args []string) error { return gather(cmd.Context(), a, args[0], file) },
	}
	cmd.Flags().StringVarP(&file, "filename", "f", "", "File to write, - for standard output. Default: convoy-POOL-TIME.tar.gz here.")
	return cmd
}

func gather(ctx context.Context, a *access, pool, file string) error {
	c, s, err := a.read(ctx, pool)
	if err != nil {
		return err
	}
	now := time.Now()
	files, err := bundle.Collect(ctx, bundle.Config{Pool: client.ObjectKeyFromObject(s.Pool), Reader: c, REST: c.config})
	if err != nil {
		return err
	}
	files = append(files, bundle.Explanation(explain.Of(s, now), now))
	directory := fmt.Sprintf("convoy-%s-%s", s.Pool.Name, now.UTC().Format("20060102T150405Z"))
	if file == "-" {
		return bundle.Write(a.streams.Out, directory, files, now)
	}
	if file == "" {
		file = directory + ".tar.gz"
	}
	out, err := os.OpenFile(file, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	if err := errors.Join(bundle.Write(out, directory, files, now), out.Close()); err != nil {
		return err
	}
	fmt.Fprintln(a.streams.Out, file)
	return nil
}
