// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package worker_test

import (
	"context"
	"errors"
	"fmt"
	"time"

	"k8s.io/utils/ptr"

	"convoy.dev/convoy/api/v1alpha1"
	"convoy.dev/convoy/worker"
	"convoy.dev/convoy/worker/workertest"
)

// A handler completes a message by returning nil. A program calls worker.Main with it, and imports its pool's broker; here
// workertest plays the worker.
func ExampleHandlerFunc() {
	handler := worker.HandlerFunc(func(_ context.Context, m *worker.Message) error {
		fmt.Printf("%s is %s (sequence %d, attempt %d)\n", m.Key, m.Data, m.Sequence, m.Attempt)
		return nil
	})

	w, err := workertest.Make(handler, workertest.Config{})
	if err != nil {
		panic(err)
	}
	defer w.Close()
	w.Publish("order-1", []byte("Created"))
	w.Publish("order-2", []byte("Created"))
	w.Publish("order-1", []byte("Paid"))
	// Output:
	// order-1 is Created (sequence 1, attempt 1)
	// order-2 is Created (sequence 2, attempt 1)
	// order-1 is Paid (sequence 3, attempt 1)
}

// What is rejected is not tried again: it is parked, unless the pool says otherwise, and its key waits for a person.
func ExampleReject() {
	handler := worker.HandlerFunc(func(_ context.Context, m *worker.Message) error {
		if string(m.Data) == "?" {
			return worker.Reject(errors.New("no such state"))
		}
		return nil
	})

	w, err := workertest.Make(handler, workertest.Config{})
	if err != nil {
		panic(err)
	}
	defer w.Close()
	w.Publish("order-1", []byte("?"))
	w.Publish("order-1", []byte("Paid"))
	fmt.Println(len(w.Calls()), "call,", len(w.Parked("order-1")), "messages parked")
	// Output: 1 call, 2 messages parked
}

// What a service that is busy asks for is honoured; other keys go on.
func ExampleRetryAfter() {
	handler := worker.HandlerFunc(func(_ context.Context, m *worker.Message) error {
		if m.Attempt == 1 {
			return worker.RetryAfter(errors.New("the bank is busy"), time.Minute)
		}
		return nil
	})

	w, err := workertest.Make(handler, workertest.Config{})
	if err != nil {
		panic(err)
	}
	defer w.Close()
	w.Publish("order-1", nil)
	wait, _ := w.Next()
	w.Advance(wait)
	fmt.Println("completed after", wait, ":", len(w.Completed()))
	// Output: completed after 1m0s : 1
}

// A BatchFunc gets messages of one key together, and says how many of them it has completed.
func ExampleBatchFunc() {
	handler := worker.BatchFunc(func(_ context.Context, messages []*worker.Message) (int, error) {
		for i, m := range messages {
			if m.Attempt == 1 && string(m.Data) == "c" {
				return i, errors.New("not yet")
			}
		}
		return len(messages), nil
	})

	delivery := v1alpha1.Delivery{Batch: &v1alpha1.Batch{MaxMessages: ptr.To[int32](10)}, MaxInFlightKeys: ptr.To[int32](1)}
	w, err := workertest.Make(handler, workertest.Config{Delivery: delivery})
	if err != nil {
		panic(err)
	}
	defer w.Close()
	for _, data := range []string{"c", "b", "c", "d"} {
		w.Publish("order-1", []byte(data))
	}
	w.Advance(time.Minute)
	for _, call := range w.Calls() {
		fmt.Println(call.Messages, call.Outcome, call.Completed)
	}
	// Output:
	// [1] Failed 0
	// [1] Done 1
	// [2 3 4] Failed 1
	// [3] Done 1
	// [4] Done 1
}

// Code that has no Message finds in its context which one it works for, for a log or an idempotency key.
func ExampleFromContext() {
	book := func(ctx context.Context) {
		d, _ := worker.FromContext(ctx)
		fmt.Printf("booking %s/%d\n", d.Key, d.Sequence)
	}
	handler := worker.HandlerFunc(func(ctx context.Context, _ *worker.Message) error {
		book(ctx)
		return nil
	})

	w, err := workertest.Make(handler, workertest.Config{})
	if err != nil {
		panic(err)
	}
	defer w.Close()
	w.Publish("order-1", nil)
	// Output: booking order-1/1
}
