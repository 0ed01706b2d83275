// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package process

import (
	"context"
	"net"

	"convoy.dev/convoy/worker/deliver"
)

// OverHTTP makes the handler of a pool with delivery.type HTTP: the pod's other container.
func OverHTTP(s Surroundings) (Handler, error) {
	pool := s.Settings.Pool
	client, err := deliver.New(deliver.Config{
		URL:         "http://" + s.Address + *s.Settings.Delivery.HTTP.Path,
		Source:      "/namespaces/" + pool.Namespace + "/convoypools/" + pool.Name,
		Timeout:     s.Timeout(),
		Connections: int(*s.Settings.Delivery.MaxInFlightKeys),
		Batches:     *s.Settings.Delivery.Batch.MaxMessages > 1,
		Now:         s.Clock,
	})
	if err != nil {
		return nil, err
	}
	return overHTTP{client, s.Address}, nil
}

type overHTTP struct {
	*deliver.Client
	address string
}

// Reachable implements Handler: it accepts a connection.
func (h overHTTP) Reachable(ctx context.Context) error {
	connection, err := new(net.Dialer).DialContext(ctx, "tcp", h.address)
	if err != nil {
		return err
	}
	return connection.Close()
}
