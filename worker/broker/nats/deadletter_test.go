// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package nats_test

import (
	"testing"

	client "github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"convoy.dev/convoy/api/v1alpha1"
	"convoy.dev/convoy/worker/broker"
)

// TestDeadLetterDestination has a destination of the pool's own, which nobody stores at first.
func TestDeadLetterDestination(t *testing.T) {
	j := begun(t)
	js := j.admin(t)
	b := claimed(t, j.settings(func(s *v1alpha1.WorkerSettings) {
		s.Delivery.OnFailure = &v1alpha1.OnFailure{Type: new(v1alpha1.FailureDeadLetter), DeadLetter: &v1alpha1.DeadLetter{Destination: "given.up"}}
	}))
	lane, _ := owned(t, b, grant(1, 1))
	letter := broker.DeadLetter{Message: reads(t, lane, 1)[0], Key: "ä b", Reason: "no", Attempts: 2}
	permanent(t, lane.DeadLetter(t.Context(), letter), "given.up", "make a stream")
	if _, err := js.CreateStream(t.Context(), jetstream.StreamConfig{Name: "GIVENUP", Subjects: []string{"given.>"}}); err != nil {
		t.Fatal(err)
	}
	for range 3 { // It is written again when the answer was lost; the stream keeps it once.
		if err := lane.DeadLetter(t.Context(), letter); err != nil {
			t.Fatal(err)
		}
	}
	if got := letters(t, js, "GIVENUP"); len(got) != 1 || got[0].Key != "ä b" || got[0].Attempts != 2 {
		t.Errorf("dead letters are %+v", got)
	}
}

// TestDeadLetterIsNoCommand dead-letters a message that told the servers to do something. Its copy must not tell them.
func TestDeadLetterIsNoCommand(t *testing.T) {
	j := serve(t)
	js := j.admin(t)
	makeSource(t, js, func(c *jetstream.StreamConfig) { c.AllowRollup = true })
	if _, err := js.CreateStream(t.Context(), jetstream.StreamConfig{Name: "GIVENUP", Subjects: []string{"given.>"}, AllowRollup: true}); err != nil {
		t.Fatal(err)
	}
	if _, err := js.Publish(t.Context(), "given.up", []byte("before")); err != nil {
		t.Fatal(err)
	}
	m := &client.Msg{Subject: "orders.1", Header: client.Header{jetstream.MsgRollup: {"all"}, "Kind": {"order"}}, Data: []byte("x")}
	if _, err := js.PublishMsg(t.Context(), m); err != nil {
		t.Fatal(err)
	}
	b := claimed(t, j.settings(func(s *v1alpha1.WorkerSettings) {
		s.Delivery.OnFailure = &v1alpha1.OnFailure{Type: new(v1alpha1.FailureDeadLetter), DeadLetter: &v1alpha1.DeadLetter{Destination: "given.up"}}
	}))
	lane, _ := owned(t, b, grant(1, 1))
	message := reads(t, lane, 1)[0]
	if message.Headers[jetstream.MsgRollup] == nil {
		t.Fatal("the message has lost the header that this test is about")
	}
	if err := lane.DeadLetter(t.Context(), broker.DeadLetter{Message: message}); err != nil {
		t.Fatal(err)
	}
	stream, err := js.Stream(t.Context(), "GIVENUP")
	if err != nil {
		t.Fatal(err)
	}
	if n := stream.CachedInfo().State.Msgs; n != 2 {
		t.Errorf("%d messages are at the destination, want the one before and the copy", n)
	}
}

// TestDeadLettersOfAnotherSource gives up the first message twice, makes the source and the pool's state again, and gives up
// the first message of the new source: the stream drops the copy, and keeps what only has the same number.
func TestDeadLettersOfAnotherSource(t *testing.T) {
	j := serve(t)
	js := j.admin(t)
	for _, text := range []string{"old", "new"} {
		makeSource(t, js)
		publish(t, js, 1, messages(text)...)
		lane, _ := owned(t, claimed(t, j.settings()), grant(1, 1))
		message := reads(t, lane, 1)[0]
		for range 2 {
			if err := lane.DeadLetter(t.Context(), broker.DeadLetter{Message: message, Reason: "test"}); err != nil {
				t.Fatal(err)
			}
		}
		for _, name := range []string{source, stateStream} {
			if err := js.DeleteStream(t.Context(), name); err != nil {
				t.Fatal(err)
			}
		}
	}
	got := letters(t, js, "convoy_shop_orders_dead")
	if len(got) != 2 || string(got[0].Data) != "old" || string(got[1].Data) != "new" {
		t.Errorf("dead letters are %+v", got)
	}
}

// TestDeadLettersAreRefused has somebody limit the stream for dead letters: the error says what to do.
func TestDeadLettersAreRefused(t *testing.T) {
	for mend, change := range map[string]func(*jetstream.StreamConfig){
		"raise max_msg_size": func(c *jetstream.StreamConfig) { c.MaxMsgSize = 100 },
		"raise its limits":   func(c *jetstream.StreamConfig) { c.MaxMsgsPerSubject, c.DiscardNewPerSubject = 1, true },
	} {
		t.Run(mend, func(t *testing.T) {
			j := begun(t)
			js := j.admin(t)
			lane, _ := owned(t, claimed(t, j.settings()), grant(1, 1))
			read := reads(t, lane, 2)
			if err := lane.DeadLetter(t.Context(), broker.DeadLetter{Message: read[0], Reason: "test"}); err != nil {
				t.Fatal(err)
			}
			stream, err := js.Stream(t.Context(), "convoy_shop_orders_dead")
			if err != nil {
				t.Fatal(err)
			}
			config := stream.CachedInfo().Config
			change(&config)
			if _, err := js.UpdateStream(t.Context(), config); err != nil {
				t.Fatal(err)
			}
			permanent(t, lane.DeadLetter(t.Context(), broker.DeadLetter{Message: read[1], Reason: "test"}), mend)
		})
	}
}
