// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package plant

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"convoy.dev/convoy/api/v1alpha1"
	"convoy.dev/convoy/worker/broker"
	"convoy.dev/convoy/worker/broker/nats"
	"convoy.dev/convoy/worker/order"
	"convoy.dev/convoy/worker/process"
	"convoy.dev/convoy/worker/run"
)

// Config is what a Plant is made with.
type Config struct {
	// Pool is the pool's name; default orders.
	Pool string
	// Directory is empty, and gets all files.
	Directory string
	// Server is one that is there already; nil starts one, which then ends with the plant.
	Server *Server
	Lanes  int32
	// Native are the subjects of a lane, where the source has lanes; none are Routed lanes.
	Native []string
	// Handler is what is called with messages.
	Handler http.Handler
	// Delivery is the pool's spec.delivery. What it does not say is as in a pool.
	Delivery v1alpha1.Delivery
	// Order changes what the pool does not say of the sequencer; nil changes nothing.
	Order func(*order.Config)
}

func (c *Config) lanes() v1alpha1.Lanes {
	if len(c.Native) > 0 {
		return v1alpha1.Lanes{Type: new(v1alpha1.LanesNative), Native: &v1alpha1.NativeLanes{
			NATS: &v1alpha1.NATSNativeLanes{Subjects: c.Native, Count: c.Lanes},
		}}
	}
	return v1alpha1.Lanes{Type: new(v1alpha1.LanesRouted), Routed: &v1alpha1.RoutedLanes{Count: &c.Lanes}}
}

// Plant is a server and a worker with its handler.
type Plant struct {
	*Server

	owned   bool // the server is the plant's own
	handler *httptest.Server
	calls   process.Handler
	worker  *run.Worker
	ended   chan run.Ending // the one value
}

// Start starts everything. Messages are keyed by body.order_id.
func Start(ctx context.Context, c Config) (*Plant, error) {
	p := &Plant{Server: c.Server, owned: c.Server == nil}
	if p.owned {
		var err error
		if p.Server, err = Serve(ctx, filepath.Join(c.Directory, "jetstream")); err != nil {
			return nil, err
		}
	}
	p.handler = httptest.NewServer(c.Handler)
	if err := p.work(ctx, c); err != nil {
		return nil, errors.Join(err, p.close())
	}
	return p, nil
}

// work starts the worker as a process of a pod would.
func (p *Plant) work(ctx context.Context, c Config) error {
	settings := &v1alpha1.WorkerSettings{
		Cluster: "cluster", Pool: v1alpha1.PoolIdentity{Namespace: "shop", Name: cmp.Or(c.Pool, "orders"), UID: "1"},
		Source:   v1alpha1.Source{NATS: &v1alpha1.NATSSource{Servers: []string{p.URL}, Stream: Source}},
		Key:      v1alpha1.Key{Expression: "body.order_id"},
		Lanes:    c.lanes(),
		Delivery: c.Delivery,
	}
	settings.SetDefaults()
	config, err := run.FromSettings(settings)
	if err != nil {
		return fmt.Errorf("reading the settings: %w", err)
	}
	if c.Order != nil {
		c.Order(&config.Order)
	}
	log, clock := slog.New(slog.DiscardHandler), run.SystemClock()
	config.PodUID, config.Mailbox, config.Clock, config.Log, config.Metrics = podUID, c.grants(), clock, log, prometheus.NewRegistry()
	config.Connect = func(context.Context) (broker.Connection, error) {
		return nats.Connect(nats.Config{Settings: settings, Client: "bench", Log: log})
	}
	if config.Marks, err = run.ReadMarks(c.Directory); err != nil {
		return fmt.Errorf("reading the marks: %w", err)
	}
	p.calls, err = process.OverHTTP(process.Surroundings{Settings: settings, Address: p.handler.Listener.Addr().String(), Clock: clock, Log: log})
	if err != nil {
		return fmt.Errorf("reaching the handler: %w", err)
	}
	config.Handler, config.Reachable = p.calls, p.calls.Reachable
	if p.worker, err = run.New(config); err != nil {
		return fmt.Errorf("making the worker: %w", err)
	}
	p.ended = make(chan run.Ending, 1)
	go func() { p.ended <- p.worker.Run(ctx) }()
	return nil
}

// Stop drains the worker and ends all that Start has started.
func (p *Plant) Stop() error {
	p.worker.Stop()
	var err error
	select {
	case ending := <-p.ended:
		if ending != run.Resigned {
			err = fmt.Errorf("the worker has ended as %v", ending)
		}
	case <-time.After(patience):
		err = errors.New("the worker does not drain")
	}
	return errors.Join(err, p.close())
}

func (p *Plant) close() error {
	if p.calls != nil {
		p.calls.Close()
	}
	p.handler.Close()
	if !p.owned {
		return nil
	}
	return p.Close()
}
