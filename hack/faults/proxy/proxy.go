// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

// Package proxy is a network that breaks: it carries TCP connections to one address, late, one way only, or not at all.
//
// Contract: while nothing is done to it, bytes pass in both directions. What is held up passes later, in order; what is cut is
// lost with its connection. Close ends every connection and joins the goroutines. Failures: an address that does not
// answer ends the connection that was to be carried there, as a host that refuses it would.
package proxy

import (
	"context"
	"errors"
	"fmt"
	"net"
	"sync"
	"time"
)

// Way is a direction.
type Way int

const (
	// Up is from whoever connects to the address.
	Up Way = iota
	// Down is the way back.
	Down
)

// Proxy is one listener and what it carries. Its methods may be called from any goroutine.
type Proxy struct {
	// ctx ends with Close.
	ctx      context.Context
	cancel   context.CancelFunc
	listener net.Listener
	to       string
	done     sync.WaitGroup

	mu     sync.Mutex
	change *sync.Cond // of all below
	closed bool
	delay  time.Duration
	held   [2]bool
	conns  map[net.Conn]struct{}
}

// Start carries connections to an address, host:port, until Close.
func Start(to string) (*Proxy, error) {
	ctx, cancel := context.WithCancel(context.Background())
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		cancel()
		return nil, fmt.Errorf("starting a proxy to %s: %w", to, err)
	}
	p := &Proxy{ctx: ctx, cancel: cancel, listener: listener, to: to, conns: map[net.Conn]struct{}{}}
	p.change = sync.NewCond(&p.mu)
	p.done.Go(p.accept)
	return p, nil
}

// Address is where to connect, host:port.
func (p *Proxy) Address() string { return p.listener.Addr().String() }

// Slow makes each piece of data wait this long before it goes on.
func (p *Proxy) Slow(delay time.Duration) { p.set(func() { p.delay = delay }) }

// Hold lets nothing pass these ways. Connections stay, and new ones are accepted.
func (p *Proxy) Hold(ways ...Way) {
	p.set(func() {
		for _, way := range ways {
			p.held[way] = true
		}
	})
}

// Heal takes back what Slow and Hold did.
func (p *Proxy) Heal() { p.set(func() { p.delay, p.held = 0, [2]bool{} }) }

// Cut ends every connection.
func (p *Proxy) Cut() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.cut()
}

// Close ends every connection and accepts no other.
func (p *Proxy) Close() error {
	p.cancel()
	err := p.listener.Close()
	p.set(func() { p.closed = true; p.cut() })
	p.done.Wait()
	return err
}

func (p *Proxy) set(what func()) {
	p.mu.Lock()
	defer p.mu.Unlock()
	what()
	p.change.Broadcast()
}

func (p *Proxy) cut() {
	for conn := range p.conns {
		_ = conn.Close() // To break it is the purpose.
		delete(p.conns, conn)
	}
}

func (p *Proxy) accept() {
	for {
		conn, err := p.listener.Accept()
		if err != nil {
			return // Closed.
		}
		p.done.Go(func() { p.carry(conn) })
	}
}

// carry carries one connection until either side ends it.
func (p *Proxy) carry(conn net.Conn) {
	far, err := (&net.Dialer{}).DialContext(p.ctx, "tcp", p.to)
	if err != nil {
		_ = conn.Close() // Its peer sees that nobody is there.
		return
	}
	if !p.enter(conn, far) {
		return
	}
	p.done.Go(func() { p.pass(Down, far, conn) })
	p.pass(Up, conn, far)
}

func (p *Proxy) enter(conns ...net.Conn) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, conn := range conns {
		p.conns[conn] = struct{}{}
	}
	if p.closed {
		p.cut()
	}
	return !p.closed
}

// pass carries one way, and ends the connection when it ends.
func (p *Proxy) pass(way Way, from, to net.Conn) {
	defer p.end(from, to)
	buffer := make([]byte, 1<<16)
	for {
		n, err := from.Read(buffer)
		p.wait(way)
		if _, wrote := to.Write(buffer[:n]); errors.Join(err, wrote) != nil {
			return
		}
	}
}

// wait returns when the way is free, and late.
func (p *Proxy) wait(way Way) {
	delay := p.free(way)
	if delay == 0 {
		return
	}
	timer := time.NewTimer(delay)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-p.ctx.Done():
	}
}

func (p *Proxy) free(way Way) (delay time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for p.held[way] && !p.closed {
		p.change.Wait()
	}
	return p.delay
}

func (p *Proxy) end(conns ...net.Conn) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, conn := range conns {
		_ = conn.Close() // The other side may have done so before.
		delete(p.conns, conn)
	}
}
