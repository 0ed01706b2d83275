// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package nats_test

import (
	"bytes"
	"errors"
	"io"
	"net"
	"sync"
	"testing"
)

// proxy stands between a client and a server and can keep what one of them says.
type proxy struct {
	t        *testing.T
	listener net.Listener
	target   string

	// rewrite changes what the server says, if it is set.
	rewrite func([]byte) []byte

	mu    sync.Mutex
	cut   bool
	links []*link
	done  sync.WaitGroup
}

// link is one connection through a proxy.
type link struct {
	client, server net.Conn
	up, down       gate
}

// gate lets bytes through, unless it is shut; then it keeps them.
type gate struct {
	rewrite func([]byte) []byte

	mu sync.Mutex
	// shuts says whether the gate shuts before these bytes, if it is set.
	shuts func([]byte) bool
	shut  bool
	kept  []byte
}

// keeps says whether something is kept.
func (g *gate) keeps() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	return len(g.kept) > 0
}

func (g *gate) pass(to io.Writer, b []byte) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.rewrite != nil {
		b = g.rewrite(b)
	}
	g.shut = g.shut || g.shuts != nil && g.shuts(b)
	if g.shut {
		g.kept = append(g.kept, b...)
		return nil
	}
	_, err := to.Write(b)
	return err
}

// close shuts the gate.
func (g *gate) close() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.shut = true
}

// closeBefore shuts the gate as soon as something comes that holds the text for the nth time.
func (g *gate) closeBefore(text string, nth int) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.shuts = func(b []byte) bool {
		nth -= bytes.Count(b, []byte(text))
		return nth <= 0
	}
}

// holdBefore takes nothing more, as soon as something comes that holds the text, until an end.
func (g *gate) holdBefore(text string, end <-chan struct{}) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.shuts = func(b []byte) bool {
		if bytes.Contains(b, []byte(text)) {
			<-end
		}
		return false
	}
}

// release sends what was kept.
func (g *gate) release(to io.Writer) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.shut, g.shuts = false, nil
	_, err := to.Write(g.kept)
	return err
}

// proxied starts a proxy to an address.
func proxied(t *testing.T, target string, changes ...func(*proxy)) *proxy {
	t.Helper()
	listener, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p := &proxy{t: t, listener: listener, target: target}
	for _, change := range changes {
		change(p)
	}
	p.done.Go(p.accept)
	t.Cleanup(p.stop)
	return p
}

func (p *proxy) address() string { return p.listener.Addr().String() }

func (p *proxy) accept() {
	for {
		client, err := p.listener.Accept()
		if err != nil {
			return
		}
		server, err := new(net.Dialer).Dial("tcp", p.target)
		if err != nil {
			shut(p.t, client)
			continue
		}
		l := &link{client: client, server: server}
		l.down.rewrite = p.rewrite
		p.mu.Lock()
		l.up.shut, l.down.shut = p.cut, p.cut
		p.links = append(p.links, l)
		p.mu.Unlock()
		p.done.Go(func() { carry(client, server, &l.up) })
		p.done.Go(func() { carry(server, client, &l.down) })
	}
}

// carry copies until one side ends. A shut gate keeps the other side open: the server does not know that the client went.
func carry(from, to net.Conn, g *gate) {
	b := make([]byte, 64<<10)
	for {
		n, err := from.Read(b)
		if n > 0 && g.pass(to, b[:n]) != nil {
			return
		}
		if err != nil {
			return
		}
	}
}

// part keeps everything that both sides say from now on, in connections that they make anew, too. Neither learns of it.
func (p *proxy) part() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.cut = true
	for _, l := range p.links {
		l.up.close()
		l.down.close()
	}
}

// join sends what was kept since part.
func (p *proxy) join() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.cut = false
	for _, l := range p.links {
		if err := errors.Join(l.up.release(l.server), l.down.release(l.client)); err != nil {
			p.t.Logf("a connection ended meanwhile: %v", err)
			shut(p.t, l.client)
			shut(p.t, l.server)
		}
	}
}

// link is the newest connection.
func (p *proxy) link() *link {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.links[len(p.links)-1]
}

func (p *proxy) stop() {
	shut(p.t, p.listener)
	p.mu.Lock()
	for _, l := range p.links {
		shut(p.t, l.client)
		shut(p.t, l.server)
	}
	p.mu.Unlock()
	p.done.Wait()
}

// shut closes what may be closed already.
func shut(t *testing.T, c io.Closer) {
	t.Helper()
	if err := c.Close(); err != nil && !errors.Is(err, net.ErrClosed) {
		t.Errorf("closing: %v", err)
	}
}
