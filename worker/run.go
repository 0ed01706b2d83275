// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package worker

import (
	"context"
	"errors"
	"log/slog"
	"os"

	"github.com/prometheus/client_golang/prometheus"

	"convoy.dev/convoy/api/v1alpha1"
	"convoy.dev/convoy/worker/deliver"
	"convoy.dev/convoy/worker/process"
)

// ErrRunning is what Run returns when the worker has ended and handlers may be at work: the lanes have not drained in time,
// or another process has taken the pod's place. The process is to end, so that its handlers do.
var ErrRunning = process.ErrRunning

// Option changes how a worker runs.
type Option func(*process.Config)

// WithLog sets where the worker logs. Default: JSON to standard error, as much as the pool's worker.logLevel says.
func WithLog(log *slog.Logger) Option { return func(c *process.Config) { c.Log = log } }

// WithMetrics sets the registry that the worker's metrics are in and that /metrics shows. A program has one, and puts its
// own metrics there. Default: a new one with Go's metrics and those of the process.
func WithMetrics(registry *prometheus.Registry) Option {
	return func(c *process.Config) { c.Metrics = registry }
}

// WithVersion sets the version of the program that the log names.
func WithVersion(version string) Option { return func(c *process.Config) { c.Version = version } }

// WithEnvironment sets where the environment that the operator sets is read. Default: os.Getenv.
func WithEnvironment(getenv func(name string) string) Option {
	return func(c *process.Config) { c.Getenv = getenv }
}

// Run runs a worker with this handler, in a pod of a pool with delivery.type Embedded. When ctx ends it takes nothing more,
// lets what runs finish, gives its lanes back and returns nil. It gives up after handoff.drainTimeoutSeconds, and returns
// ErrRunning. Any other error says why it could not start; then nothing was called.
func Run(ctx context.Context, handler Handler, options ...Option) error {
	return process.Run(ctx, context.WithoutCancel(ctx), configure(handler, options))
}

// Main is a program that is a worker and nothing else: it runs until SIGTERM or SIGINT, a second one of which gives up what
// runs, and ends the process with a code that the pod's restart rules understand.
func Main(handler Handler, options ...Option) {
	os.Exit(process.Main(configure(handler, options)))
}

func configure(handler Handler, options []Option) process.Config {
	c := process.Config{
		Delivery: v1alpha1.DeliveryEmbedded,
		Handler: func(s process.Surroundings) (process.Handler, error) {
			if handler == nil {
				return nil, errors.New("making the worker: there is no handler")
			}
			return deliver.NewEmbedded(deliver.EmbeddedConfig{Handler: Func(handler), Timeout: s.Timeout(), Now: s.Clock, Log: s.Log})
		},
	}
	for _, option := range options {
		option(&c)
	}
	return c
}
