// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package process

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"convoy.dev/convoy/api/v1alpha1"
)

// serve answers probes, hooks and scrapers at the pod's address. What a worker has of a key is asked on loopback, which the
// pod's own containers reach, and who may have the API server forward its ports. A worker that cannot listen there works on.
func (p *process) serve(e *environment, metrics prometheus.Gatherer) error {
	outside := http.NewServeMux()
	outside.HandleFunc("/healthz", p.worker.Healthz)
	outside.HandleFunc("/readyz", p.worker.Readyz)
	outside.HandleFunc("/drained", p.worker.Drained)
	outside.Handle("/metrics", promhttp.HandlerFor(metrics, promhttp.HandlerOpts{}))
	inside := http.NewServeMux()
	inside.HandleFunc("GET "+v1alpha1.PeekPath, p.worker.Peek)
	if e.inside == e.listen { // In development a pod's address is one of loopback.
		inside.Handle("/", outside)
		return p.listen(e.listen, inside)
	}
	if err := p.listen(e.listen, outside); err != nil {
		return err
	}
	if err := p.listen(e.inside, inside); err != nil {
		p.log.Warn("kubectl convoy peek cannot ask this worker", "error", err)
	}
	return nil
}

func (p *process) listen(address string, routes http.Handler) error {
	listener, err := new(net.ListenConfig).Listen(context.Background(), "tcp", address)
	if err != nil {
		return fmt.Errorf("listening: %w", err)
	}
	server := &http.Server{Handler: routes, ReadHeaderTimeout: 10 * time.Second}
	p.servers = append(p.servers, server)
	p.serving.Go(func() {
		if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
			p.log.Error("serving", "address", address, "error", err)
		}
	})
	return nil
}

// close lets the hooks that wait for the drain have their answer.
func (p *process) close() {
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	for _, server := range p.servers {
		if err := errors.Join(server.Shutdown(ctx), server.Close()); err != nil {
			p.log.Warn("closing a server", "error", err)
		}
	}
	p.serving.Wait()
	p.handler.Close()
	sending, stop := context.WithTimeout(context.Background(), time.Second)
	defer stop()
	if err := p.tracer.Close(sending); err != nil {
		p.log.Warn("sending the last spans", "error", err)
	}
}
