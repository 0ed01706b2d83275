// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package controlplane

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// stand puts a script in the place of a component.
func stand(t *testing.T, dir, name, script string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(dir, name), []byte("#!/bin/sh\n"+script), 0o700); err != nil {
		t.Fatal(err)
	}
}

func TestFailedStartShowsTheLogAndLeavesNothing(t *testing.T) {
	for _, c := range []struct {
		name string
		etcd string // no such file if empty
		want string
	}{
		{"the component exits with an error", "echo no room on the disk >&2; exit 3", "etcd ended unasked: exit status 3; the end of its log:\nno room on the disk"},
		{"the component exits at peace", "exit 0", "etcd ended unasked: exit status 0"},
		{"there is no component", "", "starting etcd: fork/exec "},
	} {
		t.Run(c.name, func(t *testing.T) {
			bin, temp := t.TempDir(), t.TempDir()
			if c.etcd != "" {
				stand(t, bin, "etcd", c.etcd)
			}
			cp, err := Start(t.Context(), Config{BinDir: bin, TempDir: temp})
			if cp != nil || err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, %v; want an error with %q", cp, err, c.want)
			}
			expectEmpty(t, temp)
		})
	}
}

func TestCancelledStartLeavesNothing(t *testing.T) {
	bin, temp := t.TempDir(), t.TempDir()
	started := filepath.Join(bin, "started")
	if err := syscall.Mkfifo(started, 0o600); err != nil {
		t.Fatal(err)
	}
	stand(t, bin, "etcd", "echo > "+started+"; exec sleep 1000")
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		// Opening the pipe waits for the component.
		if _, err := os.ReadFile(started); err != nil {
			t.Error(err)
		}
		cancel()
	}()
	if _, err := Start(ctx, Config{BinDir: bin, TempDir: temp}); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want %v", err, context.Canceled)
	}
	expectEmpty(t, temp)
}

func TestPathsMayBeRelative(t *testing.T) {
	root := t.TempDir()
	t.Chdir(root)
	if err := os.MkdirAll(filepath.Join("bin", "temp"), 0o700); err != nil {
		t.Fatal(err)
	}
	stand(t, "bin", "etcd", `echo "$2" >&2; exit 1`)
	_, err := Start(t.Context(), Config{BinDir: "bin", TempDir: "bin/temp"})
	if want := "--data-dir=" + root + "/bin/temp/"; err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("got %v, want that etcd was run with %q", err, want)
	}
}

func TestConfigIsChecked(t *testing.T) {
	if _, err := Start(t.Context(), Config{}); err == nil || !strings.Contains(err.Error(), "BinDir is empty") {
		t.Errorf("got %v, want the field's name", err)
	}
}

func expectEmpty(t *testing.T, dir string) {
	t.Helper()
	if left, err := os.ReadDir(dir); err != nil || len(left) > 0 {
		t.Errorf("%s holds %v, %v; want nothing", dir, left, err)
	}
}
