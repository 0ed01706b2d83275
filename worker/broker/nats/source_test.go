// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package nats_test

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go/jetstream"

	"convoy.dev/convoy/api/v1alpha1"
	"convoy.dev/convoy/worker/broker"
	"convoy.dev/convoy/worker/order"
)

// caused checks the cause of an error of kind Permanent.
func caused(t *testing.T, err error, want broker.Cause) {
	t.Helper()
	var is *broker.PermanentError
	if !errors.As(err, &is) || is.Cause != want {
		t.Errorf("error %v: want cause %d", err, want)
	}
}

// permanent checks that an error is for a person: Permanent, with a mend, and with certain words.
func permanent(t *testing.T, err error, words ...string) {
	t.Helper()
	var is *broker.PermanentError
	if !errors.As(err, &is) || broker.KindOf(err) != broker.Permanent || is.Mend == "" {
		t.Errorf("got %v, want a Permanent error with a mend", err)
		return
	}
	for _, word := range words {
		if !strings.Contains(err.Error(), word) {
			t.Errorf("%q does not say %q", err, word)
		}
	}
}

// TestServerTooOld has a server that says that it is of a version that skips messages.
func TestServerTooOld(t *testing.T) {
	j := begun(t)
	p := proxied(t, j.address(), func(p *proxy) {
		p.rewrite = func(b []byte) []byte { return bytes.Replace(b, []byte(server.VERSION), []byte("2.11.7"), 1) }
	})
	permanent(t, connect(t, j.settings(through(p))).Claim(t.Context(), claim), "version 2.11.7", "2.11.8 or newer")
}

func TestSourceMissing(t *testing.T) {
	j := serve(t)
	err := connect(t, j.settings()).Claim(t.Context(), claim)
	permanent(t, err, "ORDERS", "does not exist", "source.nats.stream")
	caused(t, err, broker.CauseNotFound)
}

// TestSourceThatDeletes has a source from which reading would take messages out.
func TestSourceThatDeletes(t *testing.T) {
	for _, retention := range []jetstream.RetentionPolicy{jetstream.WorkQueuePolicy, jetstream.InterestPolicy} {
		t.Run(retention.String(), func(t *testing.T) {
			j := serve(t)
			js := j.admin(t)
			makeSource(t, js, func(c *jetstream.StreamConfig) { c.Retention = retention })
			b := connect(t, j.settings())
			permanent(t, b.Claim(t.Context(), claim), retention.String(), "limits", "--source")
			if _, err := js.Stream(t.Context(), "convoy_shop_orders"); !errors.Is(err, jetstream.ErrStreamNotFound) {
				t.Errorf("a source that is refused has left something: %v", err)
			}
		})
	}
}

// TestSourceFromWorkQueue carries out the mend: a stream that has the work queue as its source is consumed.
func TestSourceFromWorkQueue(t *testing.T) {
	j := serve(t)
	js := j.admin(t)
	makeSource(t, js, func(c *jetstream.StreamConfig) { c.Retention = jetstream.WorkQueuePolicy })
	if _, err := js.CreateStream(t.Context(), jetstream.StreamConfig{Name: "COPY", Sources: []*jetstream.StreamSource{{Name: source}}}); err != nil {
		t.Fatal(err)
	}
	publish(t, js, 1, messages("a")...)
	b := claimed(t, j.settings(func(s *v1alpha1.WorkerSettings) { s.Source.NATS.Stream = "COPY" }))
	lane, _ := owned(t, b, grant(1, 1))
	begins(t, lane, "a")
}

// TestSourceUntouched does everything to a lane and then looks whether the source is as it was.
func TestSourceUntouched(t *testing.T) {
	j := begun(t)
	js := j.admin(t)
	before, err := js.Stream(t.Context(), source)
	if err != nil {
		t.Fatal(err)
	}
	b := claimed(t, j.settings())
	lane, _ := owned(t, b, grant(1, 1))
	reads(t, lane, 10)
	flush(t, lane, 10, true)
	sampled(t, b, 0, 0)
	after, err := js.Stream(t.Context(), source)
	if err != nil {
		t.Fatal(err)
	}
	is, was := after.CachedInfo(), before.CachedInfo()
	if is.State.Msgs != was.State.Msgs || is.State.LastSeq != was.State.LastSeq || is.State.NumDeleted != 0 {
		t.Errorf("the source was %+v, is %+v", was.State, is.State)
	}
}

