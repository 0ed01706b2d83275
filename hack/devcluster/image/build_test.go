// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package image

import (
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// compiler puts a script in the place of the go command.
func compiler(t *testing.T, script string) Program {
	t.Helper()
	path := filepath.Join(t.TempDir(), "go")
	if err := os.WriteFile(path, []byte("#!/bin/sh\n"+script), 0o700); err != nil {
		t.Fatal(err)
	}
	return Program{Name: "probe", Dir: "/module", Package: "./cmd/probe", Version: "v1", GoCommand: path}
}

func TestProgramsAreStaticAndStamped(t *testing.T) {
	p := compiler(t, `
while [ "$1" != -o ]; do line="$line $1"; shift; done
mkdir -p "$(dirname "$2")"
echo "$line $3 for $GOOS/$GOARCH, C $CGO_ENABLED" > "$2"
`)
	built, err := Build(t.Context(), p, t.TempDir(), amd64, arm64)
	if err != nil {
		t.Fatal(err)
	}
	if built.Reference != "probe:v1" || built.Program != "probe" {
		t.Errorf("the image is %+v", built)
	}
	for _, platform := range []Platform{amd64, arm64} {
		content, err := os.ReadFile(built.Binaries[platform])
		want := " build -C /module -mod=readonly -trimpath -buildvcs=false -ldflags -s -w -X main.version=v1 ./cmd/probe for " +
			platform.String() + ", C 0\n"
		if err != nil || string(content) != want {
			t.Errorf("the compiler was called with %q, %v; want %q", content, err, want)
		}
	}
}

func TestFailedBuildShowsTheCompilersWords(t *testing.T) {
	_, err := Build(t.Context(), compiler(t, "echo main.go:1:1: syntax error >&2; exit 1"), t.TempDir(), arm64)
	if want := "building probe for linux/arm64: exit status 1\nmain.go:1:1: syntax error"; err == nil || err.Error() != want {
		t.Errorf("got %v, want %q", err, want)
	}
}

func TestInterruptedBuildEndsItsCompilers(t *testing.T) {
	dir := t.TempDir()
	pipe := filepath.Join(dir, "alive")
	if err := syscall.Mkfifo(pipe, 0o600); err != nil {
		t.Fatal(err)
	}
	ctx, interrupt := context.WithCancel(t.Context())
	ended := make(chan error, 1) // read after the build
	go func() {
		held, err := os.Open(pipe) // waits until the compiler has opened it
		interrupt()
		if err == nil {
			_, err = io.Copy(io.Discard, held) // until nobody holds it
			err = errors.Join(err, held.Close())
		}
		ended <- err
	}()
	_, err := Build(ctx, compiler(t, "exec 3> "+pipe+"; sleep 1000 & wait"), dir, amd64)
	if !errors.Is(err, context.Canceled) || !strings.Contains(err.Error(), "building probe") {
		t.Errorf("got %v, want %v", err, context.Canceled)
	}
	if err := <-ended; err != nil {
		t.Error(err)
	}
}
