// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

// Command conductor is what the end-to-end story runs in the cluster (package conduct).
//
//	conductor                publish and collect: reports at :7000, told what to do at :7001
//	conductor kill POD-UID   kill the worker of a pod on this node
//
// It finds the NATS server by NATS_URL, and a handler's call is over CALL_SECONDS after its start.
package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/signal"
	"strconv"
	"syscall"
	"time"

	"github.com/nats-io/nats.go"

	"convoy.dev/convoy/hack/e2e/collect"
	"convoy.dev/convoy/hack/e2e/conduct"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	err := run(ctx, os.Args[1:])
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "conductor:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string) error {
	switch {
	case len(args) == 2 && args[0] == "kill":
		pid, err := conduct.Kill("/proc", args[1])
		if err == nil {
			fmt.Println("killed process", pid)
		}
		return err
	case len(args) > 0:
		return fmt.Errorf("%q is no command", args)
	}
	return serve(ctx)
}

func serve(ctx context.Context) (err error) {
	callSeconds, err := strconv.Atoi(os.Getenv("CALL_SECONDS"))
	if err != nil {
		return fmt.Errorf("reading CALL_SECONDS: %w", err)
	}
	connection, err := nats.Connect(os.Getenv("NATS_URL"), nats.RetryOnFailedConnect(true), nats.MaxReconnects(-1))
	if err != nil {
		return fmt.Errorf("connecting to NATS: %w", err)
	}
	defer connection.Close()
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", ":7000")
	if err != nil {
		return fmt.Errorf("listening for reports: %w", err)
	}
	collector := collect.Serve(listener, time.Duration(callSeconds)*time.Second)
	conductor := conduct.New(connection, collector)
	server := &http.Server{Addr: ":7001", Handler: conductor, ReadHeaderTimeout: time.Minute}
	context.AfterFunc(ctx, func() { _ = server.Close() })
	err = server.ListenAndServe()
	if errors.Is(err, http.ErrServerClosed) {
		err = nil
	}
	return errors.Join(err, conductor.Close(), collector.Close())
}
