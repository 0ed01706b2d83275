// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package deliver

import (
	"net"
	"sync/atomic"
	"time"
)

// conn is a connection that knows whether and when it was written to. The transport writes in a goroutine of its own, and
// the call's goroutine asks.
type conn struct {
	net.Conn
	now func() time.Time
	// begun and ended count calls of Write; last is the instant at which the newest one ended, in nanoseconds since 1970.
	begun, ended atomic.Uint64
	last         atomic.Int64
}

// Write counts before it writes: a write that nobody has seen begin cannot have reached the handler.
func (c *conn) Write(data []byte) (int, error) {
	c.begun.Add(1)
	n, err := c.Conn.Write(data)
	c.last.Store(c.now().UnixNano())
	c.ended.Add(1)
	return n, err
}

// lastWrite is an instant by which everything was written: now, while a write is under way.
func (c *conn) lastWrite() time.Time {
	if c.ended.Load() < c.begun.Load() {
		return c.now()
	}
	return time.Unix(0, c.last.Load())
}
