// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

// Command broker is a JetStream server that can be killed and started again: broker HOST PORT DIRECTORY.
package main

import (
	"fmt"
	"os"
	"strconv"

	"github.com/nats-io/nats-server/v2/server"
)

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "broker:", err)
		os.Exit(1)
	}
}

func run(args []string) error {
	if len(args) != 3 {
		return fmt.Errorf("%d arguments, want a host, a port and a directory", len(args))
	}
	port, err := strconv.Atoi(args[1])
	if err != nil {
		return fmt.Errorf("reading the port: %w", err)
	}
	s, err := server.NewServer(&server.Options{Host: args[0], Port: port, JetStream: true, StoreDir: args[2]})
	if err != nil {
		return err
	}
	s.ConfigureLogger()
	s.Start()
	s.WaitForShutdown()
	return nil
}
