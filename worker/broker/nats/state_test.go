// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package nats_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/nats-io/nats.go/jetstream"

	"convoy.dev/convoy/api/v1alpha1"
	"convoy.dev/convoy/worker/broker"
	"convoy.dev/convoy/worker/order"
)

type contextType = context.Context

const stateStream = "convoy_shop_orders"

// TestStateSaysWhatItIs looks at the stream as a person would who finds it.
func TestStateSaysWhatItIs(t *testing.T) {
	j := begun(t)
	owned(t, claimed(t, j.settings()), grant(1, 3))
	stream, err := j.admin(t).Stream(t.Context(), stateStream)
	if err != nil {
		t.Fatal(err)
	}
	config := stream.CachedInfo().Config
	for _, word := range []string{"shop/orders", source, "begins anew"} {
		if !strings.Contains(config.Description, word) {
			t.Errorf("%q does not say %q", config.Description, word)
		}
	}
	if config.Metadata["convoy.dev/pool"] != "shop/orders" || config.MaxMsgsPerSubject != 1 || config.Storage != jetstream.FileStorage {
		t.Errorf("the stream is %+v", config)
	}
	for subject, words := range map[string]string{
		"claim": `"sourceCreated"`, "epoch.1": `{"version":1,"epoch":3,"incarnation":1,"worker":"pod-3","connection":"`,
	} {
		m, err := stream.GetLastMsgForSubject(t.Context(), "convoy.shop.orders."+subject)
		if err != nil || !strings.Contains(string(m.Data), words) {
			t.Errorf("the record %s is %v: %v", subject, m, err)
		}
	}
}

// TestStateOfAnyName has a pool whose name has dots, which subjects and streams cannot have.
func TestStateOfAnyName(t *testing.T) {
	j := begun(t)
	b := claimed(t, j.settings(func(s *v1alpha1.WorkerSettings) { s.Pool.Namespace, s.Pool.Name = "team-1", "or.ders" }))
	lane, _ := owned(t, b, grant(1, 1))
	begins(t, lane, "x")
	if _, err := j.admin(t).Stream(t.Context(), "convoy_team-1_or=2eders"); err != nil {
		t.Errorf("the pool's stream: %v", err)
	}
}

// TestStateChanged has somebody change the stream so that records would be lost.
func TestStateChanged(t *testing.T) {
	for words, change := range map[string]func(*jetstream.StreamConfig){
		"limit of age": func(c *jetstream.StreamConfig) { c.MaxAge = 3600e9 },
		"discard_new_per_subject": func(c *jetstream.StreamConfig) {
			c.Discard, c.DiscardNewPerSubject = jetstream.DiscardNew, true
		},
		"max_msg_size of 100 bytes": func(c *jetstream.StreamConfig) { c.MaxMsgSize = 100 },
		"no_ack":                    func(c *jetstream.StreamConfig) { c.NoAck = true },
		"subject_transform": func(c *jetstream.StreamConfig) {
			c.SubjectTransform = &jetstream.SubjectTransformConfig{Source: "convoy.shop.orders.epoch.*", Destination: "elsewhere.{{wildcard(1)}}"}
		},
		"direct reads":               func(c *jetstream.StreamConfig) { c.AllowDirect = false },
		"lacks the subject convoy.s": func(c *jetstream.StreamConfig) { c.Subjects = c.Subjects[:2] },
	} {
		t.Run(words, func(t *testing.T) {
			j := begun(t)
			js := j.admin(t)
			claimed(t, j.settings())
			stream, err := js.Stream(t.Context(), stateStream)
			if err != nil {
				t.Fatal(err)
			}
			config := stream.CachedInfo().Config
			change(&config)
			if _, err := js.UpdateStream(t.Context(), config); err != nil {
				t.Fatal(err)
			}
			permanent(t, connect(t, j.settings()).Claim(t.Context(), claim), stateStream, words)
		})
	}
}

