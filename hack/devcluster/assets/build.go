// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package assets

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"time"

	"golang.org/x/mod/semver"
)

// interruptGrace is how long an interrupted compiler may take before it is killed.
const interruptGrace = 5 * time.Second

// built compiles what the cache lacks of the wanted components. The caller holds the store's lock.
func (s store) built(ctx context.Context, wanted []Component) (string, error) {
	scratch, err := s.makeScratch()
	if err != nil {
		return "", err
	}
	err = s.buildAll(ctx, scratch, missing(s.bin(), wanted))
	if err := errors.Join(err, os.RemoveAll(scratch)); err != nil {
		return "", err
	}
	return s.bin(), nil
}

// makeScratch makes the directory to compile into, after removing those that killed runs left behind.
func (s store) makeScratch() (string, error) {
	// The only error Glob knows is a malformed pattern, and this one is a constant.
	stale, _ := filepath.Glob(filepath.Join(s.dir(), "build-*"))
	for _, dir := range stale {
		if err := os.RemoveAll(dir); err != nil {
			return "", fmt.Errorf("removing what an interrupted build left: %w", err)
		}
	}
	scratch, err := os.MkdirTemp(s.dir(), "build-")
	if err != nil {
		return "", fmt.Errorf("making room to build: %w", err)
	}
	return scratch, nil
}

func (s store) buildAll(ctx context.Context, scratch string, lacking []Component) error {
	s.say("%s", s.announcement(lacking))
	start := time.Now()
	for _, r := range recipes {
		if !slices.Contains(lacking, r.component) {
			continue
		}
		if err := s.buildOne(ctx, scratch, r); err != nil {
			return fmt.Errorf("building %s: %w", r.component, err)
		}
	}
	s.say("built %d components in %s; they stay in %s", len(lacking), rounded(time.Since(start)), s.bin())
	return nil
}

// buildOne compiles into scratch and renames: a name in bin is a complete binary.
func (s store) buildOne(ctx context.Context, scratch string, r recipe) error {
	finished := filepath.Join(scratch, string(r.component))
	compiler := exec.CommandContext(ctx, s.GoCommand, "build", "-C", moduleDir(s.Checkout, r.module), "-mod=readonly", "-v",
		"-trimpath", "-buildvcs=false", "-ldflags", s.linkerFlags(r.module), "-o", finished, r.pkg)
	// Static binaries for this very machine, whatever the caller's environment cross-compiles.
	compiler.Env = append(os.Environ(), "CGO_ENABLED=0", "GOWORK=off", "GOOS="+runtime.GOOS, "GOARCH="+runtime.GOARCH)
	endWithGroup(compiler)
	output := watch(s.say, string(r.component))
	compiler.Stderr = output
	err := compiler.Run()
	if output.close(); err != nil {
		return errors.Join(ctx.Err(), fmt.Errorf("%w\n%s", err, output.errors()))
	}
	if err := os.Rename(finished, filepath.Join(s.bin(), string(r.component))); err != nil {
		return fmt.Errorf("moving it into the cache: %w", err)
	}
	s.say("%s: built in %s", r.component, rounded(output.elapsed()))
	return nil
}

// linkerFlags strips the binary and stamps Kubernetes' version, which its build scripts do and plain go build does not:
// without it the API server calls itself v0.0.0 and clients refuse it.
func (s store) linkerFlags(module string) string {
	flags := []string{"-s", "-w"}
	if module != "kubernetes" {
		return strings.Join(flags, " ")
	}
	major, minor, _ := strings.Cut(strings.TrimPrefix(semver.MajorMinor(s.versions.Kubernetes), "v"), ".")
	for _, pkg := range []string{"k8s.io/component-base/version", "k8s.io/client-go/pkg/version"} {
		flags = append(flags,
			"-X", pkg+".gitVersion="+s.versions.Kubernetes,
			"-X", pkg+".gitMajor="+major,
			"-X", pkg+".gitMinor="+minor)
	}
	return strings.Join(flags, " ")
}

// endWithGroup makes an interrupt reach what the command has started, too: the go command runs compilers.
func endWithGroup(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGTERM) }
	cmd.WaitDelay = interruptGrace
}
