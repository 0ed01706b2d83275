// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"sync/atomic"
	"syscall"
	"time"
)

const (
	// childGrace is how long a child may take to end by itself; the control plane gives its parts several seconds each.
	childGrace = 40 * time.Second
	// tailBytes bounds what an error shows of a log.
	tailBytes = 2 << 10
)

// child is a process that the demo has started.
type child struct {
	name, log string
	cmd       *exec.Cmd
	cancel    context.CancelFunc
	// stopping is set before the process is told to stop.
	stopping atomic.Bool
	exited   chan struct{}
}

// command says what to start. Standard output goes to out if that is set, and all else to a log.
type command struct {
	name string
	path string
	args []string
	env  []string
	out  io.Writer
}

// start starts a child. When it ends without being told to, lost is called.
func start(c command, logs string, lost func(error)) (*child, error) {
	path := filepath.Join(logs, c.name+".log")
	log, err := os.Create(path)
	if err != nil {
		return nil, fmt.Errorf("starting %s: %w", c.name, err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	cmd := exec.CommandContext(ctx, c.path, c.args...)
	cmd.Env = append(os.Environ(), c.env...)
	cmd.Stdout, cmd.Stderr = io.Writer(log), log
	if c.out != nil {
		cmd.Stdout = c.out
	}
	// A group of its own: Ctrl-C is for the demo, which stops its children in their order.
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	dieWithParent(cmd.SysProcAttr)
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	cmd.WaitDelay = childGrace
	p := &child{name: c.name, log: path, cmd: cmd, cancel: cancel, exited: make(chan struct{})}
	started := make(chan error)
	go p.own(started, lost)
	if err := errors.Join(<-started, log.Close()); err != nil {
		cancel()
		return nil, fmt.Errorf("starting %s: %w", c.name, err)
	}
	return p, nil
}

// own starts the process and waits for its end, on one thread: the kernel's signal at the parent's death is sent at the
// death of the thread that forked.
func (p *child) own(started chan<- error, lost func(error)) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	defer close(p.exited)
	err := p.cmd.Start()
	started <- err
	if err != nil {
		return
	}
	err = p.cmd.Wait()
	if err == nil {
		err = errors.New("exit status 0")
	}
	if !p.stopping.Load() {
		lost(fmt.Errorf("%s ended unasked: %w; the end of what it said:\n%s", p.name, err, p.tail()))
	}
}

// stop returns when the process is gone.
func (p *child) stop() error {
	p.stopping.Store(true)
	p.cancel()
	<-p.exited
	return nil
}

func (p *child) tail() []byte {
	content, err := os.ReadFile(p.log)
	if err != nil {
		return []byte(err.Error())
	}
	return bytes.TrimSpace(content[max(0, len(content)-tailBytes):])
}
