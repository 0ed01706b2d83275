// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"syscall"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP)
	// A second interrupt ends the process at once, and the kernel its children.
	context.AfterFunc(ctx, stop)
	settings, err := readSettings(os.Getenv, os.Args[1:])
	if err == nil {
		err = play(ctx, settings)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "demo:", err)
		os.Exit(1)
	}
}

// play sets the stage, plays on it and clears it.
func play(ctx context.Context, settings settings) (err error) {
	ctx, fail := context.WithCancelCause(ctx)
	defer fail(nil)
	stage, err := newStage(settings, fail)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, stage.clear()) }()
	if err := stage.set(ctx); err != nil {
		return because(ctx, err)
	}
	return because(ctx, newStory(stage).tell(ctx))
}

// because prefers the reason for which everything was given up to the errors that follow from that.
func because(ctx context.Context, err error) error {
	cause := context.Cause(ctx)
	switch {
	case err == nil || cause == nil:
		return err
	case errors.Is(cause, context.Canceled):
		return errors.New("interrupted")
	}
	return cause
}
