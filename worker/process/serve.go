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
)

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
	sending, stop := context.WithTimeout(context.Background(), time.Second)
	defer stop()
	if err := p.tracer.Close(sending); err != nil {
		p.log.Warn("sending the last spans", "error", err)
	}
}
