// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package deliver_test

import (
	"context"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"go.uber.org/goleak"

	"convoy.dev/convoy/worker/broker"
	"convoy.dev/convoy/worker/deliver"
	"convoy.dev/convoy/worker/key"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// at is when the source took every message of these tests.
var at = time.Date(2026, 3, 4, 5, 6, 7, 80_000_000, time.FixedZone("somewhere", 3600))

func call(data string, headers map[string][]string) *deliver.Call {
	return &deliver.Call{
		Key: "order 7", Lane: 5, Epoch: 9<<16 | 2, Attempt: 3,
		Message: &broker.Message{
			Message:  key.Message{Data: []byte(data), Headers: headers, Subject: "orders.5.new", Timestamp: at, Shard: 1},
			Position: 11, Sequence: 42,
		},
	}
}

// serve starts a real handler and a client of it.
func serve(t *testing.T, handler http.HandlerFunc) (*deliver.Client, *httptest.Server) {
	t.Helper()
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	return newClient(t, deliver.Config{URL: server.URL + "/events"}), server
}

func newClient(t *testing.T, config deliver.Config) *deliver.Client {
	t.Helper()
	config.Source, config.Connections = "/namespaces/shop/convoypools/orders", 8
	if config.Timeout == 0 {
		config.Timeout = 30 * time.Second
	}
	c, err := deliver.New(config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

// pipes is a dialer whose other ends are given to peer, in a goroutine for each. Unlike sockets, pipes let the clock of
// testing/synctest advance.
func pipes(peer func(net.Conn)) func(context.Context, string, string) (net.Conn, error) {
	return func(context.Context, string, string) (net.Conn, error) {
		near, far := net.Pipe()
		go func() {
			peer(far)
			_ = far.Close()
		}()
		return near, nil
	}
}

// readRequest reads whatever comes until the body of call's messages, "{}", has come.
func readRequest(c net.Conn) {
	buffer := make([]byte, 4096)
	for read := ""; len(read) < 2 || read[len(read)-2:] != "{}"; {
		n, err := c.Read(buffer)
		if err != nil {
			return
		}
		read += string(buffer[:n])
	}
}

// untilClosed waits until the client has closed the connection.
func untilClosed(c net.Conn) { _, _ = io.Copy(io.Discard, c) }
