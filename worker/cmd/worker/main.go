// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"syscall"

	"convoy.dev/convoy/worker/run"
)

// version is stamped by the linker.
var version = "unreleased"

// Exit codes. Any other code, and a signal, has the kubelet restart the handler together with this container, because a
// call may be running in it.
const (
	exitResigned = 0   // nothing is held, and the controller knows
	exitRunning  = 1   // calls may be running
	exitIdle     = 254 // no call of this process is running; a plain restart is wanted
)

func main() {
	os.Exit(work(os.Getenv, os.Stderr))
}

// work is the life of the process; it returns the exit code.
func work(getenv func(string) string, logs io.Writer) int {
	log := slog.New(slog.NewJSONHandler(logs, &slog.HandlerOptions{Level: level(getenv)}))
	e, err := readEnvironment(getenv)
	if err != nil {
		log.Error("the worker cannot start", "error", err)
		return exitIdle
	}
	log = log.With("pool", e.settings.Pool.Name, "namespace", e.namespace, "pod", e.name)
	p, err := assemble(e, log)
	if err != nil {
		log.Error("the worker cannot start", "error", err)
		return exitIdle
	}
	defer p.close()
	log.Info("the worker starts", "version", version)
	return exitCode(p.run())
}

// run runs the worker until its end. The first signal lets it drain, a second one gives up what runs.
func (p *process) run() run.Ending {
	ctx, abort := context.WithCancel(context.Background())
	defer abort()
	signals := make(chan os.Signal, 2) // as many as mean something
	signal.Notify(signals, syscall.SIGTERM, syscall.SIGINT)
	defer signal.Stop(signals)
	ended := make(chan struct{}) // closed at the end
	go func() {
		for _, act := range []func(){p.worker.Stop, abort} {
			select {
			case s := <-signals:
				p.log.Info("a signal came", "signal", s.String())
				act()
			case <-ended:
				return
			}
		}
	}()
	defer close(ended)
	return p.worker.Run(ctx)
}

func exitCode(ending run.Ending) int {
	if ending == run.Resigned {
		return exitResigned
	}
	return exitRunning
}
