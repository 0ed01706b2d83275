// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package process

import (
	"os"
	"path/filepath"
	"syscall"
	"testing"
)

// startStand runs a script as a component and returns when the script has opened the pipe "started".
func startStand(t *testing.T, script string) (*Process, chan *Process) {
	t.Helper()
	dir, failed := t.TempDir(), make(chan *Process, 1)
	if err := os.WriteFile(filepath.Join(dir, "component"), []byte("#!/bin/sh\n"+script), 0o700); err != nil {
		t.Fatal(err)
	}
	started := filepath.Join(dir, "started")
	if err := syscall.Mkfifo(started, 0o600); err != nil {
		t.Fatal(err)
	}
	p, err := start(filepath.Join(dir, "component"), dir, nil, failed)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.stop)
	if _, err := os.ReadFile(started); err != nil {
		t.Fatal(err)
	}
	return p, failed
}

func TestStoppedProcessHasNotFailed(t *testing.T) {
	p, failed := startStand(t, "echo > started; exec sleep 1000")
	p.stop()
	if len(failed) > 0 {
		t.Errorf("%s was told to end and is called failed: %v", p.Name(), p.failure())
	}
}

func TestProcessThatEndsUnaskedHasFailed(t *testing.T) {
	p, failed := startStand(t, "echo > started; exit 7")
	if got := <-failed; got != p {
		t.Errorf("failed is %v, want %v", got, p)
	}
}

func TestProcessThatIgnoresTheRequestIsKilled(t *testing.T) {
	t.Parallel() // it waits for all of stopGrace
	p, _ := startStand(t, "trap '' TERM; echo > started; exec sleep 1000")
	p.stop()
	if status, ok := p.cmd.ProcessState.Sys().(syscall.WaitStatus); !ok || status.Signal() != syscall.SIGKILL {
		t.Errorf("ended with %v, want it killed", p.cmd.ProcessState)
	}
}