// TestStateInTheWay has a stream of somebody else's where the pool's subjects are.
func TestStateInTheWay(t *testing.T) {
	j := begun(t)
	if _, err := j.admin(t).CreateStream(t.Context(), jetstream.StreamConfig{Name: "OTHER", Subjects: []string{"convoy.>"}}); err != nil {
		t.Fatal(err)
	}
	permanent(t, connect(t, j.settings()).Claim(t.Context(), claim), "overlap", "subjects that begin with convoy.")
}

// TestStateDeleted deletes the stream under a worker. It must not believe that it still holds anything.
func TestStateDeleted(t *testing.T) {
	j := begun(t)
	js := j.admin(t)
	b := claimed(t, j.settings())
	lane, _ := owned(t, b, grant(1, 1))
	flush(t, lane, 5, false)
	stream, err := js.Stream(t.Context(), stateStream)
	if err != nil {
		t.Fatal(err)
	}
	if err := stream.Purge(t.Context()); err != nil {
		t.Fatal(err)
	}
	unconfirmed, err := b.Confirm(t.Context(), []broker.Grant{grant(1, 1)})
	if err != nil || len(unconfirmed) != 1 {
		t.Fatalf("not confirmed are %v: %v", unconfirmed, err)
	}
	permanent(t, unconfirmed[0].Err, "convoy.shop.orders.epoch.1")
	permanent(t, lane.Flush(t.Context(), &order.Progress{LowWater: 6}, false), "convoy.shop.orders.progress.1")
	if err := js.DeleteStream(t.Context(), stateStream); err != nil {
		t.Fatal(err)
	}
	if _, err = b.Confirm(t.Context(), []broker.Grant{grant(1, 1)}); err == nil {
		t.Error("a lane is confirmed without a record")
	}
}

// TestClaimLost deletes the stream, and lets another pool make its claim: a worker of the one before opens nothing any more.
func TestClaimLost(t *testing.T) {
	j := begun(t)
	b := claimed(t, j.settings())
	lane, _ := owned(t, b, grant(1, 3))
	flush(t, lane, 5, false)
	if err := j.admin(t).DeleteStream(t.Context(), stateStream); err != nil {
		t.Fatal(err)
	}
	_, err := b.Open(t.Context(), grant(1, 4))
	if err == nil {
		t.Fatal("a lane is opened without a claim")
	}
	other, theirs := connect(t, j.settings()), claim
	theirs.Cluster = "another"
	if err := other.Claim(t.Context(), theirs); err != nil {
		t.Fatal(err)
	}
	owned(t, other, grant(1, 1))
	_, err = b.Open(t.Context(), grant(1, 4))
	var lost *broker.ClaimError
	if !errors.As(err, &lost) || !lost.Other || lost.Held != theirs {
		t.Errorf("opening under another pool's claim: %v", err)
	}
	if unconfirmed, err := other.Confirm(t.Context(), []broker.Grant{grant(1, 1)}); err != nil || len(unconfirmed) > 0 {
		t.Errorf("the other pool's lane is %v: %v", unconfirmed, err)
	}
}

// TestClaimMadeAnew deletes the stream, and lets another worker of the same pool make the claim: what that one says counts.
func TestClaimMadeAnew(t *testing.T) {
	j := begun(t)
	js := j.admin(t)
	b := claimed(t, j.settings(startFrom(v1alpha1.StartFrom{Type: new(v1alpha1.StartNew)})))
	owned(t, b, grant(2, 1))
	publish(t, js, 1, messages("first")...)
	if err := js.DeleteStream(t.Context(), stateStream); err != nil {
		t.Fatal(err)
	}
	publish(t, js, 1, messages("second")...)
	claimed(t, j.settings(startFrom(v1alpha1.StartFrom{Type: new(v1alpha1.StartNew)})))
	publish(t, js, 1, messages("third")...)
	lane, _ := owned(t, b, grant(1, 1))
	begins(t, lane, "third")
}

