// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package deliver

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"time"
)

// Limits of what a handler may take or send. Its time-out is the pool's.
const (
	// connectTime is how long a connection may take to be there. The handler is in the same pod.
	connectTime = 5 * time.Second
	// idleTime is how long a connection is kept without a call; package doc says why it is short.
	idleTime = time.Second
	// maxAnswer is how many bytes of an answer's body are read, so that its connection can be used again.
	maxAnswer = 64 << 10
	// maxAnswerHeader bounds the headers of an answer, in bytes.
	maxAnswerHeader = 64 << 10
)

// Config is what a Client is made with.
type Config struct {
	// URL is where the handler listens. Example: http://127.0.0.1:8080/events.
	URL string
	// Source is the attribute ce-source, a URI reference that names the pool.
	Source string
	// Timeout is delivery.timeoutSeconds: how long one call may take.
	Timeout time.Duration
	// Batches says that calls carry lists of messages, also of one: delivery.batch.maxMessages is above 1.
	Batches bool
	// Connections is how many idle connections are kept: delivery.maxInFlightKeys.
	Connections int
	// Now is the caller's clock, for Outcome.Sent. Default: time.Now.
	Now func() time.Time
	// Dial makes connections. Default: TCP, with TCP_NODELAY as Go sets it.
	Dial func(ctx context.Context, network, address string) (net.Conn, error)
}

func (c *Config) validate() error {
	if c.Timeout <= 0 || c.Connections <= 0 {
		return fmt.Errorf("configuring calls: a time-out of %v and %d connections: both must be positive", c.Timeout, c.Connections)
	}
	if c.Source == "" {
		return errors.New("configuring calls: no source")
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Dial == nil {
		c.Dial = (&net.Dialer{Timeout: connectTime}).DialContext
	}
	return nil
}

// Client calls one handler. It is safe for concurrent use. Its goroutines, one or two for a connection, end with Close
// and the last call.
type Client struct {
	config    Config
	target    *url.URL
	transport *http.Transport
}

// New makes a client; it connects to nothing yet. It refuses a Config that makes no sense.
func New(config Config) (*Client, error) {
	if err := config.validate(); err != nil {
		return nil, err
	}
	target, err := url.Parse(config.URL)
	if err != nil {
		return nil, fmt.Errorf("reading the handler's URL: %w", err)
	}
	if target.Scheme != "http" || target.Host == "" {
		return nil, fmt.Errorf("reading the handler's URL %q: it must be http://host:port/path", config.URL)
	}
	var protocols http.Protocols
	protocols.SetHTTP1(true)
	transport := &http.Transport{
		DialContext: func(ctx context.Context, network, address string) (net.Conn, error) {
			made, err := config.Dial(ctx, network, address)
			if err != nil {
				return nil, err
			}
			return &conn{Conn: made, made: time.Now()}, nil
		},
		MaxIdleConnsPerHost:    config.Connections,
		IdleConnTimeout:        idleTime,
		DisableCompression:     true,
		MaxResponseHeaderBytes: maxAnswerHeader,
		Protocols:              &protocols,
	}
	return &Client{config: config, target: target, transport: transport}, nil
}

// Close closes the connections that no call uses.
func (c *Client) Close() { c.transport.CloseIdleConnections() }

// Deliver makes the call and waits for its end. When ctx ends the call is cancelled.
func (c *Client) Deliver(ctx context.Context, call *Call) Outcome {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	a := attempt{timeout: c.config.Timeout, deadline: time.AfterFunc(connectTime, cancel)}
	defer a.deadline.Stop()
	a.trace.GotConn = a.connected
	answer, err := c.transport.RoundTrip(c.request(httptrace.WithClientTrace(ctx, &a.trace), call))
	if err != nil {
		return c.unanswered(&a, err)
	}
	err = drain(answer.Body)
	if err != nil {
		return c.unanswered(&a, fmt.Errorf("reading the answer %q: %w", answer.Status, err))
	}
	if c.config.Batches {
		return judgeBatch(answer, call.Len(), time.Now())
	}
	return judge(answer, time.Now())
}

// attempt is what is known of a call under way. Its fields are used by the caller's goroutine alone: the transport calls
// GotConn in it.
type attempt struct {
	trace    httptrace.ClientTrace
	timeout  time.Duration
	deadline *time.Timer
	// conn carries the request, nil until there is one; before is how many writes it had seen by then.
	conn   *conn
	before uint64
}

// connected notes the connection. It is called again when the transport takes another one, which it does only if nothing
// was written to the first.
func (a *attempt) connected(info httptrace.GotConnInfo) {
	a.deadline.Reset(a.timeout)
	if made, ok := info.Conn.(*conn); ok {
		a.conn, a.before = made, made.begun.Load()
	}
}

// unanswered tells a call that the handler may be working on from one that never reached it. By now the transport has
// closed the connection, so that what was not begun to be written never will be.
func (c *Client) unanswered(a *attempt, err error) Outcome {
	if a.conn == nil || a.conn.begun.Load() == a.before {
		return Outcome{Kind: Unsent, Detail: err.Error()}
	}
	return Outcome{Kind: TimedOut, Sent: c.config.Now().Add(-a.conn.sinceWrite()), Detail: err.Error()}
}

// drain reads an answer's body to its end, or up to maxAnswer and not further.
func drain(body io.ReadCloser) error {
	_, err := io.CopyN(io.Discard, body, maxAnswer)
	if errors.Is(err, io.EOF) {
		err = nil
	}
	return errors.Join(err, body.Close())
}
