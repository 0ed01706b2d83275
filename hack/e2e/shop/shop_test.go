// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package shop

import (
	"slices"
	"testing"
)

const events = 20_000

func stream(t *testing.T, seed uint64, orders int) []Event {
	t.Helper()
	s, err := NewStream(StreamConfig{Seed: seed, Orders: orders})
	if err != nil {
		t.Fatal(err)
	}
	var all []Event
	for range events {
		all = append(all, s.Next())
	}
	return all
}

func TestEachEventMayFollowTheOneBeforeItOfItsOrder(t *testing.T) {
	last := map[string]Event{}
	visited := map[State]bool{}
	for _, e := range stream(t, 1, 100) {
		if before := last[e.Order]; e.Number != before.Number+1 || !Possible(before.State, e.State) {
			t.Fatalf("%+v follows %+v", e, before)
		}
		last[e.Order] = e
		visited[e.State] = true
	}
	if len(visited) != len(follows)-1 { // None is no event.
		t.Errorf("the stream visits %v, want every state", visited)
	}
}

func TestASeedIsOneStream(t *testing.T) {
	if !slices.Equal(stream(t, 7, 50), stream(t, 7, 50)) {
		t.Error("two streams of one seed differ")
	}
	if slices.Equal(stream(t, 7, 50), stream(t, 8, 50)) {
		t.Error("the streams of two seeds are the same")
	}
}

func TestSomeOrdersAreMorePopular(t *testing.T) {
	counts := map[string]int{}
	for _, e := range stream(t, 3, 1000) {
		counts[e.Order]++
	}
	if first, middle := counts["order-0000"], counts["order-0500"]; first < 10*max(middle, 1) || first > events/10 {
		t.Errorf("the first order has %d events and the middle one %d, want a skew of ten and less than a tenth of all", first, middle)
	}
}

func TestMostStepsOutOfOrderAreImpossible(t *testing.T) {
	for _, c := range []struct {
		from, to State
		want     bool
	}{
		{None, Created, true},
		{None, Paid, false},
		{Created, Packed, false},
		{Shipped, Cancelled, false},
		{Cancelled, Created, false},
		{Cancelled, Refunded, true},
		{Refunded, Created, true},
		{Paid, Paid, false},
	} {
		if got := Possible(c.from, c.to); got != c.want {
			t.Errorf("from %q to %q: %v, want %v", c.from, c.to, got, c.want)
		}
	}
}

func TestAStreamNeedsAnOrder(t *testing.T) {
	if _, err := NewStream(StreamConfig{}); err == nil {
		t.Error("a stream without orders was made")
	}
}
