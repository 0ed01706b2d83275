// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package order

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestSkippedMessagesAreCompleted(t *testing.T) {
	s, err := New(Config{})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Open(Opening{Lane: 3, Epoch: 1, Progress: Progress{LowWater: 10, Ranges: []Range{{14, 14}}}}); err != nil {
		t.Fatal(err)
	}
	for _, step := range []struct {
		at   Position
		skip bool
	}{{11, true}, {12, false}, {13, true}, {15, true}, {16, false}, {17, true}} {
		if took := step.skip && s.Skip(3, step.at) || !step.skip && s.Message(3, Message{Position: step.at, Sequence: Sequence(step.at), Key: "a", Payload: 1}); !took {
			t.Fatalf("%d is not taken", step.at)
		}
	}
	var got Progress
	s.Snapshot(3, &got)
	want := Progress{LowWater: 11, Ranges: []Range{{13, 15}, {17, 17}}, Taken: 17}
	if got.LowWater != want.LowWater || got.Taken != want.Taken || !cmp.Equal(got.Ranges, want.Ranges) {
		t.Errorf("got %+v, want %+v", got, want)
	}
	if !s.Skip(3, 13) {
		t.Error("a message seen before is not taken")
	}
	if s.Skip(4, 1) {
		t.Error("a lane that is not open takes a message")
	}
	s.Revoke(3)
	if s.Skip(3, 18) {
		t.Error("a draining lane takes a message")
	}
}

func TestWithoutAParkNothingIsDiverted(t *testing.T) {
	if _, err := New(Config{NoPark: true}); err == nil {
		t.Error("OnFailure Park is accepted without a park")
	}
	s, err := New(Config{NoPark: true, OnFailure: DeadLetter, Buffer: 4, LookAhead: 8})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Open(Opening{Lane: 1, Epoch: 1}); err != nil {
		t.Fatal(err)
	}
	taken := 0
	for at := Position(1); s.Message(1, Message{Position: at, Sequence: Sequence(at), Key: "hot", Payload: Payload(at)}); at++ {
		taken++
	}
	if !s.Full(1) || s.Full(2) {
		t.Error("the lane is not said to be full, or one that is not open is")
	}
	if taken != 8 {
		t.Errorf("%d messages of one key are taken, want the whole look-ahead of 8", taken)
	}
	blocked := false
	for _, e := range s.Poll(0, nil) {
		blocked = blocked || e.Kind == Blocked
		if e.Kind == ParkMessage {
			t.Error("a message goes to a park that is not there")
		}
	}
	if !blocked {
		t.Error("nothing says that the lane is blocked")
	}
}
