// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package process

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"time"
)

// readyPoll is how often a starting program is asked. It offers nothing to watch before it is ready.
const readyPoll = 50 * time.Millisecond

// Probe asks a program once whether it is ready.
type Probe func(ctx context.Context) error

// Immediately is for a program that nothing waits for.
func Immediately(context.Context) error { return nil }

// Group is programs that live and die together. Start, Await and Stop are called from one goroutine.
type Group struct {
	dir string
	// processes are in the order of their start; Start alone appends.
	processes []*Process
	// failed takes the first process that exits without being told to: it is the cause if others follow.
	failed chan *Process
}

// NewGroup makes an empty group. Its programs run in dir and write their logs there.
func NewGroup(dir string) *Group {
	return &Group{dir: dir, failed: make(chan *Process, 1)}
}

// Start starts the program at path. It returns when the process exists, or with the reason why there is none.
func (g *Group) Start(path string, args ...string) (*Process, error) {
	p, err := start(path, g.dir, args, g.failed)
	if err != nil {
		return nil, fmt.Errorf("starting %s: %w", filepath.Base(path), err)
	}
	g.processes = append(g.processes, p)
	return p, nil
}

// Await asks until p is ready, any process of the group exits, or ctx ends.
func (g *Group) Await(ctx context.Context, p *Process, ready Probe) error {
	err := g.AwaitAll(ctx, ready)
	if ctx.Err() != nil && errors.Is(err, ctx.Err()) {
		return fmt.Errorf("waiting for %s: %w%s", p.Name(), err, p.logTail())
	}
	return err
}

// AwaitAll asks until the group as a whole is ready, any process of it exits, or ctx ends.
func (g *Group) AwaitAll(ctx context.Context, ready Probe) error {
	ticker := time.NewTicker(readyPoll)
	defer ticker.Stop()
	for {
		answer := ready(ctx)
		if answer == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("%w (last answer: %w)", ctx.Err(), answer)
		case failed := <-g.failed:
			return failed.failure()
		case <-ticker.C:
		}
	}
}

// Wait returns nil when ctx ends, and an error as soon as a process exits.
func (g *Group) Wait(ctx context.Context) error {
	select {
	case <-ctx.Done():
		return nil
	case p := <-g.failed:
		return p.failure()
	}
}

// Stop ends the processes, the last started first. One that does not end within its grace of some seconds is killed.
func (g *Group) Stop() {
	for i := len(g.processes) - 1; i >= 0; i-- {
		g.processes[i].stop()
	}
}

// Logs returns the paths of the log files, in the order of the starts.
func (g *Group) Logs() []string {
	var paths []string
	for _, p := range g.processes {
		paths = append(paths, p.LogPath)
	}
	return paths
}
