// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package nats_test

import (
	"bytes"
	"context"
	"io"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	client "github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"convoy.dev/convoy/api/v1alpha1"
	"convoy.dev/convoy/worker/broker"
	"convoy.dev/convoy/worker/broker/nats"
)

// guarded is a server that demands a login, and a pool that has one.
type guarded struct {
	*jet
	directory string
	settings  *v1alpha1.WorkerSettings
	said      said
}

// said collects what was logged.
type said struct {
	mu   sync.Mutex
	text bytes.Buffer
}

// Write implements io.Writer.
func (s *said) Write(b []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.text.Write(b)
}

func (s *said) all() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.text.String()
}

// guard starts a server that demands one login, for a pool that has another, or the same.
func guard(t *testing.T, demanded, has login) *guarded {
	t.Helper()
	g := &guarded{directory: t.TempDir()}
	g.jet = serve(t, demanded.server)
	has.mount(t, g.directory)
	g.settings = g.jet.settings(func(s *v1alpha1.WorkerSettings) {
		has.pool(s.Source.NATS)
		s.Secrets = []v1alpha1.SecretMount{{Name: "login", Directory: g.directory}}
	})
	return g
}

// connect returns a connection whose log is kept, at its finest.
func (g *guarded) connect(t *testing.T) *nats.Broker {
	t.Helper()
	log := slog.New(slog.NewTextHandler(io.MultiWriter(&g.said, t.Output()), &slog.HandlerOptions{Level: slog.LevelDebug}))
	b, err := nats.Connect(nats.Config{Settings: g.settings, Log: log})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := b.Close(); err != nil {
			t.Errorf("closing: %v", err)
		}
	})
	return b
}

// silent checks that nothing that was said contains a secret.
func (g *guarded) silent(t *testing.T, logins ...login) {
	t.Helper()
	all := g.said.all()
	for _, l := range logins {
		for _, secret := range l.silent {
			if strings.Contains(all, strings.TrimSpace(secret)) {
				t.Errorf("a log or an error has the secret %q", secret)
			}
		}
	}
}

// refuses waits until the claim is refused for good.
func (g *guarded) refuses(t *testing.T, b *nats.Broker) {
	t.Helper()
	err := insist(t, func(ctx context.Context) error { return b.Claim(ctx, claim) })
	permanent(t, err)
	if _, writeErr := g.said.Write([]byte(err.Error())); writeErr != nil {
		t.Fatal(writeErr)
	}
}

// source makes the source with a pool's own login.
func (g *guarded) source(t *testing.T, l login) {
	t.Helper()
	directory := t.TempDir()
	l.mount(t, directory)
	conn, err := client.Connect(g.server.ClientURL(), adminOptions(l, directory)...)
	if err != nil {
		t.Fatalf("connecting: %v", err)
	}
	defer conn.Close()
	js, err := jetstream.New(conn)
	if err != nil {
		t.Fatal(err)
	}
	makeSource(t, js)
}

// adminOptions are a login in the client library's own words.
func adminOptions(l login, directory string) []client.Option {
	var options []client.Option
	for name, text := range l.files {
		file := directory + "/" + name
		switch name {
		case "username":
			options = append(options, client.UserInfo(text, strings.TrimSpace(l.files["pass"])))
		case "token":
			options = append(options, client.Token(text))
		case "seed":
			if option, err := client.NkeyOptionFromSeed(file); err == nil {
				options = append(options, option)
			}
		case "user.creds":
			options = append(options, client.UserCredentials(file))
		case "ca.crt":
			options = append(options, client.RootCAs(file))
		case "tls.crt":
			options = append(options, client.ClientCert(file, directory+"/tls.key"))
		}
	}
	return options
}

// TestLogin logs in, in every way.
func TestLogin(t *testing.T) {
	for kind, logins := range kinds {
		t.Run(kind, func(t *testing.T) {
			l := logins(t)()
			g := guard(t, l, l)
			g.source(t, l)
			b := g.connect(t)
			if err := insist(t, func(ctx context.Context) error { return b.Claim(ctx, claim) }); err != nil {
				t.Fatalf("claiming: %v", err)
			}
			owned(t, b, grant(1, 1))
			g.silent(t, l)
		})
	}
}