// TestStateUnreadable has a newer version's records, and somebody's own, where ours are.
func TestStateUnreadable(t *testing.T) {
	j := begun(t)
	js := j.admin(t)
	b := claimed(t, j.settings())
	write := func(subject, text string) {
		t.Helper()
		if _, err := js.Publish(t.Context(), "convoy.shop.orders."+subject, []byte(text)); err != nil {
			t.Fatal(err)
		}
	}
	write("epoch.1", `{"version":2,"epoch":1}`)
	_, err := b.Open(t.Context(), grant(1, 2))
	permanent(t, err, "epoch.1", "version 2")
	write("progress.2", "hello, world")
	_, err = b.Open(t.Context(), grant(2, 2))
	permanent(t, err, "progress.2", "checksum")
	_, err = b.Sample(t.Context())
	permanent(t, err, "progress.2")
	write("claim", "{}")
	permanent(t, b.Claim(t.Context(), claim), "claim", "version 0")
}

// TestConfirmMany confirms more lanes than one read takes.
func TestConfirmMany(t *testing.T) {
	const many = 1500
	j := serve(t)
	js := j.admin(t)
	makeSource(t, js)
	s := j.settings()
	s.Lanes.Native.NATS.Count = many
	b := claimed(t, s)
	var grants []broker.Grant
	for lane := range int32(many) {
		if _, err := b.Open(t.Context(), grant(lane, 1)); err != nil {
			t.Fatal(err)
		}
		grants = append(grants, grant(lane, 1))
	}
	if _, err := b.Open(t.Context(), grant(many-1, 2)); err != nil {
		t.Fatal(err)
	}
	superseded, err := b.Confirm(t.Context(), grants)
	if err != nil || len(superseded) != 1 || superseded[0].Lane != many-1 {
		t.Errorf("superseded %v: %v", superseded, err)
	}
	publish(t, js, many-1, messages("a", "b")...)
	backlog, err := b.Sample(t.Context())
	if err != nil || len(backlog.Lanes) != many || backlog.Lanes[many-1] != 2 || backlog.Lanes[0] != 0 {
		t.Errorf("backlog %v: %v", backlog.Lanes[many-1], err)
	}
}

// TestManyBytesOfRecords has records that do not fit into one answer. Between two of them one record is replaced.
func TestManyBytesOfRecords(t *testing.T) {
	const many, padding = 30, 900 << 10
	j := serve(t)
	js := j.admin(t)
	makeSource(t, js)
	p := proxied(t, j.address())
	s := j.settings(through(p))
	s.Lanes.Native.NATS.Count = many
	b := claimed(t, s)
	write := func(lane int32, epoch int64) {
		t.Helper()
		text := fmt.Sprintf(`{"version":1,"epoch":%d,"incarnation":1,"worker":"pod-%d","padding":"%s"}`, epoch, epoch, strings.Repeat("x", padding))
		if _, err := js.Publish(t.Context(), fmt.Sprintf("convoy.shop.orders.epoch.%d", lane), []byte(text)); err != nil {
			t.Fatal(err)
		}
	}
	var grants []broker.Grant
	for lane := range int32(many) {
		write(lane, 1)
		grants = append(grants, grant(lane, 1))
	}
	l := p.link()
	l.down.closeBefore("204 EOB", 1)
	type answer struct {
		unconfirmed []broker.Unconfirmed
		err         error
	}
	ended := make(chan answer, 1)
	go func() {
		unconfirmed, err := b.Confirm(t.Context(), grants)
		ended <- answer{unconfirmed, err}
	}()
	until(t, "the first answer ends", func() bool { return l.down.keeps() })
	write(many-1, 2)
	if err := l.down.release(l.client); err != nil {
		t.Fatal(err)
	}
	a := <-ended
	if a.err != nil || len(a.unconfirmed) != 1 || a.unconfirmed[0].Lane != many-1 || a.unconfirmed[0].Record.Epoch != 2 {
		t.Errorf("not confirmed are %+v: %v", a.unconfirmed, a.err)
	}
}
