// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package broker

import (
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"

	"convoy.dev/convoy/api/v1alpha1"
)

// Adapter makes connections to brokers of one kind. Its package registers it when it is imported, so that a program has the
// brokers that it names and no others.
type Adapter struct {
	// Name is the member of spec.source that it serves, and the end of its package's path. Example: nats.
	Name string
	// Serves says whether a source is of its kind.
	Serves func(source *v1alpha1.Source) bool
	// Connect makes a connection, and may wait for it or not.
	Connect func(target Target) (Connection, error)
}

// Target is what a connection is made to.
type Target struct {
	// Settings are the pool's, with their defaults.
	Settings *v1alpha1.WorkerSettings
	// Client is a name for the broker's lists of connections: that of the pod.
	Client string
	Log    *slog.Logger
}

var registered struct {
	lock     sync.Mutex
	adapters []Adapter
}

// Register is called by the package of an adapter, in its init function. It panics when there is one of that name.
func Register(adapter Adapter) {
	registered.lock.Lock()
	defer registered.lock.Unlock()
	for _, known := range registered.adapters {
		if known.Name == adapter.Name {
			panic("broker: the adapter " + adapter.Name + " is registered twice")
		}
	}
	registered.adapters = append(registered.adapters, adapter)
}

// AdapterOf is the adapter that serves a source. The error says which package to import.
func AdapterOf(source *v1alpha1.Source) (Adapter, error) {
	registered.lock.Lock()
	defer registered.lock.Unlock()
	var names []string
	for _, known := range registered.adapters {
		if known.Serves(source) {
			return known, nil
		}
		names = append(names, known.Name)
	}
	slices.Sort(names)
	return Adapter{}, fmt.Errorf("finding the broker of the pool's source: this program knows [%s] alone: import the package of the pool's broker, "+
		"such as _ %q", strings.Join(names, " "), "convoy.dev/convoy/worker/broker/nats")
}
