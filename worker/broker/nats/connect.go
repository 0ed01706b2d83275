// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package nats

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
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
	denials     denials
	config      Config
	// failed is why the last attempt at a connection failed; nil when there was none.
	failed atomic.Pointer[error]
	// closed is closed by the client library when it has ended.
	closed chan struct{}

	mu sync.Mutex
	// restored is closed, and made anew, whenever the connection comes back.
	restored chan struct{}
	// life ends, by lose, when the connection is lost, and begins anew when it comes back: no answer comes to what was
	// asked before.
	life context.Context
	lose context.CancelFunc
}

// requestTime bounds one request. A context that ends sooner ends it sooner.
const requestTime = 5 * time.Second

// errLost ends requests whose answer cannot come any more.
var errLost = errors.New("the connection was lost before the answer came")

// request returns a context for one request. Its cause is errLost when the connection was lost meanwhile.
func (c *connection) request(ctx context.Context) (context.Context, context.CancelFunc) {
	ctx, lose := context.WithCancelCause(ctx)
	ctx, cancel := context.WithTimeout(ctx, requestTime)
	c.mu.Lock()
	life := c.life
	c.mu.Unlock()
	stop := context.AfterFunc(life, func() { lose(errLost) })
	return ctx, func() {
		stop()
		cancel()
		lose(nil)
	}
}

// dial makes the connection. That no server can be reached is no error: the library goes on trying, and requests say
// what stands in the way.
func dial(config Config) (*connection, error) {
	c := &connection{
		credentials: &credentials{settings: config.Settings}, config: config,
		closed: make(chan struct{}), restored: make(chan struct{}),
	}
	c.life, c.lose = context.WithCancel(context.Background())
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

// comesBack returns a channel that is closed when the connection comes back next.
func (c *connection) comesBack() <-chan struct{} {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.restored
}

func (c *connection) connected(conn *client.Conn) {
	c.failed.Store(nil)
	c.credentials.trouble.Store(nil)
	c.config.Log.Info("connected to NATS", "server", conn.ConnectedUrlRedacted(), "version", conn.ConnectedServerVersion())
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.life.Err() != nil {
		c.life, c.lose = context.WithCancel(context.Background())
	}
	close(c.restored)
	c.restored = make(chan struct{})
}

func (c *connection) disconnected(_ *client.Conn, err error) {
	c.mu.Lock()
	c.lose()
	c.mu.Unlock()
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
	if c.denials.add(err) {
		c.config.Log.Warn("NATS denies something", "error", err)
		return
	}
	c.failed.Store(&err)
	c.config.Log.Debug("trouble with NATS", "error", err)
}

// why says why a request had no answer, as far as anything is known.
func (c *connection) why(ctx context.Context, subject string) error {
	if err := c.denials.of(subject); err != nil {
		return err
	}
	if !c.IsConnected() {
		if trouble := c.credentials.trouble.Load(); trouble != nil {
			return *trouble
		}
		if failed := c.failed.Load(); failed != nil {
			return *failed
		}
		if err := c.LastError(); err != nil {
			return err
		}
	}
	return context.Cause(ctx)
}

// lost says whether a request ended because its answer cannot come any more.
func lost(ctx context.Context, err error) bool {
	return errors.Is(err, context.Canceled) && errors.Is(context.Cause(ctx), errLost)
}
