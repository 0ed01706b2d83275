// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package nats_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"convoy.dev/convoy/worker/broker"
)

// consumers are the consumers of the source.
func consumers(t *testing.T, js jetstream.JetStream) []*jetstream.ConsumerInfo {
	t.Helper()
	stream, err := js.Stream(t.Context(), source)
	if err != nil {
		t.Fatal(err)
	}
	var all []*jetstream.ConsumerInfo
	list := stream.ListConsumers(t.Context())
	for info := range list.Info() {
		all = append(all, info)
	}
	if err := list.Err(); err != nil {
		t.Fatal(err)
	}
	return all
}

// reading reads a lane in a goroutine that ends with the test.
func reading(t *testing.T, lane broker.Lane, deliver func([]broker.Message) error) context.CancelFunc {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- lane.Read(ctx, 0, deliver) }()
	stop := func() {
		cancel()
		if err := <-ended; !errors.Is(err, context.Canceled) {
			t.Errorf("reading ended with %v", err)
		}
		ended <- context.Canceled
	}
	t.Cleanup(stop)
	return stop
}

// until waits until something is so.
func until(t *testing.T, what string, is func() bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	for !is() {
		if ctx.Err() != nil {
			t.Fatalf("in vain: %s", what)
		}
		wait(ctx, 10*time.Millisecond)
	}
}

// TestReaderLeavesNothing counts consumers while lanes are read and afterwards.
func TestReaderLeavesNothing(t *testing.T) {
	j := begun(t)
	js := j.admin(t)
	b := claimed(t, j.settings())
	var stops []context.CancelFunc
	for number := range int32(lanes) {
		lane, _ := owned(t, b, grant(number, 1))
		stops = append(stops, reading(t, lane, func([]broker.Message) error { return nil }))
	}
	until(t, "every lane has a consumer", func() bool { return len(consumers(t, js)) == lanes })
	for _, info := range consumers(t, js) {
		if info.Config.InactiveThreshold == 0 || info.Config.Durable != "" || info.Config.AckPolicy != jetstream.AckNonePolicy || !info.Config.MemoryStorage {
			t.Errorf("the consumer %s would stay: %+v", info.Name, info.Config)
		}
	}
	for _, stop := range stops {
		stop()
	}
	until(t, "no consumer is left", func() bool { return len(consumers(t, js)) == 0 })
	sampled(t, b, 0, 10)
	if left := consumers(t, js); len(left) > 0 {
		t.Errorf("counting left %v", left)
	}
}

// TestReaderKeepsItsConsumer reads many messages, and looks whether one consumer was enough for them.
func TestReaderKeepsItsConsumer(t *testing.T) {
	j := begun(t)
	made, err := dialled(t, j).SubscribeSync("$JS.EVENT.ADVISORY.CONSUMER.CREATED." + source + ".>")
	if err != nil {
		t.Fatal(err)
	}
	js := j.admin(t)
	const n = 5000
	for range n {
		if _, err := js.PublishAsync("orders.1", nil, jetstream.WithStallWait(patience)); err != nil {
			t.Fatal(err)
		}
	}
	<-js.PublishAsyncComplete()
	lane, _ := owned(t, claimed(t, j.settings()), grant(1, 1))
	reads(t, lane, n)
	if got, _, err := made.Pending(); got != 1 || err != nil {
		t.Errorf("%d consumers were made: %v", got, err)
	}
}

// TestReaderIsSlowedDown holds a reader up and looks how much the server has sent it: a window, not the lane.
func TestReaderIsSlowedDown(t *testing.T) {
	j := begun(t)
	js := j.admin(t)
	const n = 3000
	for i := range n {
		if _, err := js.PublishAsync("orders.1", fmt.Appendf(nil, "%d", i), jetstream.WithStallWait(patience)); err != nil {
			t.Fatal(err)
		}
	}
	<-js.PublishAsyncComplete()
	held, release := make(chan struct{}, n), make(chan struct{})
	lane, _ := owned(t, claimed(t, j.settings()), grant(1, 1))
	reading(t, lane, func([]broker.Message) error {
		held <- struct{}{}
		<-release
		return nil
	})
	<-held
	sent := uint64(0)
	until(t, "the server sends nothing more", func() bool {
		before := sent
		sent = consumers(t, js)[0].Delivered.Consumer
		wait(t.Context(), 100*time.Millisecond)
		return sent == before
	})
	close(release)
	if sent == 0 || sent > 2*512 {
		t.Errorf("%d of %d messages were sent to a reader that is held up", sent, n)
	}
}

