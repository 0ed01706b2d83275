// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bufio"
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"convoy.dev/convoy/hack/devcluster/assets"
)

// patienceMilliseconds bounds the wait for a process that must end, on a busy machine.
const patienceMilliseconds = 60_000

func TestInterruptStopsAndLeavesNothing(t *testing.T) {
	up := startUp(t, t.TempDir(), "--kubeconfig=mine")
	if want := filepath.Join(up.dir, "mine"); up.kubeconfig != want {
		t.Errorf("it exports %q, want the file that was asked for, %q", up.kubeconfig, want)
	}
	up.expectCleanEnd(t, syscall.SIGINT)
}

func TestKilledCommandLeavesNoOrphan(t *testing.T) {
	up := startUp(t, t.TempDir())
	if err := up.cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	if err := up.cmd.Wait(); err == nil {
		t.Error("ended at peace in spite of the kill")
	}
	for _, component := range up.components {
		expectGone(t, component)
	}

	// Its data is still there. The next one removes it.
	left := filepath.Base(filepath.Dir(up.kubeconfig))
	expectFiles(t, up.temp, left)
	next := startUp(t, up.temp)
	expectFiles(t, up.temp, filepath.Base(filepath.Dir(next.kubeconfig)))
	next.expectCleanEnd(t, syscall.SIGTERM)
}

func TestExistingKubeconfigIsNotOverwritten(t *testing.T) {
	mine := filepath.Join(t.TempDir(), "mine")
	if err := os.WriteFile(mine, []byte("precious"), 0o600); err != nil {
		t.Fatal(err)
	}
	out, err := command(t, "up", "--kubeconfig="+mine).CombinedOutput()
	if want := "devcluster: --kubeconfig=" + mine + " exists: remove it or name another file\n"; err == nil || string(out) != want {
		t.Errorf("ended with %v, saying %q; want %q", err, out, want)
	}
	if content, err := os.ReadFile(mine); string(content) != "precious" {
		t.Errorf("the file holds %q, %v", content, err)
	}
}

// running is a ready `devcluster up`.
type running struct {
	cmd        *exec.Cmd
	dir, temp  string // for its files, and its TMPDIR
	kubeconfig string // as it exports it
	words      *bytes.Buffer
	components []int // process file descriptors
}

// startUp returns when the command has printed what to export. A kubeconfig that a flag names lies in its dir.
func startUp(t *testing.T, temp string, flags ...string) *running {
	t.Helper()
	requireBinaries(t)
	r := &running{dir: t.TempDir(), temp: temp, words: new(bytes.Buffer)}
	for i, flag := range flags {
		flags[i] = strings.Replace(flag, "--kubeconfig=", "--kubeconfig="+r.dir+"/", 1)
	}
	r.cmd = command(t, append([]string{"up"}, flags...)...)
	r.cmd.Env = append(r.cmd.Env, "TMPDIR="+temp)
	r.cmd.Stderr = r.words
	r.cmd.Cancel = func() error { return r.cmd.Process.Signal(syscall.SIGTERM) }
	out, err := r.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := r.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	// Only a test that has failed already leaves it running; its end is then of no interest.
	t.Cleanup(func() { _ = r.cmd.Wait() })
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		if path, ok := strings.CutPrefix(lines.Text(), "export KUBECONFIG="); ok {
			r.kubeconfig = strings.Trim(path, "'")
			r.components = childrenOf(t, r.cmd.Process.Pid)
			return r
		}
	}
	t.Fatalf("it ended before it was ready (%v), saying:\n%s", r.cmd.Wait(), r.words)
	return nil
}

func (r *running) expectCleanEnd(t *testing.T, sig syscall.Signal) {
	t.Helper()
	if err := r.cmd.Process.Signal(sig); err != nil {
		t.Fatal(err)
	}
	if err := r.cmd.Wait(); err != nil {
		t.Errorf("ended with %v, want exit code 0; it said:\n%s", err, r.words)
	}
	for _, component := range r.components {
		expectGone(t, component)
	}
	expectFiles(t, r.dir)
	expectFiles(t, r.temp)
}

// requireBinaries fails with words, for otherwise the command would build for minutes.
func requireBinaries(t *testing.T) {
	t.Helper()
	config, err := assets.DefaultConfig(t.Output())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := config.Lookup(t.Context(), assets.ForControlPlane()...); err != nil {
		t.Fatal(err)
	}
}

// childrenOf opens a process file descriptor for each child: it names one process for ever, unlike an id.
func childrenOf(t *testing.T, pid int) []int {
	t.Helper()
	lists, err := filepath.Glob("/proc/" + strconv.Itoa(pid) + "/task/*/children")
	if err != nil {
		t.Fatal(err)
	}
	var children []int
	for _, list := range lists {
		content, err := os.ReadFile(list)
		if err != nil {
			continue // The thread has ended; it has no children then.
		}
		for _, word := range strings.Fields(string(content)) {
			children = append(children, openProcess(t, word))
		}
	}
	if len(children) != 4 {
		t.Errorf("it runs %d processes, want 4", len(children))
	}
	return children
}

func openProcess(t *testing.T, word string) int {
	t.Helper()
	pid, err := strconv.Atoi(word)
	if err != nil {
		t.Fatal(err)
	}
	fd, err := unix.PidfdOpen(pid, 0)
	if err != nil {
		t.Fatalf("opening process %d: %v", pid, err)
	}
	t.Cleanup(func() {
		if err := unix.Close(fd); err != nil {
			t.Error(err)
		}
	})
	return fd
}

// expectGone waits until the kernel says that the process has ended.
func expectGone(t *testing.T, process int) {
	t.Helper()
	ended, err := unix.Poll([]unix.PollFd{{Fd: int32(process), Events: unix.POLLIN}}, patienceMilliseconds)
	for err == unix.EINTR {
		ended, err = unix.Poll([]unix.PollFd{{Fd: int32(process), Events: unix.POLLIN}}, patienceMilliseconds)
	}
	if err != nil || ended != 1 {
		t.Errorf("a component still runs (%d, %v)", ended, err)
	}
}

func expectFiles(t *testing.T, dir string, want ...string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, entry := range entries {
		names = append(names, entry.Name())
	}
	if strings.Join(names, " ") != strings.Join(want, " ") {
		t.Errorf("%s holds %q, want %q", dir, names, want)
	}
}
