// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package nats

import (
	"convoy.dev/convoy/api/v1alpha1"
	"convoy.dev/convoy/worker/broker"
)

func init() {
	broker.Register(broker.Adapter{
		Name:   "nats",
		Serves: func(source *v1alpha1.Source) bool { return source.NATS != nil },
		Connect: func(target broker.Target) (broker.Connection, error) {
			connection, err := Connect(Config{Settings: target.Settings, Client: target.Client, Log: target.Log})
			if err != nil {
				return nil, err
			}
			return connection, nil
		},
	})
}
