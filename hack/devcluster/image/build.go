// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package image

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"time"
)

// interruptGrace is how long an interrupted compiler may take before it is killed.
const interruptGrace = 5 * time.Second

// Program is the source of an image.
type Program struct {
	// Name is the image's name and the executable's.
	Name string
	// Dir is the folder of the module to build in; Package is the main package, as Go names it from there.
	Dir, Package string
	// Version is stamped as main.version; programs without such a variable do not mind.
	Version string
	// GoCommand is the go command to compile with; empty means "go".
	GoCommand string
}

// Build compiles the program for each platform into dir and returns the image, tagged with the version.
func Build(ctx context.Context, p Program, dir string, platforms ...Platform) (Image, error) {
	image := Image{
		Reference: p.Name + ":" + p.Version,
		Program:   p.Name,
		Binaries:  map[Platform]string{},
		Labels:    map[string]string{"org.opencontainers.image.version": p.Version, "org.opencontainers.image.title": p.Name},
	}
	for _, platform := range platforms {
		binary := filepath.Join(dir, platform.OS+"-"+platform.Arch, p.Name)
		if err := p.compile(ctx, platform, binary); err != nil {
			return Image{}, fmt.Errorf("building %s for %s: %w", p.Name, platform, err)
		}
		image.Binaries[platform] = binary
	}
	return image, nil
}

// Flags are the flags of go build that decide what the binary holds.
func (p Program) Flags() []string {
	return []string{"-mod=readonly", "-trimpath", "-buildvcs=false", "-ldflags", p.LinkerFlags()}
}

// LinkerFlags strip the binary and stamp the version.
func (p Program) LinkerFlags() string { return "-s -w -X main.version=" + p.Version }

func (p Program) compile(ctx context.Context, platform Platform, binary string) error {
	command := p.GoCommand
	if command == "" {
		command = "go"
	}
	args := append([]string{"build", "-C", p.Dir}, p.Flags()...)
	compiler := exec.CommandContext(ctx, command, append(args, "-o", binary, p.Package)...)
	compiler.Env = append(os.Environ(), "CGO_ENABLED=0", "GOWORK=off", "GOOS="+platform.OS, "GOARCH="+platform.Arch)
	// An interrupt is to reach the compilers that the go command runs, too.
	compiler.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	compiler.Cancel = func() error { return syscall.Kill(-compiler.Process.Pid, syscall.SIGTERM) }
	compiler.WaitDelay = interruptGrace
	var words bytes.Buffer
	compiler.Stderr = &words
	if err := compiler.Run(); err != nil {
		return errors.Join(ctx.Err(), fmt.Errorf("%w\n%s", err, bytes.TrimSpace(words.Bytes())))
	}
	return nil
}
