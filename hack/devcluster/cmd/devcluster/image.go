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
	"slices"
	"strings"
	"time"

	"convoy.dev/convoy/hack/devcluster/assets"
	"convoy.dev/convoy/hack/devcluster/image"
)

// programs are what images are made of. Folders are the checkout's.
//
// Operator and worker are two images: the worker goes to every node that runs a pool, and should bring nothing there
// that it does not run.
var programs = []image.Program{
	{Name: "convoy-operator", Dir: ".", Package: "./controllers/cmd/operator"},
	{Name: "convoy-worker", Dir: ".", Package: "./worker/cmd/worker"},
	{Name: "convoy-e2e-handler", Dir: ".", Package: "./hack/e2e/cmd/handler"},
	{Name: "convoy-e2e-conductor", Dir: ".", Package: "./hack/e2e/cmd/conductor"},
	{Name: "nats-server", Dir: "hack/devcluster/nats", Package: "github.com/nats-io/nats-server/v2"},
}

// product are the images that are made unless others are named.
var product = []string{"convoy-operator", "convoy-worker"}

func makeImages(ctx context.Context, args []string) error {
	flags := flag.NewFlagSet("image", flag.ContinueOnError)
	version := flags.String("version", "dev", "the version to stamp, and the tag")
	architectures := flags.String("arch", runtime.GOARCH, "architectures, separated by commas: amd64,arm64")
	out := flags.String("out", "dist", "the directory for the archives, named <image>.tar")
	if err := parseFlags(flags, args); err != nil {
		return err
	}
	wanted, err := wantedPrograms(flags.Args())
	if err != nil {
		return err
	}
	var platforms []image.Platform
	for arch := range strings.SplitSeq(*architectures, ",") {
		platforms = append(platforms, image.Platform{OS: "linux", Arch: arch})
	}
	checkout, err := assets.FindCheckout(".")
	if err != nil {
		return err
	}
	for _, program := range wanted {
		program.Version, program.Dir = *version, filepath.Join(checkout, program.Dir)
		if err := makeImage(ctx, program, *out, platforms); err != nil {
			return err
		}
	}
	return nil
}

func wantedPrograms(names []string) ([]image.Program, error) {
	if len(names) == 0 {
		names = product
	}
	var wanted []image.Program
	for _, name := range names {
		at := slices.IndexFunc(programs, func(p image.Program) bool { return p.Name == name })
		if at < 0 {
			return nil, fmt.Errorf("%w: there is no image %q", errUsage, name)
		}
		wanted = append(wanted, programs[at])
	}
	return wanted, nil
}

// makeImage prints the path of the archive.
func makeImage(ctx context.Context, program image.Program, out string, platforms []image.Platform) error {
	start := time.Now()
	out, err := filepath.Abs(out)
	if err != nil {
		return fmt.Errorf("making image %s: %w", program.Name, err)
	}
	fmt.Fprintf(os.Stderr, "devcluster: %s: building for %v\n", program.Name, platforms)
	built, err := image.Build(ctx, program, filepath.Join(out, "bin"), platforms...)
	if err != nil {
		return err
	}
	path := filepath.Join(out, program.Name+".tar")
	if err := built.WriteFile(path); err != nil {
		return err
	}
	fmt.Fprintf(os.Stderr, "devcluster: %s: image %s in %.1f s\n", program.Name, built.Reference, time.Since(start).Seconds())
	if _, err := fmt.Println(path); err != nil {
		return fmt.Errorf("printing the path: %w", err)
	}
	return nil
}
