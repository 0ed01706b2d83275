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
	made time.Time
	// begun and ended count calls of Write; last is when the newest one ended, in nanoseconds since the connection was made.
	begun, ended atomic.Uint64
	last         atomic.Int64
}

// Write counts before it writes: a write that nobody has seen begin cannot have reached the handler.
func (c *conn) Write(data []byte) (int, error) {
	c.begun.Add(1)
	n, err := c.Conn.Write(data)
	c.last.Store(int64(time.Since(c.made)))
	c.ended.Add(1)
	return n, err
}

// sinceWrite is how long ago everything was written, or less: nothing, while a write is under way. While the machine is
// suspended it does not count, so that a call seems younger than it is, which is safe.
func (c *conn) sinceWrite() time.Duration {
	if c.ended.Load() < c.begun.Load() {
		return 0
	}
	return time.Since(c.made) - time.Duration(c.last.Load())
}
