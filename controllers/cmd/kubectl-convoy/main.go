// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"syscall"

	"github.com/go-logr/logr"
	"k8s.io/cli-runtime/pkg/genericiooptions"
	ctrllog "sigs.k8s.io/controller-runtime/pkg/log"

	"convoy.dev/convoy/controllers/cmd/kubectl-convoy/command"
)

// version is stamped by the linker.
var version = "dev"

// completer is the name under which kubectl asks for completions of the arguments of this plugin.
const completer = "kubectl_complete-convoy"

// interrupted is the exit code of a program that a person has ended by ^C.
const interrupted = 130

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := run(ctx, os.Args, genericiooptions.IOStreams{In: os.Stdin, Out: os.Stdout, ErrOut: os.Stderr})
	stop()
	os.Exit(code)
}

// run runs the command that args name and returns the exit code.
func run(ctx context.Context, args []string, streams genericiooptions.IOStreams) int {
	ctrllog.SetLogger(logr.Discard())
	root := command.New(streams, version)
	root.SetArgs(arguments(args))
	err := root.ExecuteContext(ctx)
	switch {
	case ctx.Err() != nil:
		return interrupted
	case err != nil:
		fmt.Fprintln(streams.ErrOut, command.Describe(err))
		return 1
	}
	return 0
}

// arguments are the arguments of the command line, of which kubectl gives its completer the user's alone.
func arguments(args []string) []string {
	if filepath.Base(args[0]) == completer {
		return slices.Concat([]string{"__complete"}, args[1:])
	}
	return args[1:]
}
