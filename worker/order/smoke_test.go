// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package order

import "testing"

func TestSmoke(t *testing.T) {
	s, err := New(Config{MaxInFlightKeys: 2})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Open(Opening{Lane: 3, Epoch: 7}); err != nil {
		t.Fatal(err)
	}
	for i := 1; i <= 6; i++ {
		s.Message(3, Message{Position: Position(i), Sequence: Sequence(i), Hash: uint64(i % 3), Key: string(rune('a' + i%3)), Payload: Payload(i)})
	}
	var b []Effect
	n := 0
	for i := 0; i < 10; i++ {
		out := s.Poll(Instant(i), b)
		for _, e := range out {
			t.Log(i, e.Kind, e.Key, e.Items, e.Position)
			if e.Kind == Start {
				s.Done(Instant(i), e.Call)
				n++
			}
		}
		b = out
	}
	s.Revoke(3)
	out := s.Poll(100, b)
	if n != 6 || len(out) != 1 || out[0].Kind != Drained || out[0].Progress.LowWater != 6 {
		t.Fatal(n, out, out[0].Progress)
	}
}
