// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package agent

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"syscall"
	"time"
)

// command is what a container runs.
type command struct {
	path, dir string
	args, env []string
	// log takes what the process says; it is appended to.
	log string
}

// process is one run of a container.
type process struct {
	pid   int
	since time.Time
	// gone is closed when the process has ended and end is set.
	gone chan struct{}
	end  exit
}

// exit is how a process ended.
type exit struct {
	// code is as a container's: 128 and the signal's number when a signal ended it.
	code   int32
	signal int32
	at     time.Time
}

// start runs the command. The process is in a group of its own: a terminal's Ctrl-C is not for it.
func start(c command) (*process, error) {
	log, err := os.OpenFile(c.log, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, fmt.Errorf("opening the log: %w", err)
	}
	// Its end is the pod's to decide, not a context's.
	cmd := exec.CommandContext(context.Background(), c.path, c.args...)
	cmd.Dir, cmd.Env, cmd.Stdout, cmd.Stderr = c.dir, c.env, log, log
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	dieWithParent(cmd.SysProcAttr)
	p := &process{since: time.Now(), gone: make(chan struct{})}
	started := make(chan error)
	go p.own(cmd, started)
	if err := errors.Join(<-started, log.Close()); err != nil {
		return nil, err
	}
	p.pid = cmd.Process.Pid
	return p, nil
}

// own starts the process and waits for its end on one thread: the kernel's signal at the parent's death is sent at the
// death of the thread that forked, and Go ends threads as it likes unless a goroutine holds them.
func (p *process) own(cmd *exec.Cmd, started chan<- error) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	defer close(p.gone)
	err := cmd.Start()
	started <- err
	if err != nil {
		return
	}
	_ = cmd.Wait() // It says no more than the state.
	p.end = exit{code: int32(cmd.ProcessState.ExitCode()), at: time.Now()}
	if status, ok := cmd.ProcessState.Sys().(syscall.WaitStatus); ok && status.Signaled() {
		p.end.signal = int32(status.Signal())
		p.end.code = 128 + p.end.signal
	}
}

// signal sends a signal to the process and to what it has started. A process that has ended meanwhile does not mind.
func (p *process) signal(s syscall.Signal) {
	select {
	case <-p.gone: // Its number may be another's by now.
	default:
		_ = syscall.Kill(-p.pid, s)
	}
}
