// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"

	"convoy.dev/convoy/worker/deliver"
	"convoy.dev/convoy/worker/mailbox/kube"
	"convoy.dev/convoy/worker/run"
)

// process is a worker with what it needs of the world.
type process struct {
	log     *slog.Logger
	worker  *run.Worker
	handler *deliver.Client
	server  *http.Server
	serving chan struct{} // closed when the server has ended
}

// assemble makes everything, and begins to listen. Nothing of the pool is touched yet.
func assemble(e *environment, log *slog.Logger) (*process, error) {
	p := &process{log: log, serving: make(chan struct{})}
	clock := run.SystemClock()
	config, err := run.FromSettings(&e.settings)
	if err != nil {
		return nil, err
	}
	if e.barrier {
		config.Barrier = time.Duration(config.Order.Timeout)
	}
	if config.Mailbox, err = openMailbox(e); err != nil {
		return nil, err
	}
	if config.Marks, err = run.ReadMarks(e.stateDir); err != nil {
		return nil, err
	}
	if p.handler, err = newHandler(e, config, clock); err != nil {
		return nil, err
	}
	connect, err := adapter(e, log)
	if err != nil {
		return nil, err
	}
	registry := prometheus.NewRegistry()
	registry.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	config.PodUID, config.Clock, config.Log, config.Metrics = e.uid, clock, log, registry
	config.Handler, config.Reachable, config.Connect = p.handler, reachable(e.handler), connect
	if p.worker, err = run.New(config); err != nil {
		return nil, err
	}
	return p, p.serve(e.listen, registry)
}

func openMailbox(e *environment) (*kube.Mailbox, error) {
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

func newHandler(e *environment, config run.Config, clock run.Clock) (*deliver.Client, error) {
	return deliver.New(deliver.Config{
		URL:         "http://" + e.handler + *e.settings.Delivery.HTTP.Path,
		Source:      "/namespaces/" + e.settings.Pool.Namespace + "/convoypools/" + e.settings.Pool.Name,
		Timeout:     time.Duration(config.Order.Timeout),
		Connections: config.Order.MaxInFlightKeys,
		Batches:     config.Order.BatchMaxMessages > 1,
		Now:         clock,
	})
}

// reachable says whether the handler accepts a connection.
func reachable(address string) func(context.Context) error {
	return func(ctx context.Context) error {
		connection, err := new(net.Dialer).DialContext(ctx, "tcp", address)
		if err != nil {
			return err
		}
		return connection.Close()
	}
}

// serve answers probes, hooks and scrapers.
func (p *process) serve(address string, metrics prometheus.Gatherer) error {
	listener, err := new(net.ListenConfig).Listen(context.Background(), "tcp", address)
	if err != nil {
		return fmt.Errorf("listening for probes: %w", err)
	}
	routes := http.NewServeMux()
	routes.HandleFunc("/healthz", p.worker.Healthz)
	routes.HandleFunc("/readyz", p.worker.Readyz)
	routes.HandleFunc("/drained", p.worker.Drained)
	routes.Handle("/metrics", promhttp.HandlerFor(metrics, promhttp.HandlerOpts{}))
	p.server = &http.Server{Handler: routes, ReadHeaderTimeout: 10 * time.Second}
	go func() {
		defer close(p.serving)
		if err := p.server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
			p.log.Error("serving probes", "error", err)
		}
	}()
	return nil
}

// close lets the hooks that wait for the drain have their answer.
func (p *process) close() {
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	if err := errors.Join(p.server.Shutdown(ctx), p.server.Close()); err != nil {
		p.log.Warn("closing the server of probes", "error", err)
	}
	<-p.serving
	p.handler.Close()
}
