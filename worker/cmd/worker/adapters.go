// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"log/slog"

	"convoy.dev/convoy/worker/broker"
	"convoy.dev/convoy/worker/broker/nats"
)

// connector makes the connection to a pool's broker.
type connector = func(context.Context) (broker.Connection, error)

// adapter finds the adapter of the pool's source, by the member that is set.
func adapter(e *environment, log *slog.Logger) (connector, error) {
	if e.settings.Source.NATS == nil {
		return nil, errors.New("this worker knows no broker for the pool's source")
	}
	return func(context.Context) (broker.Connection, error) {
		connection, err := nats.Connect(nats.Config{Settings: &e.settings, Client: e.name, Log: log})
		if err != nil {
			return nil, err
		}
		return connection, nil
	}, nil
}
