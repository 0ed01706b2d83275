// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"convoy.dev/convoy/hack/devcluster/node"
)

const usage = `devcluster runs Kubernetes on this machine, compiled from Go modules.

  devcluster assets [--components NAMES]        make the binaries and print the directory that holds them
  devcluster up [--kubeconfig FILE]             run a control plane, without nodes, until interrupted
  devcluster cluster-up [--state DIR] [FILE...] start a cluster of one node in the background, load image archives
  devcluster cluster-load [--state DIR] FILE... load image archives into the running cluster
  devcluster cluster-down [--state DIR]         stop the cluster and remove all of it
  devcluster agent --kubeconfig FILE --images FILE [--dir DIR] [--node NAME]
                                                be a node that runs pods as processes, for development
  devcluster image [--help]                     make images as archives, without a container engine

Binaries come from KUBEBUILDER_ASSETS, from the cache of an earlier run, from the published envtest archive, or
are compiled, whichever has them first.
`

// The exit codes of this command.
const (
	exitFailure = 1
	exitUsage   = 2
)

// errUsage marks an error that the usage text answers.
var errUsage = errors.New("usage")

func main() {
	if code, played := node.PlayRole(); played {
		os.Exit(code)
	}
	os.Exit(run(os.Args[1:]))
}

func run(args []string) int {
	ctx, stop := signal.NotifyContext(context.Background(), endingSignals()...)
	defer stop()
	// A second interrupt ends the process at once, and the kernel its children.
	context.AfterFunc(ctx, stop)

	err := dispatch(ctx, args)
	switch {
	case err == nil:
		return 0
	case errors.Is(err, flag.ErrHelp):
		fmt.Fprint(os.Stderr, usage)
		return 0
	case errors.Is(err, errUsage):
		fmt.Fprintf(os.Stderr, "devcluster: %v\n\n%s", err, usage)
		return exitUsage
	default:
		fmt.Fprintf(os.Stderr, "devcluster: %v\n", err)
		return exitFailure
	}
}

func dispatch(ctx context.Context, args []string) error {
	if len(args) == 0 {
		return fmt.Errorf("%w: name a command", errUsage)
	}
	switch name, rest := args[0], args[1:]; name {
	case "assets":
		return makeAssets(ctx, rest)
	case "up":
		return up(ctx, rest)
	case "cluster-up":
		return clusterUp(ctx, rest)
	case "cluster-load":
		return clusterLoad(ctx, rest)
	case "cluster-down":
		return clusterDown(ctx, rest)
	case "agent":
		return runAgent(ctx, rest)
	case "image":
		return makeImages(ctx, rest)
	case "help", "-h", "--help":
		return flag.ErrHelp
	default:
		return fmt.Errorf("%w: %q is no command", errUsage, name)
	}
}

// endingSignals ask for a clean end. SIGHUP comes from a closed terminal, unless nohup had it ignored.
func endingSignals() []os.Signal {
	signals := []os.Signal{syscall.SIGINT, syscall.SIGTERM}
	if !signal.Ignored(syscall.SIGHUP) {
		signals = append(signals, syscall.SIGHUP)
	}
	return signals
}

// parse reads the flags of one command, which takes no other arguments.
func parse(flags *flag.FlagSet, args []string) error {
	if err := parseFlags(flags, args); err != nil {
		return err
	}
	if flags.NArg() > 0 {
		return fmt.Errorf("%w: %s takes no argument %q", errUsage, flags.Name(), flags.Arg(0))
	}
	return nil
}

// parseFlags reads the flags of one command and leaves the arguments after them.
func parseFlags(flags *flag.FlagSet, args []string) error {
	flags.SetOutput(os.Stderr)
	flags.Usage = func() {}
	if err := flags.Parse(args); err != nil {
		if errors.Is(err, flag.ErrHelp) {
			return err
		}
		return fmt.Errorf("%w: %w", errUsage, err)
	}
	return nil
}
