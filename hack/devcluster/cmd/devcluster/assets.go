// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"flag"
	"fmt"
	"os"

	"convoy.dev/convoy/hack/devcluster/assets"
)

func makeAssets(ctx context.Context, args []string) error {
	wanted := assets.ForTests()
	flags := flag.NewFlagSet("assets", flag.ContinueOnError)
	flags.Func("components", "components, separated by commas", func(list string) (err error) {
		wanted, err = assets.ParseComponents(list)
		return err
	})
	if err := parse(flags, args); err != nil {
		return err
	}
	config, err := assets.DefaultConfig(os.Stderr)
	if err != nil {
		return err
	}
	dir, err := config.Resolve(ctx, wanted...)
	if err != nil {
		return err
	}
	if _, err := fmt.Println(dir); err != nil {
		return fmt.Errorf("printing the directory: %w", err)
	}
	return nil
}
