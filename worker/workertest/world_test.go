// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package workertest_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"k8s.io/utils/ptr"

	"convoy.dev/convoy/api/v1alpha1"
	"convoy.dev/convoy/worker"
	"convoy.dev/convoy/worker/key"
	"convoy.dev/convoy/worker/workertest"
)

var errAway = errors.New("away")

func failing(times int) worker.Handler {
	return worker.HandlerFunc(func(context.Context, *worker.Message) error {
		if times--; times >= 0 {
			return errAway
		}
		return nil
	})
}

func sequences(messages []workertest.Message) (found []uint64) {
	for _, m := range messages {
		found = append(found, m.Sequence)
	}
	return found
}

func TestAMessageIsTriedAgainAfterItsBackoff(t *testing.T) {
	w := workertest.New(t, failing(1), workertest.Config{})
	w.Publish("a", []byte("1"))
	w.Publish("a", []byte("2"))
	w.Publish("b", []byte("3"))
	if got := len(w.Calls()); got != 2 {
		t.Fatalf("%d calls at once", got)
	}
	first, due := w.Next()
	if !due || first < 100*time.Millisecond || first > 200*time.Millisecond {
		t.Errorf("the first wait is %v", first)
	}
	w.Advance(first - 1)
	if got := len(w.Calls()); got != 2 {
		t.Errorf("%d calls before the wait is over", got)
	}
	w.Advance(time.Second)
	if diff := cmp.Diff([]uint64{3, 1, 2}, sequences(w.Completed())); diff != "" {
		t.Errorf("completed (-want +got):\n%s", diff)
	}
	if _, due := w.Next(); due {
		t.Error("something is due after all are completed")
	}
}

func TestAKeyIsParkedReleasedAndDiscarded(t *testing.T) {
	w := workertest.New(t, failing(4), workertest.Config{Delivery: v1alpha1.Delivery{Retry: &v1alpha1.Retry{MaxAttempts: ptr.To[int32](2)}}})
	for i := range 3 {
		w.Publish("a", fmt.Append(nil, i))
	}
	w.Advance(time.Hour)
	if diff := cmp.Diff([]uint64{1, 2, 3}, sequences(w.Parked("a"))); diff != "" || len(w.Calls()) != 2 {
		t.Fatalf("%d calls; parked (-want +got):\n%s", len(w.Calls()), diff)
	}
	if w.Release("b") || !w.Release("a") {
		t.Error("a key is released that is not parked, or one that is parked is not")
	}
	w.Advance(time.Hour)
	if len(w.Parked("a")) != 3 || len(w.Calls()) != 4 {
		t.Fatalf("after a release that failed: %d parked, %d calls", len(w.Parked("a")), len(w.Calls()))
	}
	w.Release("a")
	w.Publish("a", nil)
	if diff := cmp.Diff([]uint64{1, 2, 3, 4}, sequences(w.Completed())); diff != "" || len(w.Parked("a")) != 0 {
		t.Errorf("%d parked; completed (-want +got):\n%s", len(w.Parked("a")), diff)
	}
	if w.Discard("a") {
		t.Error("a key is discarded that is not parked")
	}
}

func TestADiscardedKeyGoesOn(t *testing.T) {
	w := workertest.New(t, failing(1), workertest.Config{Delivery: v1alpha1.Delivery{Retry: &v1alpha1.Retry{MaxAttempts: ptr.To[int32](1)}}})
	w.Publish("a", nil)
	w.Publish("a", nil)
	if len(w.Parked("a")) != 2 || !w.Discard("a") {
		t.Fatalf("%d messages are parked", len(w.Parked("a")))
	}
	w.Publish("a", nil)
	if diff := cmp.Diff([]uint64{3}, sequences(w.Completed())); diff != "" {
		t.Errorf("completed (-want +got):\n%s", diff)
	}
}

func TestADeadLetter(t *testing.T) {
	w := workertest.New(t, worker.HandlerFunc(func(_ context.Context, m *worker.Message) error {
		if m.Headers["bad"] != nil {
			return worker.Reject(errAway)
		}
		return nil
	}), workertest.Config{Delivery: v1alpha1.Delivery{OnFailure: &v1alpha1.OnFailure{Type: ptr.To(v1alpha1.FailureDeadLetter)}}})
	w.PublishMessage("a", key.Message{Headers: map[string][]string{"bad": {"yes"}}})
	w.Publish("a", nil)
	if diff := cmp.Diff([]uint64{1}, sequences(w.DeadLetters())); diff != "" {
		t.Errorf("dead letters (-want +got):\n%s", diff)
	}
	want := []workertest.Call{
		{At: w.Now(), Key: "a", Messages: []uint64{1}, Attempt: 1, Outcome: "Failed", Rejected: true},
		{At: w.Now(), Key: "a", Messages: []uint64{2}, Attempt: 1, Outcome: "Done", Completed: 1},
	}
	if diff := cmp.Diff(want, w.Calls()); diff != "" {
		t.Errorf("calls (-want +got):\n%s", diff)
	}
}

func TestPanicsAreFailures(t *testing.T) {
	w := workertest.New(t, worker.HandlerFunc(func(_ context.Context, m *worker.Message) error {
		if m.Attempt < 3 {
			panic("no")
		}
		return nil
	}), workertest.Config{})
	w.Publish("a", nil)
	w.Advance(time.Minute)
	if len(w.Completed()) != 1 || len(w.Calls()) != 3 {
		t.Errorf("%d completed in %d calls", len(w.Completed()), len(w.Calls()))
	}
}

// A handler without a method for batches is given their messages one by one, each with its own delivery.
func TestABatchIsHandledOneByOne(t *testing.T) {
	var handled []uint64
	w := workertest.New(t, worker.HandlerFunc(func(ctx context.Context, m *worker.Message) error {
		if d, ok := worker.FromContext(ctx); !ok || d != m.Delivery || d.Key != "a" || d.Epoch == 0 {
			t.Errorf("the context says %+v of message %+v", d, m.Delivery)
		}
		if m.Sequence == 3 && m.Attempt == 1 || m.Sequence == 1 && m.Attempt == 1 {
			return errAway
		}
		handled = append(handled, m.Sequence)
		return nil
	}), workertest.Config{Delivery: v1alpha1.Delivery{Batch: &v1alpha1.Batch{MaxMessages: ptr.To[int32](5)}}})
	for range 4 {
		w.Publish("a", nil)
	}
	w.Advance(time.Minute)
	if diff := cmp.Diff([]uint64{1, 2, 3, 4}, handled); diff != "" {
		t.Errorf("handled (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]uint64{1, 2, 3, 4}, sequences(w.Completed())); diff != "" {
		t.Errorf("completed (-want +got):\n%s", diff)
	}
}

// More messages than a lane keeps in memory are read again when their turn comes.
func TestManyMessagesOfOneKey(t *testing.T) {
	w := workertest.New(t, failing(1), workertest.Config{})
	for range 5000 {
		w.Publish("a", nil)
	}
	w.Advance(time.Minute)
	if got := sequences(w.Completed()); len(got) != 5000 || got[4999] != 5000 {
		t.Errorf("%d completed", len(got))
	}
}

func TestNothingButFailures(t *testing.T) {
	w := workertest.New(t, failing(1<<30), workertest.Config{})
	for i := range 20 {
		w.Publish(fmt.Sprint(i), nil)
	}
	w.Advance(time.Hour)
	if !w.Refusing() || len(w.Parked("0")) != 0 {
		t.Errorf("refusing: %t, %d parked", w.Refusing(), len(w.Parked("0")))
	}
}
