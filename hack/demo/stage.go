// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"convoy.dev/convoy/hack/e2e/collect"
	"convoy.dev/convoy/hack/e2e/publish"
	"convoy.dev/convoy/hack/e2e/shop"
)

// callTime is the pool's timeoutSeconds.
const callTime = 5 * time.Second

// brokerPatience is how long the broker may take to start.
const brokerPatience = 30 * time.Second

// stage is all that the demo plays on. It is used by one goroutine.
type stage struct {
	settings
	// fail gives up the demo.
	fail func(error)
	dir  string
	// undo clears the stage, the last first.
	undo []func() error

	kubectl   kubectl
	client    client.Client
	collector *collect.Server
	broker    *server.Server
	publisher *publish.Publisher
}

func newStage(settings settings, fail func(error)) (*stage, error) {
	dir, err := os.MkdirTemp("", "convoy-demo-")
	if err != nil {
		return nil, fmt.Errorf("making a directory: %w", err)
	}
	s := &stage{settings: settings, fail: fail, dir: dir}
	s.undo = append(s.undo, func() error { return os.RemoveAll(dir) })
	if s.logs == "" {
		s.logs = filepath.Join(dir, "logs")
	}
	if err := os.Mkdir(s.logs, 0o700); err != nil {
		return nil, errors.Join(fmt.Errorf("making the directory of logs: %w", err), s.clear())
	}
	return s, nil
}

// clear takes away all that was set up.
func (s *stage) clear() error {
	var errs []error
	for i := len(s.undo) - 1; i >= 0; i-- {
		errs = append(errs, s.undo[i]())
	}
	s.undo = nil
	return errors.Join(errs...)
}

// set sets up everything, up to a worker that serves.
func (s *stage) set(ctx context.Context) error {
	for _, step := range []struct {
		what string
		do   func(context.Context) error
	}{
		{"the checker", s.startCollector},
		{"a JetStream server", s.startBroker},
		{"etcd, kube-apiserver, kube-controller-manager and kube-scheduler", s.startControlPlane},
		{"a node that runs pods as processes", s.startNode},
		{"the operator, with the rights of its service account", s.startOperator},
		{"the pool, and its first worker", s.startPool},
	} {
		began := time.Now()
		if err := step.do(ctx); err != nil {
			return fmt.Errorf("starting %s: %w", step.what, err)
		}
		fmt.Printf("demo: %s: %.1f s\n", step.what, time.Since(began).Seconds())
	}
	return nil
}

// run starts a child that is stopped with the stage.
func (s *stage) run(c command) (*child, error) {
	p, err := start(c, s.logs, s.fail)
	if err == nil {
		s.undo = append(s.undo, p.stop)
	}
	return p, err
}

func (s *stage) startBroker(ctx context.Context) error {
	broker, err := server.NewServer(&server.Options{
		ServerName: "demo", Host: "127.0.0.1", Port: server.RANDOM_PORT, NoSigs: true, NoLog: true,
		JetStream: true, StoreDir: filepath.Join(s.dir, "jetstream"),
	})
	if err != nil {
		return err
	}
	go broker.Start()
	s.undo = append(s.undo, func() error { broker.Shutdown(); broker.WaitForShutdown(); return nil })
	if !broker.ReadyForConnections(brokerPatience) {
		return fmt.Errorf("it is not ready after %v", brokerPatience)
	}
	s.broker = broker
	connection, err := nats.Connect("", nats.InProcessServer(broker))
	if err != nil {
		return err
	}
	s.undo = append(s.undo, func() error { connection.Close(); return nil })
	return s.makeStream(ctx, connection)
}

// makeStream makes the stream before the pool, whose workers would otherwise wait for it.
func (s *stage) makeStream(ctx context.Context, connection *nats.Conn) error {
	events, err := shop.NewStream(shop.StreamConfig{Seed: s.seed, Orders: orders})
	if err != nil {
		return err
	}
	s.publisher, err = publish.New(ctx, connection, publish.Config{Events: events, Rate: rate, Tell: s.collector.Publish})
	return err
}

func (s *stage) startCollector(ctx context.Context) error {
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	s.collector = collect.Serve(listener, callTime)
	s.undo = append(s.undo, s.collector.Close)
	return nil
}
