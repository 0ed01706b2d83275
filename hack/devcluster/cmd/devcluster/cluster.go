// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"time"

	"convoy.dev/convoy/hack/devcluster/assets"
	"convoy.dev/convoy/hack/devcluster/image"
	"convoy.dev/convoy/hack/devcluster/node"
)

// clusterFlags reads what all commands about a cluster take. The arguments after the flags are image archives.
func clusterFlags(name string, args []string) (config node.Config, archives []string, err error) {
	fallback, err := node.DefaultStateDir()
	if err != nil {
		return node.Config{}, nil, err
	}
	flags := flag.NewFlagSet(name, flag.ContinueOnError)
	flags.StringVar(&config.StateDir, "state", fallback, "the cluster's directory")
	config.Progress = os.Stderr
	err = parseFlags(flags, args)
	return config, flags.Args(), err
}

func clusterUp(ctx context.Context, args []string) error {
	config, archives, err := clusterFlags("cluster-up", args)
	if err != nil {
		return err
	}
	start := time.Now()
	fmt.Fprintf(os.Stderr, "devcluster: starting a cluster of one node in %s: about 10 s once all is built, 800 MB of memory and 300 MB of disk\n", config.StateDir)
	if err := node.CheckUser(); err != nil {
		return err
	}
	if lacking := node.Missing(); len(lacking) > 0 {
		if err := node.Install(ctx, config, lacking); err != nil {
			return err
		}
	}
	binaries, err := assets.DefaultConfig(os.Stderr)
	if err != nil {
		return err
	}
	if config.BinDir, err = binaries.Resolve(ctx, assets.ForNode()...); err != nil {
		return err
	}
	if config.PauseArchive, err = pauseArchive(ctx, binaries); err != nil {
		return err
	}
	if err := node.Start(ctx, config); err != nil {
		return err
	}
	if err := node.Load(ctx, config, archives...); err != nil {
		return err
	}
	fmt.Fprintf(os.Stderr, "devcluster: the node is Ready, after %.1f s; `make cluster-down` removes it\n", time.Since(start).Seconds())
	return printEnvironment(os.Stdout, config.Kubeconfig(), config.BinDir)
}

// pauseArchive makes the image that every pod needs, and keeps it beside the binaries.
func pauseArchive(ctx context.Context, binaries assets.Config) (string, error) {
	name, tag, _ := strings.Cut(node.PauseReference, ":")
	dir := filepath.Join(binaries.CacheDir, "images")
	built, err := image.Build(ctx, image.Program{
		Name: "pause", Version: tag, Dir: filepath.Join(binaries.Checkout, "hack", "devcluster"), Package: "./cmd/pause",
	}, dir, image.Platform{OS: "linux", Arch: runtime.GOARCH})
	if err != nil {
		return "", err
	}
	built.Reference = name + ":" + tag
	path := filepath.Join(dir, "pause.tar")
	return path, built.WriteFile(path)
}

func clusterLoad(ctx context.Context, args []string) error {
	config, archives, err := clusterFlags("cluster-load", args)
	if err != nil {
		return err
	}
	if len(archives) == 0 {
		return fmt.Errorf("%w: name image archives to load", errUsage)
	}
	return node.Load(ctx, config, archives...)
}

func clusterDown(ctx context.Context, args []string) error {
	config, rest, err := clusterFlags("cluster-down", args)
	if err != nil {
		return err
	}
	if len(rest) > 0 {
		return fmt.Errorf("%w: cluster-down takes no argument %q", errUsage, rest[0])
	}
	start := time.Now()
	if err := node.Stop(ctx, config); err != nil {
		return err
	}
	fmt.Fprintf(os.Stderr, "devcluster: nothing is left of the cluster in %s, after %.1f s\n", config.StateDir, time.Since(start).Seconds())
	return nil
}
