// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package collect

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"sync"
	"time"

	"convoy.dev/convoy/hack/e2e/checker"
)

// reconnectAfter is the wait after a connection that broke or did not come about.
const reconnectAfter = 200 * time.Millisecond

// ErrAway says that the collector cannot be reached now.
var ErrAway = errors.New("the collector is away")

// Client reports the calls of one handler process.
type Client struct {
	address string
	stop    context.CancelFunc
	done    sync.WaitGroup

	mu   sync.Mutex
	link *link // nil while there is no connection
	// count numbers the calls.
	count uint64
}

// Reported is a call that the collector knows of. It is to be ended.
type Reported struct {
	checker.Decision
	link    *link
	id      uint64
	release func()
}

// Connect keeps a connection to the collector until Close.
func Connect(address string) *Client {
	ctx, stop := context.WithCancel(context.Background())
	c := &Client{address: address, stop: stop}
	c.done.Go(func() { c.stay(ctx) })
	return c
}

// Close ends the connection, and with it every call that has not ended.
func (c *Client) Close() {
	c.stop()
	c.done.Wait()
}

// Start reports a call before it begins. The context that it returns ends with ctx, and when the collector no longer
// knows of the call: the handler must then stop working on it. It waits for the collector also when ctx is over, for
// a call that was reported has to be ended.
func (c *Client) Start(ctx context.Context, call checker.Call) (context.Context, Reported, error) {
	c.mu.Lock()
	link := c.link
	c.count++
	call.ID = c.count
	c.mu.Unlock()
	if link == nil {
		return nil, Reported{}, ErrAway
	}
	answer, err := link.request(call.ID, request{Start: &call})
	if err != nil {
		return nil, Reported{}, err
	}
	if answer.Started == nil {
		return nil, Reported{}, errors.New("the collector answered a start with something else")
	}
	work, cancel := context.WithCancel(ctx)
	unhook := context.AfterFunc(link.ctx, cancel)
	release := func() { unhook(); cancel() }
	return work, Reported{answer.Started.Decision, link, call.ID, release}, nil
}

// End reports how a call ended, before the handler answers. It reports whether that counts.
func (r Reported) End(outcome checker.Outcome) (bool, error) {
	defer r.release()
	answer, err := r.link.request(r.id, request{End: &end{r.id, outcome}})
	if err != nil {
		return false, err
	}
	return answer.Ended != nil && answer.Ended.Taken, nil
}

// stay connects again and again.
func (c *Client) stay(ctx context.Context) {
	dialer := net.Dialer{Timeout: time.Second}
	for ctx.Err() == nil {
		if conn, err := dialer.DialContext(ctx, "tcp", c.address); err == nil {
			c.attend(ctx, conn)
		}
		select {
		case <-ctx.Done():
		case <-time.After(reconnectAfter):
		}
	}
}

// attend uses one connection until it breaks or ctx ends.
func (c *Client) attend(ctx context.Context, conn net.Conn) {
	ctx, cancel := context.WithCancelCause(ctx)
	link := &link{conn: conn, out: json.NewEncoder(conn), ctx: ctx, waiting: map[uint64]chan reply{}}
	c.set(link)
	defer c.set(nil)
	// The reader waits for the connection, which is closed when ctx ends, here or in Close.
	closed := make(chan struct{})
	context.AfterFunc(ctx, func() { defer close(closed); _ = conn.Close() })
	cancel(fmt.Errorf("%w: %w", ErrAway, link.read()))
	<-closed
}

func (c *Client) set(link *link) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.link = link
}

// link is one connection of a client.
type link struct {
	conn net.Conn
	// ctx ends with the connection.
	ctx context.Context

	// mu orders what is written, and guards waiting.
	mu      sync.Mutex
	out     *json.Encoder
	waiting map[uint64]chan reply // by call
}

// request sends and waits for the answer about the call.
func (l *link) request(id uint64, r request) (reply, error) {
	answer := make(chan reply, 1) // The reader never waits, also when nobody does here any more.
	if err := l.send(r, func() { l.waiting[id] = answer }); err != nil {
		return reply{}, fmt.Errorf("%w: %w", ErrAway, err)
	}
	select {
	case got := <-answer:
		return got, nil
	case <-l.ctx.Done():
		return reply{}, context.Cause(l.ctx)
	}
}

func (l *link) send(r request, before func()) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	before()
	return l.out.Encode(r)
}

// read hands answers to those who wait, and answers questions.
func (l *link) read() error {
	in := json.NewDecoder(bufio.NewReader(l.conn))
	for {
		var r reply
		if err := in.Decode(&r); err != nil {
			return err
		}
		switch {
		case r.Started != nil:
			l.answer(r.Started.ID, r)
		case r.Ended != nil:
			l.answer(r.Ended.ID, r)
		case r.Alive != nil:
			if err := l.send(request{Alive: r.Alive}, func() {}); err != nil {
				return err
			}
		}
	}
}

func (l *link) answer(id uint64, r reply) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if answer := l.waiting[id]; answer != nil {
		delete(l.waiting, id)
		answer <- r
	}
}
