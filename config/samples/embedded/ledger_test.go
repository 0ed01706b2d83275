// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"testing"

	"convoy.dev/convoy/worker/workertest"
)

func TestAnOrderGoesThroughItsStates(t *testing.T) {
	l := &ledger{orders: map[string]order{}}
	w := workertest.New(t, l, workertest.Config{})
	w.Publish("order-1", []byte(`{"state": "Created"}`))
	w.Publish("order-2", []byte(`{"state": "Created"}`))
	w.Publish("order-1", []byte(`{"state": "Paid"}`))
	if l.orders["order-1"].state != "Paid" || l.orders["order-2"].state != "Created" {
		t.Errorf("%+v", l.orders)
	}
}

func TestAMessageWithoutAStateWaitsForAPerson(t *testing.T) {
	l := &ledger{orders: map[string]order{}}
	w := workertest.New(t, l, workertest.Config{})
	w.Publish("order-1", []byte(`{"state": "Created"}`))
	w.Publish("order-1", []byte(`nonsense`))
	w.Publish("order-1", []byte(`{"state": "Paid"}`))
	if got := len(w.Parked("order-1")); got != 2 || l.orders["order-1"].state != "Created" {
		t.Errorf("%d messages are parked, %+v", got, l.orders)
	}
}

func TestWhatComesAgainIsBookedOnce(t *testing.T) {
	l := &ledger{orders: map[string]order{"order-1": {state: "Shipped", epoch: 1, sequence: 5}}}
	w := workertest.New(t, l, workertest.Config{})
	w.Publish("order-1", []byte(`{"state": "Created"}`))
	if len(w.Completed()) != 1 || l.orders["order-1"].state != "Shipped" {
		t.Errorf("%+v", l.orders)
	}
}
