// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
)

// needed are the commands that a check calls, which are Debian's packages of the same names.
var needed = []string{"spin", "gcc"}

// install makes sure that the needed commands are there: root installs what is missing where apt-get can, everybody else is told.
func install(ctx context.Context, out io.Writer) error {
	var missing []string
	for _, name := range needed {
		if _, err := exec.LookPath(name); err != nil {
			missing = append(missing, name)
		}
	}
	if len(missing) == 0 {
		return nil
	}
	if _, err := exec.LookPath("apt-get"); err != nil || os.Geteuid() != 0 {
		return fmt.Errorf("%v not found in PATH; on Debian: apt-get install spin gcc libc6-dev: %w", missing, errors.ErrUnsupported)
	}
	if _, err := fmt.Fprintf(out, "installing %v\n", missing); err != nil {
		return err
	}
	for _, args := range [][]string{{"update", "-q"}, {"install", "-qy", "--no-install-recommends", "spin", "gcc", "libc6-dev"}} {
		if installed, err := exec.CommandContext(ctx, "apt-get", args...).CombinedOutput(); err != nil {
			return fmt.Errorf("installing %v: %w: %s", missing, err, lastLine(string(installed)))
		}
	}
	return nil
}
