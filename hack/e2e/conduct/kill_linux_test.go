// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package conduct

import (
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
)

func TestTheWorkerOfAPodIsKilled(t *testing.T) {
	start := func(uid string) *exec.Cmd {
		cmd := exec.CommandContext(t.Context(), "sleep", "1000")
		cmd.Env = append(os.Environ(), workerVariable+uid)
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		return cmd
	}
	other, worker := start("one-2"), start("one")
	pid, err := Kill("/proc", "one")
	if err != nil || pid != worker.Process.Pid {
		t.Errorf("killed %d, %v; want %d", pid, err, worker.Process.Pid)
	}
	if err := worker.Wait(); err == nil || !strings.Contains(err.Error(), "killed") {
		t.Errorf("the worker ended with %v", err)
	}
	if err := other.Process.Signal(syscall.Signal(0)); err != nil {
		t.Errorf("another was killed too: %v", err)
	}
	if err := other.Process.Kill(); err != nil {
		t.Error(err)
	}
	_ = other.Wait() // It was killed.
	if _, err := Kill("/proc", "two"); err == nil {
		t.Error("a worker was killed that there is not")
	}
}
