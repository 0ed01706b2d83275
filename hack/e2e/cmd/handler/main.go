// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

// Command handler is the handler of the demo and the end-to-end story (package handler). It ends at SIGTERM when the
// calls that run have ended, unless it was told to ignore it.
package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/signal"
	"syscall"
	"time"

	"convoy.dev/convoy/hack/e2e/collect"
	"convoy.dev/convoy/hack/e2e/handler"
)

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "handler:", err)
		os.Exit(1)
	}
}

func run() error {
	settings, err := handler.ReadSettings(os.Getenv)
	if err != nil {
		return err
	}
	ctx, stop := endingContext(settings.IgnoreTerm)
	defer stop()
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", settings.Address)
	if err != nil {
		return fmt.Errorf("listening: %w", err)
	}
	collector := collect.Connect(settings.Collector)
	defer collector.Close()
	server := &http.Server{Handler: handler.New(settings, collector), ReadHeaderTimeout: time.Minute}
	ended := make(chan error, 1)
	go func() {
		<-ctx.Done()
		ended <- server.Shutdown(context.WithoutCancel(ctx))
	}()
	if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("serving: %w", err)
	}
	return <-ended
}

// endingContext ends at SIGTERM. As the first process of a container, which many handlers are, one without a handler for
// the signal ignores it; as a process among others it has to say so.
func endingContext(ignore bool) (context.Context, context.CancelFunc) {
	if ignore {
		signal.Ignore(syscall.SIGTERM)
		return context.WithCancel(context.Background())
	}
	return signal.NotifyContext(context.Background(), syscall.SIGTERM)
}