// TestLoginWrong has a Secret that the server does not accept, then one that it does, by the same connection.
func TestLoginWrong(t *testing.T) {
	for kind, logins := range kinds {
		t.Run(kind, func(t *testing.T) {
			another := logins(t)
			wrong, right := another(), another()
			g := guard(t, right, wrong)
			g.source(t, right)
			b := g.connect(t)
			g.refuses(t, b)
			right.mount(t, g.directory)
			until(t, "the claim is made", func() bool { return b.Claim(t.Context(), claim) == nil })
			g.silent(t, wrong, right)
		})
	}
}

// TestLoginIsNotGivenUp is refused again and again before the Secret is mended.
func TestLoginIsNotGivenUp(t *testing.T) {
	wrong, right := userPassword(t), userPassword(t)
	g := guard(t, right, wrong)
	g.source(t, right)
	b := g.connect(t)
	until(t, "the server has refused four times", func() bool {
		closed, err := g.server.Connz(&server.ConnzOptions{State: server.ConnClosed})
		return err == nil && closed.Total >= 5 // One of them has made the source.
	})
	right.mount(t, g.directory)
	until(t, "the claim is made", func() bool { return b.Claim(t.Context(), claim) == nil })
}

// TestLoginRotates changes what the server demands, and the Secret, under a connection that goes on.
func TestLoginRotates(t *testing.T) {
	for kind, logins := range kinds {
		t.Run(kind, func(t *testing.T) {
			another := logins(t)
			old, fresh := another(), another()
			g := guard(t, old, old)
			g.source(t, old)
			b := g.connect(t)
			if err := insist(t, func(ctx context.Context) error { return b.Claim(ctx, claim) }); err != nil {
				t.Fatalf("claiming: %v", err)
			}
			lane, _ := owned(t, b, grant(1, 1))
			fresh.mount(t, g.directory)
			flush(t, lane, 1, false) // The connection stays as it is.
			g.stop()
			fresh.server(g.options)
			g.start(t)
			flush(t, lane, 2, true)
			g.silent(t, old, fresh)
		})
	}
}

// TestLoginUnreadable has Secrets without the key, or with something else in it.
func TestLoginUnreadable(t *testing.T) {
	for kind, logins := range kinds {
		for fault, text := range map[string]string{"missing": "", "nonsense": "nonsense"} {
			if kind == "userPassword" || kind == "token" {
				if fault == "nonsense" {
					continue // Any text can be a password.
				}
			}
			t.Run(kind+" "+fault, func(t *testing.T) {
				right := logins(t)()
				has := right
				has.files = map[string]string{}
				if text != "" {
					for name := range right.files {
						has.files[name] = text
					}
				}
				g := guard(t, right, has)
				g.source(t, right)
				b := g.connect(t)
				ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
				defer cancel()
				err := b.Claim(ctx, claim)
				if err == nil || !strings.Contains(err.Error(), `the Secret "login"`) {
					t.Errorf("claiming: %v, want the Secret named", err)
				}
				right.mount(t, g.directory)
				until(t, "the claim is made", func() bool { return b.Claim(t.Context(), claim) == nil })
				g.silent(t, right)
			})
		}
	}
}

// TestTLSDemanded has a pool that demands TLS and a server that has none.
func TestTLSDemanded(t *testing.T) {
	l := serverTLS(t)
	g := guard(t, login{server: func(*server.Options) {}}, l)
	g.refuses(t, g.connect(t))
}

// TestNoServer has no server at all, at first. A request says so at once.
func TestNoServer(t *testing.T) {
	j := begun(t)
	j.stop()
	b := connect(t, j.settings())
	err := b.Claim(t.Context(), claim)
	if err == nil || broker.KindOf(err) != broker.Retryable || !strings.Contains(err.Error(), "connect") {
		t.Errorf("claiming without a server: %v", err)
	}
	j.start(t)
	if err := insist(t, func(ctx context.Context) error { return b.Claim(ctx, claim) }); err != nil {
		t.Errorf("claiming: %v", err)
	}
}