// TestSourceMadeAgain replaces the source by another stream of the same name, whose messages have old numbers.
func TestSourceMadeAgain(t *testing.T) {
	j := begun(t)
	js := j.admin(t)
	b := claimed(t, j.settings())
	lane, _ := owned(t, b, grant(1, 1))
	reads(t, lane, 10)
	flush(t, lane, 10, true)
	next, err := b.Open(t.Context(), grant(1, 2))
	if err != nil {
		t.Fatal(err)
	}
	if err := js.DeleteStream(t.Context(), source); err != nil {
		t.Fatal(err)
	}
	permanent(t, lane.Read(t.Context(), 10, nil), "does not exist")
	makeSource(t, js)
	for range 20 {
		publish(t, js, 1, messages("new")...)
	}
	const again = "numbered anew"
	permanent(t, lane.Read(t.Context(), 10, nil), again, "convoy_shop_orders")
	_, err = lane.Fetch(t.Context(), 5)
	permanent(t, err, again)
	_, err = next.Load(t.Context())
	permanent(t, err, again)
	permanent(t, connect(t, j.settings()).Claim(t.Context(), claim), again)
	_, err = b.Sample(t.Context())
	permanent(t, err, again)

	// The mend.
	if err := js.DeleteStream(t.Context(), "convoy_shop_orders"); err != nil {
		t.Fatal(err)
	}
	anew, _ := owned(t, claimed(t, j.settings()), grant(1, 1))
	begins(t, anew, "new")
}

// TestSourceMadeAgainUnderReader replaces the source just before a request that begins a reader: nothing of the new one may
// be taken for what follows in the old one.
func TestSourceMadeAgainUnderReader(t *testing.T) {
	for _, request := range []string{"$JS.API.CONSUMER.CREATE." + source, "$JS.API.STREAM.INFO." + source} {
		t.Run(request, func(t *testing.T) {
			j := begun(t)
			p := proxied(t, j.address())
			lane, _ := owned(t, claimed(t, j.settings(through(p))), grant(1, 1))
			l := p.link()
			l.up.closeBefore(request, 1)
			ended := make(chan error, 1)
			go func() {
				ended <- lane.Read(t.Context(), 5, func(batch []broker.Message) error {
					return fmt.Errorf("message %d of another stream is delivered: %s", batch[0].Position, batch[0].Data)
				})
			}()
			until(t, "the reader begins", func() bool { return l.up.keeps() })
			js := j.admin(t)
			if err := js.DeleteStream(t.Context(), source); err != nil {
				t.Fatal(err)
			}
			makeSource(t, js)
			for range 10 {
				publish(t, js, 1, messages("new")...)
			}
			if err := l.up.release(l.server); err != nil {
				t.Fatal(err)
			}
			permanent(t, <-ended, "numbered anew")
			until(t, "no consumer is left", func() bool { return len(consumers(t, js)) == 0 })
		})
	}
}

// TestSourceFromOldBackup puts back an older copy of the source's files: it ends below what the pool has read.
func TestSourceFromOldBackup(t *testing.T) {
	j := begun(t)
	js := j.admin(t)
	b := claimed(t, j.settings())
	files := filepath.Join(j.options.StoreDir, "jetstream", "$G", "streams", source)
	backup := filepath.Join(t.TempDir(), "backup")
	j.stop()
	if err := os.CopyFS(backup, os.DirFS(files)); err != nil {
		t.Fatal(err)
	}
	j.start(t)
	lane, _ := owned(t, claimed(t, j.settings()), grant(1, 1))
	at := publish(t, js, 1, messages("lost", "lost")...)
	flush(t, lane, at[1], true)
	j.stop()
	if err := errors.Join(os.RemoveAll(files), os.CopyFS(files, os.DirFS(backup))); err != nil {
		t.Fatal(err)
	}
	j.start(t)
	publish(t, js, 1, messages("gets an old number")...)
	if err := insist(t, func(ctx contextType) error { return b.Claim(ctx, claim) }); err != nil {
		t.Fatal(err)
	}
	next, err := b.Open(t.Context(), grant(1, 2))
	if err != nil {
		t.Fatal(err)
	}
	_, err = next.Load(t.Context())
	permanent(t, err, "ends at 11", "up to 12", "backup")
	permanent(t, next.Read(t.Context(), order.Position(12), nil), "ends at 11")
	_, err = b.Sample(t.Context())
	permanent(t, err, "ends at 11")
}
