// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"flag"
	"fmt"
	"os"

	ctrl "sigs.k8s.io/controller-runtime"
)

// version is stamped by the linker.
var version = "dev"

func main() {
	os.Exit(run(ctrl.SetupSignalHandler(), os.Args[1:]))
}

// run runs the operator until ctx ends and returns the exit code: 2 for a command line that it does not understand.
func run(ctx context.Context, args []string) int {
	flags := flag.NewFlagSet("convoy-operator", flag.ContinueOnError)
	options := bindFlags(flags)
	if err := flags.Parse(args); err != nil {
		return 2
	}
	if options.version {
		fmt.Println(version)
		return 0
	}
	if err := options.validate(flags.Args()); err != nil {
		fmt.Fprintln(os.Stderr, "convoy-operator:", err)
		return 2
	}
	if err := start(ctx, options); err != nil {
		fmt.Fprintln(os.Stderr, "convoy-operator:", err)
		return 1
	}
	return 0
}
