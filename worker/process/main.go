// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package process

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/signal"
	"syscall"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"

	"convoy.dev/convoy/api/v1alpha1"
	"convoy.dev/convoy/worker/run"
)

// Exit codes. Any other code, and a signal, has the kubelet restart the handler together with this container, because a
// call may be running in it.
const (
	ExitResigned = 0   // nothing is held, and the controller knows
	ExitRunning  = 1   // calls may be running
	ExitIdle     = 254 // no call of this process is running; a plain restart is wanted
)

// ErrRunning says that the worker has ended, and that calls of it may be running.
var ErrRunning = errors.New("the worker has ended without having drained")

// Config is what a process is made with. A field without a value takes the default.
type Config struct {
	// Delivery is how this program reaches its handler: a pool that says another is refused. Handler makes it.
	Delivery v1alpha1.DeliveryType
	Handler  func(Surroundings) (Handler, error)
	// Getenv reads the environment; default os.Getenv.
	Getenv func(name string) string
	// Log is where the process logs; default JSON to standard error, as much as the pool's worker.logLevel says.
	Log *slog.Logger
	// Metrics has the worker's metrics, and is what /metrics shows; default a new one with Go's own and the process's.
	Metrics *prometheus.Registry
	// Version names the program in the log and to the API server.
	Version string
}

func (c *Config) setDefaults() {
	if c.Getenv == nil {
		c.Getenv = os.Getenv
	}
	if c.Log == nil {
		c.Log = slog.New(slog.NewJSONHandler(os.Stderr, &slog.HandlerOptions{Level: level(c.Getenv)}))
	}
	if c.Metrics == nil {
		c.Metrics = prometheus.NewRegistry()
		c.Metrics.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	}
	c.Version = cmp.Or(c.Version, "unreleased")
}

// Run runs a worker until it has ended. The end of stop lets it drain and resign, the end of abort gives up what runs. It
// returns nil when the worker has resigned, ErrRunning when calls may be running, and any other error when it could not
// start and nothing was called.
func Run(stop, abort context.Context, config Config) error {
	config.setDefaults()
	e, err := readEnvironment(config.Getenv)
	if err != nil {
		return err
	}
	config.Log = config.Log.With("pool", e.settings.Pool.Name, "namespace", e.namespace, "pod", e.name)
	p, err := assemble(e, config)
	if err != nil {
		return err
	}
	defer p.close()
	config.Log.Info("the worker starts", "version", config.Version)
	defer context.AfterFunc(stop, p.worker.Stop)()
	if ending := p.worker.Run(abort); ending != run.Resigned {
		return fmt.Errorf("%w: %s", ErrRunning, ending)
	}
	return nil
}

// Main is the life of a program that is a worker and nothing else; it returns the exit code. The first signal lets the
// worker drain, a second one gives up what runs.
func Main(config Config) int {
	config.setDefaults()
	stop, endStop := context.WithCancel(context.Background())
	abort, endAbort := context.WithCancel(context.Background())
	defer endStop()
	defer endAbort()
	signals := make(chan os.Signal, 2) // as many as mean something
	signal.Notify(signals, syscall.SIGTERM, syscall.SIGINT)
	defer signal.Stop(signals)
	go func() {
		for _, end := range []context.CancelFunc{endStop, endAbort} {
			select {
			case s := <-signals:
				config.Log.Info("a signal came", "signal", s.String())
				end()
			case <-abort.Done():
				return
			}
		}
	}()
	err := Run(stop, abort, config)
	switch {
	case err == nil:
		return ExitResigned
	case errors.Is(err, ErrRunning):
		config.Log.Error("the worker has ended", "error", err)
		return ExitRunning
	}
	config.Log.Error("the worker cannot start", "error", err)
	return ExitIdle
}
