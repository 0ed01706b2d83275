// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package process

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"sync"
	"time"

	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"

	"convoy.dev/convoy/api/v1alpha1"
	"convoy.dev/convoy/worker/broker"
	"convoy.dev/convoy/worker/mailbox/kube"
	"convoy.dev/convoy/worker/run"
	"convoy.dev/convoy/worker/tracing"
)

// Handler is how the worker calls the user's code.
type Handler interface {
	run.Handler
	// Reachable says whether the handler can be called now.
	Reachable(ctx context.Context) error
	// Close lets go of what calls have used. None is made any more.
	Close()
}

// Surroundings are what a handler may need to know of its process.
type Surroundings struct {
	// Settings are the pool's, with their defaults.
	Settings *v1alpha1.WorkerSettings
	// Address is where a handler in another container of the pod listens, host:port.
	Address string
	Clock   run.Clock
	Log     *slog.Logger
}

// Timeout is how long one call may take.
func (s *Surroundings) Timeout() time.Duration {
	return time.Duration(*s.Settings.Delivery.TimeoutSeconds) * time.Second
}

// process is a worker with what it needs of the world.
type process struct {
	log     *slog.Logger
	worker  *run.Worker
	handler Handler
	tracer  *tracing.Tracer
	servers []*http.Server
	serving sync.WaitGroup
}

// assemble makes everything, and begins to listen. Nothing of the pool is touched yet.
func assemble(e *environment, c Config) (*process, error) {
	p := &process{log: c.Log}
	if said := *e.settings.Delivery.Type; said != c.Delivery {
		return nil, wrongDelivery(said)
	}
	config, err := run.FromSettings(&e.settings)
	if err != nil {
		return nil, err
	}
	if e.barrier && c.Delivery == v1alpha1.DeliveryHTTP {
		config.Barrier = time.Duration(config.Order.Timeout)
	}
	if config.Mailbox, err = openMailbox(e, c.Version); err != nil {
		return nil, err
	}
	if config.Marks, err = run.ReadMarks(e.stateDir); err != nil {
		return nil, err
	}
	if config.Connect, err = connector(e, c.Log); err != nil {
		return nil, err
	}
	clock := run.SystemClock()
	if p.handler, err = c.Handler(Surroundings{Settings: &e.settings, Address: e.handler, Clock: clock, Log: c.Log}); err != nil {
		return nil, err
	}
	config.PodUID, config.Clock, config.Log, config.Metrics = e.uid, clock, c.Log, c.Metrics
	config.Handler, config.Reachable = p.handler, p.handler.Reachable
	if p.tracer, err = openTracer(e, c); err != nil {
		p.handler.Close()
		return nil, err
	}
	config.Tracer = p.tracer
	if p.worker, err = run.New(config); err != nil {
		p.handler.Close()
		return nil, err
	}
	if err := p.serve(e, c.Metrics); err != nil {
		p.handler.Close()
		return nil, err
	}
	return p, nil
}

func openTracer(e *environment, c Config) (*tracing.Tracer, error) {
	return tracing.FromEnvironment(context.Background(), tracing.Config{
		Getenv: c.Getenv, Pool: e.settings.Pool.Namespace + "/" + e.settings.Pool.Name, Version: c.Version,
	})
}

func wrongDelivery(said v1alpha1.DeliveryType) error {
	if said == v1alpha1.DeliveryEmbedded {
		return errors.New("reading the settings: this worker delivers over HTTP; with delivery.type Embedded the template's first container is the worker")
	}
	return errors.New("reading the settings: this program is worker and handler in one: set delivery.type to Embedded")
}

// connector finds the adapter of the pool's source among those that the program has imported.
func connector(e *environment, log *slog.Logger) (func(context.Context) (broker.Connection, error), error) {
	adapter, err := broker.AdapterOf(&e.settings.Source)
	if err != nil {
		return nil, err
	}
	return func(context.Context) (broker.Connection, error) {
		return adapter.Connect(broker.Target{Settings: &e.settings, Client: e.name, Log: log})
	}, nil
}

func openMailbox(e *environment, version string) (*kube.Mailbox, error) {
	config, err := clusterConfig(e.kubeconfig)
	if err != nil {
		return nil, fmt.Errorf("finding the API server: %w", err)
	}
	config.UserAgent = "convoy-worker/" + version
	config.QPS, config.Burst = 50, 100 // one object, written when lanes move
	return kube.New(config, e.namespace, e.name)
}

func clusterConfig(kubeconfig string) (*rest.Config, error) {
	if kubeconfig != "" {
		return clientcmd.BuildConfigFromFlags("", kubeconfig)
	}
	return rest.InClusterConfig()
}
