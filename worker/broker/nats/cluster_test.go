// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package nats_test

import (
	"context"
	"fmt"
	"net"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	client "github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"convoy.dev/convoy/api/v1alpha1"
	"convoy.dev/convoy/worker/broker"
	"convoy.dev/convoy/worker/broker/brokertest"
	"convoy.dev/convoy/worker/key"
	"convoy.dev/convoy/worker/order"
)

// replicas is how many servers a cluster has, and how many keep each stream.
const replicas = 3

// cluster are real servers that keep every stream three times. Each check has streams of its own.
type cluster struct {
	servers [replicas]*jet
	checks  int
}

// newCluster describes a cluster whose servers do not know each other yet.
func newCluster(t *testing.T) *cluster {
	t.Helper()
	c := &cluster{}
	for i := range c.servers {
		c.servers[i] = &jet{options: &server.Options{
			ServerName: fmt.Sprintf("server-%d", i), Host: "127.0.0.1", Port: freePort(t), JetStream: true, StoreDir: t.TempDir(), NoSigs: true, NoLog: true,
			Cluster: server.ClusterOpts{Name: "cluster", Host: "127.0.0.1", Port: freePort(t)},
		}}
	}
	return c
}

// serveCluster starts a cluster and waits until it has a leader.
func serveCluster(t *testing.T) *cluster {
	t.Helper()
	c := newCluster(t)
	var routes []*url.URL
	for _, j := range c.servers {
		routes = append(routes, route(j.routes()))
	}
	for _, j := range c.servers {
		j.options.Routes = routes
	}
	c.start(t)
	return c
}

// routes is the address at which a server awaits the others of its cluster.
func (j *jet) routes() string { return fmt.Sprintf("127.0.0.1:%d", j.options.Cluster.Port) }

func route(address string) *url.URL { return &url.URL{Scheme: "nats-route", Host: address} }

func (c *cluster) start(t *testing.T) {
	t.Helper()
	for _, j := range c.servers {
		j.start(t)
		t.Cleanup(j.stop)
	}
	until(t, "the cluster has a leader", func() bool {
		for _, j := range c.servers {
			if j.server.JetStreamIsLeader() {
				return true
			}
		}
		return false
	})
}

// freePort finds a port that nobody listens on.
func freePort(t *testing.T) int {
	t.Helper()
	listener, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer shut(t, listener)
	return listener.Addr().(*net.TCPAddr).Port
}

// urls are the servers', for a client.
func (c *cluster) urls() []string {
	var all []string
	for _, j := range c.servers {
		all = append(all, "nats://"+j.address())
	}
	return all
}

// roll restarts one server after another; the next one waits until the one before is current.
func (c *cluster) roll(t *testing.T) {
	t.Helper()
	for _, j := range c.servers {
		j.restart(t)
		until(t, "the server has caught up", func() bool { return j.server.JetStreamIsCurrent() })
	}
}

// harness makes the source and the pool of the next check.
func (c *cluster) harness(t *testing.T) brokertest.Harness {
	t.Helper()
	c.checks++
	name := fmt.Sprintf("ORDERS%d", c.checks)
	conn, err := client.Connect(strings.Join(c.urls(), ","), client.MaxReconnects(-1), client.ReconnectWait(10*time.Millisecond))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(conn.Close)
	js, err := jetstream.New(conn)
	if err != nil {
		t.Fatal(err)
	}
	config := jetstream.StreamConfig{Name: name, Subjects: []string{name + ".>"}, Replicas: replicas, AllowDirect: true}
	if err := insist(t, func(ctx context.Context) error { _, err := js.CreateStream(ctx, config); return err }); err != nil {
		t.Fatalf("making the source: %v", err)
	}
	settings := c.servers[0].settings(func(s *v1alpha1.WorkerSettings) {
		s.Pool.Name, s.Source.NATS.Stream, s.Source.NATS.Servers = name, name, c.urls()
		s.Lanes.Native.NATS.Subjects = []string{name + ".{lane}", name + ".{lane}.more.>"}
	})
	pool := claim
	pool.Name = name
	return brokertest.Harness{
		Lanes: lanes, Claim: pool,
		Connect: func(t *testing.T) broker.Connection { t.Helper(); return connect(t, settings) },
		Publish: func(t *testing.T, lane int32, messages ...key.Message) []order.Position {
			t.Helper()
			return publishTo(t, js, fmt.Sprintf("%s.%d", name, lane), messages...)
		},
		Damage:  func(t *testing.T, lane int32) { t.Helper(); damage(t, js, "convoy.shop."+name, lane) },
		Trim:    func(t *testing.T, through order.Position) { t.Helper(); trim(t, js, name, through) },
		Restart: c.roll,
		Letters: func(t *testing.T) []broker.DeadLetter { t.Helper(); return letters(t, js, "convoy_shop_"+name+"_dead") },
	}
}

// TestConformanceOfCluster holds the adapter against the contract with every record and message kept by three servers.
func TestConformanceOfCluster(t *testing.T) {
	c := serveCluster(t)
	brokertest.Run(t, c.harness)
}
