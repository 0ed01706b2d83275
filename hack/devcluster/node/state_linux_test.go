// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package node

import (
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
)

func TestStateDirectoryHasOneHolder(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "a", "b")
	if held, err := isHeld(dir); held || err != nil {
		t.Errorf("before anybody holds it: %t, %v", held, err)
	}
	lock, err := hold(dir)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := hold(dir); !errors.Is(err, errHeld) {
		t.Errorf("a second holder: %v, want %v", err, errHeld)
	}
	if held, err := isHeld(dir); !held || err != nil {
		t.Errorf("while it is held: %t, %v", held, err)
	}
	if err := lock.Close(); err != nil {
		t.Fatal(err)
	}
	if held, err := isHeld(dir); held || err != nil {
		t.Errorf("after its release: %t, %v", held, err)
	}
}

func TestLockOfRemovedDirectoryIsNone(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "state")
	lock, err := hold(dir)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.RemoveAll(dir); err != nil {
		t.Fatal(err)
	}
	if stillNamed(lock) {
		t.Error("a lock that nobody can find counts as one")
	}
	next, err := hold(dir)
	if err != nil {
		t.Fatalf("the directory cannot be held anew: %v", err)
	}
	if !stillNamed(next) {
		t.Error("the new lock is not the one that others find")
	}
	for _, file := range []*os.File{lock, next} {
		if err := file.Close(); err != nil {
			t.Error(err)
		}
	}
}

func TestInstanceIsReadAsWritten(t *testing.T) {
	dir := t.TempDir()
	if _, err := readInstance(dir); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("reading none: %v, want %v", err, fs.ErrNotExist)
	}
	want := instance{Pid: 12, Began: 345, Link: "convoy6", Cgroup: "convoy-abc"}
	if err := want.write(dir); err != nil {
		t.Fatal(err)
	}
	if got, err := readInstance(dir); got != want || err != nil {
		t.Errorf("got %+v, %v; want %+v", got, err, want)
	}
}

// sleeper is a process that ends only if it is killed; its name is hard to read in /proc.
func sleeper(t *testing.T) (*exec.Cmd, instance) {
	t.Helper()
	program := filepath.Join(t.TempDir(), ") S 1 (")
	if err := os.Symlink("/bin/sleep", program); err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), program, "1000")
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	start, err := began(cmd.Process.Pid)
	if err != nil || start == 0 {
		t.Fatalf("it began at %d, %v", start, err)
	}
	return cmd, instance{Pid: cmd.Process.Pid, Began: start}
}

func TestEndKillsTheProcessThatIsMeant(t *testing.T) {
	cmd, running := sleeper(t)
	if err := running.end(); err != nil {
		t.Fatal(err)
	}
	if err := cmd.Wait(); err == nil {
		t.Error("it ended at peace")
	}
	if err := running.end(); err != nil {
		t.Errorf("ending what is gone: %v", err)
	}
}

func TestEndSparesAnotherProcessOfThatNumber(t *testing.T) {
	cmd, running := sleeper(t)
	running.Began++
	if err := running.end(); err != nil {
		t.Fatal(err)
	}
	// Were it killed, it would not take another signal.
	if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Errorf("it was killed: %v", err)
	}
	var exit *exec.ExitError
	if err := cmd.Wait(); !errors.As(err, &exit) || exit.Sys().(syscall.WaitStatus).Signal() != syscall.SIGTERM {
		t.Errorf("it ended with %v, want by our SIGTERM", err)
	}
}
