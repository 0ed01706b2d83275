// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package node

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"

	"golang.org/x/sys/unix"
)

// The names under which the program runs itself for the two roles inside the namespaces.
const (
	initRole      = "devcluster-init"
	superviseRole = "devcluster-node"
)

// self is this very program, also when its file has been replaced meanwhile.
const self = "/proc/self/exe"

// order is what the roles inside have to know. Its paths are the machine's.
type order struct {
	StateDir string
	BinDir   string
	// CNIPlugins is the directory of the network plugins.
	CNIPlugins string
	Link       link
	Cgroup     string
}

// PlayRole plays a role inside the namespaces if the program was started for one; main calls it first. It returns
// the exit code, and whether it played.
func PlayRole() (code int, played bool) {
	var err error
	switch os.Args[0] {
	case initRole:
		err = runInit(os.Stdin)
	case superviseRole:
		err = runSupervisor(os.Args[1])
	default:
		return 0, false
	}
	if err != nil {
		fmt.Fprintf(os.Stderr, "devcluster: %v\n", err)
		return 1, true
	}
	return 0, true
}

// runInit is the first process of the namespaces. It starts when the order comes, and ends when the supervisor does: then
// the kernel ends all others. If whoever started it dies before the order, there is none and it ends.
func runInit(in io.Reader) error {
	// The lock of the state directory is for this process alone to hold, not for its children.
	unix.CloseOnExec(lockFd)
	text, err := io.ReadAll(in)
	if err != nil {
		return fmt.Errorf("reading the order: %w", err)
	}
	var o order
	if err := json.Unmarshal(text, &o); err != nil {
		return fmt.Errorf("reading the order %q: %w", text, err)
	}
	if err := arrangeMounts(o.StateDir, o.BinDir); err != nil {
		return err
	}
	supervisor, err := syscall.ForkExec(self, []string{superviseRole, string(text)}, &syscall.ProcAttr{
		Env:   os.Environ(),
		Files: []uintptr{0, 1, 2},
	})
	if err != nil {
		return fmt.Errorf("starting the supervisor: %w", err)
	}
	return reapUntil(supervisor)
}

// lockFd is the state directory's lock in the first process.
const lockFd = 3

// reapUntil waits for every process that ends, for orphans in the namespace are its children, and returns when the given
// one has.
func reapUntil(last int) error {
	for {
		var status syscall.WaitStatus
		pid, err := syscall.Wait4(-1, &status, 0, nil)
		switch {
		case errors.Is(err, syscall.EINTR):
		case err != nil:
			return fmt.Errorf("waiting for the node's processes: %w", err)
		case pid == last && status.Exited() && status.ExitStatus() == 0:
			return nil
		case pid == last && (status.Exited() || status.Signaled()):
			return fmt.Errorf("the node's supervisor ended with status %d, signal %d", status.ExitStatus(), status.Signal())
		}
	}
}

func runSupervisor(text string) error {
	var o order
	if err := json.Unmarshal([]byte(text), &o); err != nil {
		return fmt.Errorf("reading the order %q: %w", text, err)
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	return supervise(ctx, o)
}
