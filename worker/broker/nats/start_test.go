// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package nats_test

import (
	"context"
	"errors"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"convoy.dev/convoy/api/v1alpha1"
	"convoy.dev/convoy/worker/broker"
	"convoy.dev/convoy/worker/key"
	"convoy.dev/convoy/worker/order"
)

// messages are messages with these data.
func messages(texts ...string) []key.Message {
	var all []key.Message
	for _, text := range texts {
		all = append(all, key.Message{Data: []byte(text)})
	}
	return all
}

// startFrom makes a pool begin somewhere.
func startFrom(from v1alpha1.StartFrom) func(*v1alpha1.WorkerSettings) {
	return func(s *v1alpha1.WorkerSettings) { s.Source.NATS.StartFrom = &from }
}

// reads is what a lane reads first, n messages of it.
func reads(t *testing.T, lane broker.Lane, n int) []broker.Message {
	t.Helper()
	return readsBehind(t, lane, 0, n)
}

// readsBehind is what a lane reads behind a position, n messages of it.
func readsBehind(t *testing.T, lane broker.Lane, after order.Position, n int) []broker.Message {
	t.Helper()
	enough := errors.New("enough")
	var got []broker.Message
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	err := lane.Read(ctx, after, func(batch []broker.Message) error {
		if got = append(got, batch...); len(got) >= n {
			return enough
		}
		return nil
	})
	if !errors.Is(err, enough) {
		t.Fatalf("reading: %v", err)
	}
	return got
}

// begins checks what a new owner of a lane reads first.
func begins(t *testing.T, lane broker.Lane, want string) {
	t.Helper()
	if got := reads(t, lane, 1)[0]; string(got.Data) != want {
		t.Errorf("the lane begins with %q, want %q", got.Data, want)
	}
}

func TestStartAll(t *testing.T) {
	j := serve(t)
	js := j.admin(t)
	makeSource(t, js)
	publish(t, js, 1, messages("old")...)
	lane, _ := owned(t, claimed(t, j.settings()), grant(1, 1))
	begins(t, lane, "old")
}

// TestStartNew decides once, with the claim, where the pool begins: a lane that is opened later begins there too.
func TestStartNew(t *testing.T) {
	j := serve(t)
	js := j.admin(t)
	makeSource(t, js)
	for lane := range int32(lanes) {
		publish(t, js, lane, messages("old")...)
	}
	fromNew := startFrom(v1alpha1.StartFrom{Type: new(v1alpha1.StartNew)})
	claimed(t, j.settings(fromNew))
	publish(t, js, 1, messages("new")...)
	publish(t, js, 2, messages("new")...)
	b := claimed(t, j.settings(fromNew))
	for _, number := range []int32{1, 2} {
		lane, _ := owned(t, b, grant(number, 1))
		begins(t, lane, "new")
	}
	sampled(t, b, 0, 1, 1, 0)
	// Another setting does not move a pool that has begun, nor does a pool that was made again.
	lane, _ := owned(t, claimed(t, j.settings()), grant(1, 2))
	begins(t, lane, "new")
	again, c := connect(t, j.settings(fromNew)), claim
	c.UID = "2"
	if err := again.Claim(t.Context(), c); err != nil {
		t.Fatal(err)
	}
	lane, _ = owned(t, again, grant(3, 1))
	publish(t, js, 3, messages("newest")...)
	begins(t, lane, "newest")
	sampled(t, again, 0, 1, 1, 1)
}

func sampled(t *testing.T, b broker.Sampler, want ...int64) {
	t.Helper()
	backlog, err := b.Sample(t.Context())
	if err != nil {
		t.Fatalf("sampling: %v", err)
	}
	for lane, n := range want {
		if backlog.Lanes[lane] != n {
			t.Errorf("backlog %v, want %v", backlog.Lanes, want)
			return
		}
	}
}

func TestStartTime(t *testing.T) {
	j := serve(t)
	js := j.admin(t)
	makeSource(t, js)
	publish(t, js, 1, messages("first", "second")...)
	stream, err := js.Stream(t.Context(), source)
	if err != nil {
		t.Fatal(err)
	}
	second, err := stream.GetMsg(t.Context(), 2)
	if err != nil {
		t.Fatal(err)
	}
	from := func(at time.Time) func(*v1alpha1.WorkerSettings) {
		return startFrom(v1alpha1.StartFrom{Type: new(v1alpha1.StartTime), Time: &metav1.Time{Time: at}})
	}
	for name, is := range map[string]struct {
		from time.Time
		want string
	}{
		"at": {second.Time, "second"}, "before": {second.Time.Add(-time.Hour), "first"}, "after": {second.Time.Add(1), "third"},
	} {
		pool := func(s *v1alpha1.WorkerSettings) { s.Pool.Name = name }
		b := connect(t, j.settings(from(is.from), pool))
		if err := b.Claim(t.Context(), broker.Claim{Name: name}); err != nil {
			t.Fatal(err)
		}
		lane, _ := owned(t, b, grant(1, 1))
		if is.want == "third" {
			sampled(t, b, 0, 0, 0, 0)
			publish(t, js, 1, messages("third")...)
		}
		begins(t, lane, is.want)
	}
}

// TestStartToCome begins at an instant that is still to come: what is published before it is not the pool's.
func TestStartToCome(t *testing.T) {
	j := serve(t)
	js := j.admin(t)
	makeSource(t, js)
	publish(t, js, 1, messages("old")...)
	stream, err := js.Stream(t.Context(), source)
	if err != nil {
		t.Fatal(err)
	}
	at := stream.CachedInfo().TimeStamp.Add(time.Second)
	b := claimed(t, j.settings(startFrom(v1alpha1.StartFrom{Type: new(v1alpha1.StartTime), Time: &metav1.Time{Time: at}})))
	lane, _ := owned(t, b, grant(1, 1))
	sampled(t, b, 0, 0, 0, 0)
	publish(t, js, 1, messages("before")...)
	go func() {
		for i := 0; t.Context().Err() == nil; i++ {
			_, err := js.Publish(t.Context(), "orders.1", []byte("stream"))
			if err != nil {
				return
			}
			wait(t.Context(), 20*time.Millisecond)
		}
	}()
	got := reads(t, lane, 1)[0]
	if got.Timestamp.Before(at) || got.Timestamp.After(at.Add(500*time.Millisecond)) {
		t.Errorf("the lane begins with a message of %v, the pool starts at %v", got.Timestamp, at)
	}
	other, _ := owned(t, claimed(t, j.settings()), grant(1, 2))
	if again := reads(t, other, 1)[0]; again.Position != got.Position {
		t.Errorf("the next owner begins at %d, the first at %d", again.Position, got.Position)
	}
}
