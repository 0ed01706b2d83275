// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package proxy_test

import (
	"errors"
	"io"
	"net"
	"os"
	"testing"
	"time"

	"go.uber.org/goleak"

	"convoy.dev/convoy/hack/faults/proxy"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// echo answers with what it hears, until the test ends.
func echo(t *testing.T) string {
	t.Helper()
	listener, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			if _, err := io.Copy(conn, conn); err != nil && !errors.Is(err, net.ErrClosed) {
				t.Log(err) // A connection that was cut may end so.
			}
			_ = conn.Close()
		}
	}()
	t.Cleanup(func() { _ = listener.Close(); <-ended })
	return listener.Addr().String()
}

func started(t *testing.T) (*proxy.Proxy, net.Conn) {
	t.Helper()
	p, err := proxy.Start(echo(t))
	if err != nil {
		t.Fatal(err)
	}
	conn, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", p.Address())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := p.Close(); err != nil {
			t.Error(err)
		}
		_ = conn.Close()
	})
	say(t, conn, "first")
	return p, conn
}

// say sends a word and waits for its echo.
func say(t *testing.T, conn net.Conn, word string) {
	t.Helper()
	if _, err := conn.Write([]byte(word)); err != nil {
		t.Fatal(err)
	}
	hear(t, conn, word)
}

func hear(t *testing.T, conn net.Conn, word string) {
	t.Helper()
	heard := make([]byte, len(word))
	if _, err := io.ReadFull(conn, heard); err != nil || string(heard) != word {
		t.Fatalf("heard %q, %v; want %q", heard, err, word)
	}
}

func TestWhatIsHeldPassesLater(t *testing.T) {
	for name, way := range map[string]proxy.Way{"up": proxy.Up, "down": proxy.Down} {
		t.Run(name, func(t *testing.T) {
			p, conn := started(t)
			p.Hold(way)
			if _, err := conn.Write([]byte("later")); err != nil {
				t.Fatal(err)
			}
			if err := conn.SetReadDeadline(time.Now().Add(50 * time.Millisecond)); err != nil {
				t.Fatal(err)
			}
			if n, err := conn.Read(make([]byte, 1)); n > 0 || !errors.Is(err, os.ErrDeadlineExceeded) {
				t.Fatalf("heard %d bytes, %v, of a way that is held", n, err)
			}
			if err := conn.SetReadDeadline(time.Time{}); err != nil {
				t.Fatal(err)
			}
			p.Heal()
			hear(t, conn, "later")
		})
	}
}

func TestWhatIsCutEnds(t *testing.T) {
	p, conn := started(t)
	p.Cut()
	if _, err := conn.Read(make([]byte, 1)); err == nil {
		t.Error("a connection that was cut still reads")
	}
	again, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", p.Address())
	if err != nil {
		t.Fatal(err)
	}
	say(t, again, "again")
	if err := again.Close(); err != nil {
		t.Error(err)
	}
}

func TestWhatIsSlowIsLate(t *testing.T) {
	p, conn := started(t)
	const delay = 20 * time.Millisecond
	p.Slow(delay)
	began := time.Now()
	say(t, conn, "slow")
	if took := time.Since(began); took < 2*delay {
		t.Errorf("an answer took %v, want %v each way", took, delay)
	}
}
