// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package conduct

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"sync"

	"github.com/nats-io/nats.go"

	"convoy.dev/convoy/hack/e2e/checker"
	"convoy.dev/convoy/hack/e2e/collect"
	"convoy.dev/convoy/hack/e2e/publish"
	"convoy.dev/convoy/hack/e2e/shop"
)

// Conductor publishes and collects.
type Conductor struct {
	connection *nats.Conn
	collector  *collect.Server
	routes     *http.ServeMux

	// mu orders the requests that begin and end publishing.
	mu sync.Mutex
	// stop ends publishing; nil while there is none. ended then has its outcome.
	stop  context.CancelFunc
	ended chan error
}

// New makes a conductor that publishes over the connection.
func New(connection *nats.Conn, collector *collect.Server) *Conductor {
	c := &Conductor{connection: connection, collector: collector, routes: http.NewServeMux()}
	c.routes.HandleFunc("POST /publish", c.publish)
	c.routes.HandleFunc("POST /rest", c.rest)
	c.routes.HandleFunc("POST /phase", func(_ http.ResponseWriter, r *http.Request) { collector.Phase(r.FormValue("name")) })
	c.routes.HandleFunc("POST /reject", func(_ http.ResponseWriter, r *http.Request) { collector.Reject(keys(r)...) })
	c.routes.HandleFunc("POST /discard", func(_ http.ResponseWriter, r *http.Request) {
		for _, key := range keys(r) {
			collector.Discard(key)
		}
	})
	c.routes.HandleFunc("GET /report", func(w http.ResponseWriter, _ *http.Request) { answer(w, collector.Report()) })
	c.routes.HandleFunc("POST /finish", func(w http.ResponseWriter, _ *http.Request) { answer(w, collector.Finish()) })
	return c
}

// ServeHTTP does what it is told.
func (c *Conductor) ServeHTTP(w http.ResponseWriter, r *http.Request) { c.routes.ServeHTTP(w, r) }

// Close ends publishing.
func (c *Conductor) Close() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.settle()
}

// keys are the keys that a request names, separated by commas.
func keys(r *http.Request) []string {
	return strings.FieldsFunc(r.FormValue("keys"), func(c rune) bool { return c == ',' })
}

func answer(w http.ResponseWriter, report checker.Report) {
	w.Header().Set("Content-Type", "application/json")
	if err := json.NewEncoder(w).Encode(report); err != nil {
		panic(http.ErrAbortHandler) // Whoever asked is gone, or sees that the answer breaks off.
	}
}

func (c *Conductor) publish(w http.ResponseWriter, r *http.Request) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.stop != nil {
		http.Error(w, "events are being published", http.StatusConflict)
		return
	}
	publisher, err := c.publisher(r)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	ctx, stop := context.WithCancel(context.WithoutCancel(r.Context()))
	c.stop, c.ended = stop, make(chan error, 1)
	ended := c.ended
	go func() { ended <- publisher.Run(ctx) }()
}

func (c *Conductor) publisher(r *http.Request) (*publish.Publisher, error) {
	lanes, errLanes := strconv.Atoi(cmp.Or(r.FormValue("lanes"), "0"))
	rate, errRate := strconv.Atoi(r.FormValue("rate"))
	orders, errOrders := strconv.Atoi(r.FormValue("orders"))
	seed, errSeed := strconv.ParseUint(r.FormValue("seed"), 10, 64)
	if err := errors.Join(errLanes, errRate, errOrders, errSeed); err != nil {
		return nil, fmt.Errorf("reading what to publish: %w", err)
	}
	events, err := shop.NewStream(shop.StreamConfig{Seed: seed, Orders: orders})
	if err != nil {
		return nil, err
	}
	return publish.New(r.Context(), c.connection, publish.Config{Events: events, Lanes: lanes, Rate: rate, Tell: c.collector.Publish})
}

func (c *Conductor) rest(w http.ResponseWriter, _ *http.Request) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if err := c.settle(); err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
	}
}

func (c *Conductor) settle() error {
	if c.stop == nil {
		return nil
	}
	c.stop()
	c.stop = nil
	return <-c.ended
}
