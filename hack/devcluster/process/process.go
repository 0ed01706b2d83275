// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package process

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"sync/atomic"
	"syscall"
	"time"
)

// stopGrace is how long a component may take to end by itself; the API server gives watches a moment.
const stopGrace = 8 * time.Second

// logTailBytes bounds what an error shows of a log.
const logTailBytes = 2 << 10

// Process is one running component.
type Process struct {
	// LogPath is the file with all that the process says.
	LogPath string

	cmd *exec.Cmd
	// cancel makes the process end: SIGTERM, and SIGKILL after stopGrace.
	cancel context.CancelFunc
	// stopping is set by stop, before the process can end because of it.
	stopping atomic.Bool
	// exited is closed when the process is gone and waited for.
	exited chan struct{}
	// err is the process's end; it is written before exited is closed and read after.
	err error
}

// start starts path in dir, with its output in a file there. If the process ends without stop, it goes to failed, unless
// that is full.
func start(path, dir string, args []string, failed chan<- *Process) (*Process, error) {
	logPath := filepath.Join(dir, filepath.Base(path)+".log")
	log, err := os.Create(logPath)
	if err != nil {
		return nil, fmt.Errorf("making its log: %w", err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	cmd := exec.CommandContext(ctx, path, args...)
	cmd.Dir = dir
	cmd.Stdout, cmd.Stderr = log, log
	// A group of its own: a terminal's Ctrl-C must not end the components before, and beside, the ordered stop.
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	dieWithParent(cmd.SysProcAttr)
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	cmd.WaitDelay = stopGrace

	p := &Process{LogPath: logPath, cmd: cmd, cancel: cancel, exited: make(chan struct{})}
	started := make(chan error)
	go p.own(started, failed)
	if err := errors.Join(<-started, log.Close()); err != nil {
		cancel()
		return nil, err
	}
	return p, nil
}

// own starts the process and waits for its end, on one thread: the kernel's signal at the parent's death is really sent
// at the death of the thread that forked, and Go ends threads as it likes unless a goroutine holds them.
func (p *Process) own(started chan<- error, failed chan<- *Process) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	defer close(p.exited)
	err := p.cmd.Start()
	started <- err
	if err != nil {
		return
	}
	p.err = p.cmd.Wait()
	if p.stopping.Load() {
		return
	}
	select {
	case failed <- p:
	default:
	}
}

// Name is the file name of the program.
func (p *Process) Name() string { return filepath.Base(p.cmd.Path) }

// stop returns when the process is gone. A process killed, or ended with an error, while it is stopping is no failure: its
// data is thrown away.
func (p *Process) stop() {
	p.stopping.Store(true)
	p.cancel()
	<-p.exited
}

// failure describes an end nobody asked for.
func (p *Process) failure() error {
	cause := p.err
	if cause == nil {
		cause = errors.New("exit status 0")
	}
	return fmt.Errorf("%s ended unasked: %w%s", p.Name(), cause, p.logTail())
}

// logTail is the end of the log as the last part of an error's text.
func (p *Process) logTail() string {
	content, err := os.ReadFile(p.LogPath)
	if err != nil {
		return fmt.Sprintf(" (and its log is unreadable: %v)", err)
	}
	content = content[max(0, len(content)-logTailBytes):]
	return fmt.Sprintf("; the end of its log:\n%s", bytes.TrimSpace(content))
}