// TestReaderTakesLargeMessages mixes messages as large as the server takes with small ones.
func TestReaderTakesLargeMessages(t *testing.T) {
	j := serve(t)
	js := j.admin(t)
	makeSource(t, js)
	large, sizes := make([]byte, 1<<20), []int{1, 1 << 20, 700 << 10, 1 << 20, 5, 1 << 19, 1 << 20, 1 << 20, 0, 1 << 20}
	for _, size := range sizes {
		if _, err := js.Publish(t.Context(), "orders.1", large[:size]); err != nil {
			t.Fatal(err)
		}
	}
	lane, _ := owned(t, claimed(t, j.settings()), grant(1, 1))
	for i, message := range reads(t, lane, len(sizes)) {
		if len(message.Data) != sizes[i] {
			t.Errorf("message %d has %d bytes, want %d", i, len(message.Data), sizes[i])
		}
	}
}

// TestReaderLosesItsConsumer deletes consumers under a reader: it goes on, without repeat or skip.
func TestReaderLosesItsConsumer(t *testing.T) {
	j := serve(t)
	js := j.admin(t)
	makeSource(t, js)
	lane, _ := owned(t, claimed(t, j.settings()), grant(1, 1))
	come := make(chan broker.Message, 1000)
	reading(t, lane, func(batch []broker.Message) error {
		for _, message := range batch {
			come <- message
		}
		return nil
	})
	const rounds, each = 5, 20
	for round := range rounds {
		publish(t, js, 1, messages(make([]string, each/2)...)...)
		until(t, "there is a consumer", func() bool { return len(consumers(t, js)) > 0 })
		if err := js.DeleteConsumer(t.Context(), source, consumers(t, js)[0].Name); err != nil {
			t.Fatal(err)
		}
		publish(t, js, 1, messages(make([]string, each/2)...)...)
		for i := range each {
			if got, want := int((<-come).Position), round*each+i+1; got != want {
				t.Fatalf("message %d comes, want %d", got, want)
			}
		}
	}
}

// TestReaderNoticesSilence sends a reader's requests where nobody answers them. It waits for two heartbeats in vain, and then
// begins anew.
func TestReaderNoticesSilence(t *testing.T) {
	j := begun(t)
	conn := dialled(t, j)
	if _, err := conn.SubscribeSync("nowhere"); err != nil {
		t.Fatal(err)
	}
	if err := conn.Flush(); err != nil {
		t.Fatal(err)
	}
	const requests = "$JS.API.CONSUMER.MSG.NEXT." + source + ".*"
	if err := j.server.GlobalAccount().AddMapping(requests, "nowhere"); err != nil {
		t.Fatal(err)
	}
	lane, _ := owned(t, claimed(t, j.settings()), grant(1, 1))
	come := make(chan broker.Message, 10)
	reading(t, lane, func(batch []broker.Message) error {
		for _, message := range batch {
			come <- message
		}
		return nil
	})
	js := j.admin(t)
	until(t, "there is a consumer", func() bool { return len(consumers(t, js)) > 0 })
	first := consumers(t, js)[0].Name
	until(t, "there is another consumer", func() bool {
		all := consumers(t, js)
		return len(all) > 0 && all[0].Name != first
	})
	j.server.GlobalAccount().RemoveMapping(requests)
	for range 10 {
		<-come
	}
}

// TestReaderForgotten is held up for so long that the server forgets its requests and its consumer.
func TestReaderForgotten(t *testing.T) {
	j := begun(t)
	js := j.admin(t)
	lane, _ := owned(t, claimed(t, j.settings()), grant(1, 1))
	seen := 0
	enough := errors.New("enough")
	err := lane.Read(t.Context(), 0, func(batch []broker.Message) error {
		if seen == 0 {
			if err := js.DeleteConsumer(t.Context(), source, consumers(t, js)[0].Name); err != nil {
				return err
			}
			publish(t, js, 1, messages("late")...)
		}
		if seen += len(batch); seen == 11 {
			return enough
		}
		return nil
	})
	if !errors.Is(err, enough) {
		t.Errorf("reading: %v after %d messages", err, seen)
	}
}
