// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package node

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

// followPoll is how often a start looks for words and readiness, and one that waits for another looks again.
const followPoll = 100 * time.Millisecond

// Start starts a cluster and returns when its node is Ready. If one runs in the state directory already, that is it. Cancelling
// ctx ends the start and leaves no process; the state directory keeps the logs.
func Start(ctx context.Context, config Config) error {
	config, err := config.resolved()
	if err != nil {
		return fmt.Errorf("starting a cluster: %w", err)
	}
	if err := config.check(); err != nil {
		return fmt.Errorf("starting a cluster: %w", err)
	}
	lock, err := config.holdUnlessReady(ctx)
	if err != nil || lock == nil {
		return err
	}
	err = config.startHolding(ctx, lock)
	// From here on the first process alone holds the directory.
	if err := errors.Join(err, lock.Close()); err != nil {
		return fmt.Errorf("starting a cluster: %w", err)
	}
	return nil
}

// holdUnlessReady takes the state directory, or returns no lock once the cluster in it is ready.
func (c Config) holdUnlessReady(ctx context.Context) (*os.File, error) {
	ticker := time.NewTicker(followPoll)
	defer ticker.Stop()
	for waited := false; ; waited = true {
		lock, err := hold(c.StateDir)
		if !errors.Is(err, errHeld) {
			return lock, err
		}
		if ready, err := c.isReady(); err != nil || ready {
			return nil, err
		}
		if !waited {
			c.say("another run is starting this cluster: waiting for it")
		}
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-ticker.C:
		}
	}
}

func (c Config) isReady() (bool, error) {
	if _, err := os.Stat(c.Kubeconfig()); errors.Is(err, fs.ErrNotExist) {
		return false, nil
	} else if err != nil {
		return false, fmt.Errorf("looking whether the cluster is ready: %w", err)
	}
	return isHeld(c.StateDir)
}

func (c Config) startHolding(ctx context.Context, lock *os.File) error {
	if err := c.clear(ctx); err != nil {
		return err
	}
	if err := c.checkFileSystem(); err != nil {
		return err
	}
	if err := copyFile(c.PauseArchive, filepath.Join(c.StateDir, pauseFile)); err != nil {
		return err
	}
	first, orders, err := c.startFirst(lock)
	if err != nil {
		return err
	}
	exited := make(chan error, 1) // so that it can be told when nobody listens any more
	go func() { exited <- first.Wait() }()
	err = c.giveOrder(ctx, first.Process.Pid, orders)
	if err == nil {
		err = c.follow(ctx, exited)
	}
	if err != nil {
		return errors.Join(err, c.abandon(first.Process))
	}
	return nil
}

// startFirst starts the first process of new namespaces. It waits for its order.
func (c Config) startFirst(lock *os.File) (*exec.Cmd, io.WriteCloser, error) {
	log, err := os.Create(filepath.Join(c.StateDir, logFile))
	if err != nil {
		return nil, nil, fmt.Errorf("making the log: %w", err)
	}
	cmd := &exec.Cmd{
		Path: self, Args: []string{initRole}, Dir: "/",
		Stdout: log, Stderr: log,
		Env:        append(os.Environ(), "PATH="+searchPath()),
		ExtraFiles: []*os.File{lock}, // becomes lockFd
		SysProcAttr: &syscall.SysProcAttr{
			Setsid:     true, // A terminal's Ctrl-C is not for what stays in the background.
			Cloneflags: syscall.CLONE_NEWNS | syscall.CLONE_NEWPID | syscall.CLONE_NEWNET | syscall.CLONE_NEWUTS | syscall.CLONE_NEWIPC,
		},
	}
	orders, err := cmd.StdinPipe()
	if err == nil {
		err = cmd.Start()
	}
	if errors.Is(err, syscall.EPERM) {
		err = fmt.Errorf("%w: making namespaces needs CAP_SYS_ADMIN, which containers lack unless they are privileged", err)
	}
	if err := errors.Join(err, log.Close()); err != nil {
		return nil, nil, err
	}
	return cmd, orders, nil
}

// giveOrder prepares what has to be prepared from outside, notes it for the one who clears up, and lets the node start.
func (c Config) giveOrder(ctx context.Context, pid int, orders io.WriteCloser) error {
	start, err := began(pid)
	if err != nil {
		return err
	}
	// Noted before it is made, so that nothing is there of which nobody knows.
	made := instance{Pid: pid, Began: start, Cgroup: "convoy-" + strings.ToLower(rand.Text()[:8])}
	if err := made.write(c.StateDir); err != nil {
		return err
	}
	if err := makeCgroups(made.Cgroup); err != nil {
		return err
	}
	link, err := makeLink(ctx, pid)
	if err != nil {
		return err
	}
	made.Link = link.Name
	if err := made.write(c.StateDir); err != nil {
		return err
	}
	text, err := json.Marshal(order{
		StateDir: c.StateDir, BinDir: c.BinDir, CNIPlugins: findCNI(cniDirectories), Link: link, Cgroup: made.Cgroup,
	})
	if err != nil {
		return fmt.Errorf("giving the order: %w", err)
	}
	_, err = orders.Write(text)
	if err := errors.Join(err, orders.Close()); err != nil {
		return fmt.Errorf("giving the order: %w", err)
	}
	return nil
}

// abandon ends what was started. The state directory stays, with the logs.
func (c Config) abandon(first *os.Process) error {
	made, err := readInstance(c.StateDir)
	if err != nil {
		return errors.Join(err, first.Kill())
	}
	// The caller's context may be what ended the start; clearing up is to happen all the same.
	return errors.Join(made.end(), c.release(context.Background(), made))
}

func copyFile(from, to string) error {
	content, err := os.ReadFile(from)
	if err != nil {
		return fmt.Errorf("copying an image: %w", err)
	}
	return writeWhole(to, content)
}
