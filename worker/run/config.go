// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package run

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"convoy.dev/convoy/api/v1alpha1"
	"convoy.dev/convoy/worker/broker"
	"convoy.dev/convoy/worker/deliver"
	"convoy.dev/convoy/worker/drain"
	"convoy.dev/convoy/worker/key"
	"convoy.dev/convoy/worker/order"
	"convoy.dev/convoy/worker/tracing"
)

// Mailbox is the worker's own ConvoyWorker. Errors are those of the API server, by the rules of apimachinery: NotFound,
// Conflict and the rest.
type Mailbox interface {
	// Read reads the object live: what it returns is no older than the call.
	Read(ctx context.Context) (*v1alpha1.ConvoyWorker, error)
	// Watch shows the object as it is and as it changes, until ctx ends or the watch breaks. It may go back in time.
	Watch(ctx context.Context, seen func(*v1alpha1.ConvoyWorker)) error
	// WriteStatus writes the status if the object still has the resourceVersion given, and returns it as it then is.
	WriteStatus(ctx context.Context, object *v1alpha1.ConvoyWorker) (*v1alpha1.ConvoyWorker, error)
}

// Handler makes one call and waits for its end. It is called by many goroutines at once.
type Handler interface {
	Deliver(ctx context.Context, call *deliver.Call) deliver.Outcome
}

// Config is what a Worker is made with. FromSettings fills what a pool says.
type Config struct {
	// PodUID is the UID of the worker's pod: it owns the ConvoyWorker, and is named in epoch records.
	PodUID string
	// Claim is the pool's mark in the broker.
	Claim broker.Claim
	// Routing is for pools with Routed lanes.
	Routing Routing
	// Key is the pool's key expression, OnMissing what becomes of a message that has none.
	Key       *key.Expression
	OnMissing v1alpha1.MissingKeyPolicy
	// Order configures the sequencer. Its Seed is drawn if it is 0.
	Order order.Config
	// Fence is handoff.fenceSeconds.
	Fence time.Duration
	// DrainTimeout is handoff.drainTimeoutSeconds: how long after Stop the lanes may take to drain. Then the worker gives up
	// what still runs, so that the handler has what is left of the pod's grace period.
	DrainTimeout time.Duration
	// Memory is how large the bodies in memory may be together, in bytes; default 64 MiB. Calls under way, and at most 1 MiB
	// and one batch that each lane's reader has brought, come on top.
	Memory int
	// Barrier is how long after its start a process with a predecessor opens nothing; 0 where the handler is restarted
	// together with the worker.
	Barrier time.Duration

	Mailbox Mailbox
	// Connect makes the connection to the broker. It is called until it succeeds, once.
	Connect func(ctx context.Context) (broker.Connection, error)
	Handler Handler
	// Reachable says whether the handler accepts a connection now.
	Reachable func(ctx context.Context) error
	Marks     *Marks
	// Tracer makes spans of messages; nil makes none.
	Tracer *tracing.Tracer
	// Clock is SystemClock, but in tests.
	Clock Clock
	Log   *slog.Logger
	// Metrics is where the worker's metrics are registered.
	Metrics prometheus.Registerer
}

// protocol is what this worker speaks with controllers.
var protocol = drain.Protocol{Min: 1, Max: 1}

const defaultMemory = 64 << 20

func (c *Config) validate() error {
	for _, part := range []struct {
		name    string
		missing bool
	}{
		{"PodUID", c.PodUID == ""}, {"Key", c.Key == nil}, {"Mailbox", c.Mailbox == nil}, {"Connect", c.Connect == nil},
		{"Handler", c.Handler == nil}, {"Reachable", c.Reachable == nil}, {"Marks", c.Marks == nil}, {"Clock", c.Clock == nil},
		{"Log", c.Log == nil}, {"Metrics", c.Metrics == nil},
	} {
		if part.missing {
			return fmt.Errorf("configuring the worker: %s is missing", part.name)
		}
	}
	if c.Fence <= 0 || c.Barrier < 0 || c.DrainTimeout <= 0 {
		return fmt.Errorf("configuring the worker: a fence of %v, a barrier of %v, a drain time-out of %v", c.Fence, c.Barrier, c.DrainTimeout)
	}
	if c.Memory == 0 {
		c.Memory = defaultMemory
	}
	return nil
}
