// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package nats

import (
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"time"

	client "github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

const (
	// reconnectWait is how long to wait between two rounds over all servers, with as much again at random.
	reconnectWait = 500 * time.Millisecond
	// pingInterval and maxPings find a connection dead that TCP still believes in within 10 s, the default fence.
	pingInterval = 5 * time.Second
	maxPings     = 2
)

// connection is the connection to the servers, which the client library restores for ever.
type connection struct {
	*client.Conn
	js          jetstream.JetStream
	credentials *credentials
	requests    requests
	config      Config
	// failed is why the last attempt at a connection failed; nil when there was none.
	failed atomic.Pointer[error]
	// closed is closed by the client library when it has ended.
	closed chan struct{}
}

// dial makes the connection. That no server can be reached is no error: the library goes on trying, and requests say
// what stands in the way.
func dial(config Config) (*connection, error) {
	c := &connection{
		credentials: &credentials{settings: config.Settings}, config: config,
		closed: make(chan struct{}),
	}
	options := append([]client.Option{
		client.Name(strings.TrimSpace("convoy " + config.Settings.Pool.Namespace + "/" + config.Settings.Pool.Name + " " + config.Client)),
		client.RetryOnFailedConnect(true), client.MaxReconnects(-1), client.IgnoreAuthErrorAbort(),
		client.ReconnectWait(reconnectWait), client.ReconnectJitter(reconnectWait, reconnectWait),
		client.PingInterval(pingInterval), client.MaxPingsOutstanding(maxPings), client.Timeout(dialTimeout),
		// What cannot be sent now fails now. Otherwise a write could come out of a buffer long after it was given up.
		client.ReconnectBufSize(-1),
		client.ConnectHandler(c.connected), client.ReconnectHandler(c.connected),
		client.DisconnectErrHandler(c.disconnected), client.ReconnectErrHandler(c.refused), client.ErrorHandler(c.troubled),
		client.ClosedHandler(func(*client.Conn) { close(c.closed) }),
	}, c.credentials.options()...)
	conn, err := client.Connect(strings.Join(config.Settings.Source.NATS.Servers, ","), options...)
	if err != nil {
		return nil, fmt.Errorf("connecting to NATS: %w", err)
	}
	c.Conn = conn
	if dialer, ok := conn.Opts.CustomDialer.(*seedDialer); ok {
		dialer.conn.Store(conn)
	}
	if c.js, err = jetstream.New(conn); err != nil {
		conn.Close()
		return nil, fmt.Errorf("connecting to NATS: %w", err)
	}
	return c, nil
}

// close ends the connection and waits until the client library has ended.
func (c *connection) close() {
	c.Close()
	<-c.closed
}

func (c *connection) connected(conn *client.Conn) {
	c.failed.Store(nil)
	c.credentials.trouble.Store(nil)
	c.config.Log.Info("connected to NATS", "server", conn.ConnectedUrlRedacted(), "version", conn.ConnectedServerVersion())
}

func (c *connection) disconnected(_ *client.Conn, err error) {
	c.requests.lost()
	if err == nil {
		return // Close.
	}
	c.failed.Store(&err)
	c.config.Log.Warn("the connection to NATS is lost; it is being restored", "error", err)
}

func (c *connection) refused(_ *client.Conn, err error) {
	c.failed.Store(&err)
	c.config.Log.Debug("connecting to NATS", "error", err)
}

// troubled is told what belongs to no request: above all, what this user may not do.
func (c *connection) troubled(_ *client.Conn, _ *client.Subscription, err error) {
	switch is, told := c.requests.denied(err); {
	case is && told:
		c.config.Log.Debug("NATS denies a request", "error", err)
		return
	case is:
		c.config.Log.Warn("NATS denies something", "error", err)
		return
	}
	c.failed.Store(&err)
	c.config.Log.Debug("trouble with NATS", "error", err)
}

// errUnconnected is what there is to say while the first attempt at a connection is not over.
var errUnconnected = errors.New("there is no connection to any of the servers yet")

// why says why there is no connection, as far as that is known. What a request met says less: that it could not be sent.
func (c *connection) why(met error) error {
	trouble, failed := c.credentials.trouble.Load(), c.failed.Load()
	switch {
	case trouble != nil:
		return *trouble
	case failed != nil:
		return *failed
	case errors.Is(met, client.ErrReconnectBufExceeded):
		return errUnconnected
	}
	return met
}
