// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package order

import (
	"strings"
	"testing"
)

func TestNewNamesTheWrongField(t *testing.T) {
	for _, c := range []struct {
		config Config
		want   string
	}{
		{Config{MaxInFlightKeys: -1}, "MaxInFlightKeys is -1"},
		{Config{Timeout: -1}, "Timeout is -1"},
		{Config{MaxAttempts: -1}, "MaxAttempts is -1"},
		{Config{BatchMaxMessages: -3}, "BatchMaxMessages is -3"},
		{Config{InitialBackoff: 10, MaxBackoff: 9}, "MaxBackoff 9 is below InitialBackoff 10"},
		{Config{Buffer: 100, LookAhead: 99}, "LookAhead 99 is below Buffer 100"},
		{Config{OnFailure: 3}, "unknown policy 3"},
		{Config{Brake: Brake{Window: 5}}, "Brake.Window"},
	} {
		if _, err := New(c.config); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%+v: %v, want %q", c.config, err, c.want)
		}
	}
}

func TestOpenRefusesWhatIsOpenOrNoLane(t *testing.T) {
	s, err := New(Config{})
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		lane int32
		want string
	}{{-1, "opening lane -1: not in 0..1048575"}, {1 << 20, "not in"}, {5, ""}, {5, "opening lane 5 at epoch 2: it is open"}} {
		switch err := s.Open(Opening{Lane: c.lane, Epoch: 2}); {
		case c.want == "" && err != nil, c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)):
			t.Errorf("lane %d: %v, want %q", c.lane, err, c.want)
		}
	}
	if lanes := s.Lanes(); len(lanes) != 1 || lanes[0] != 5 {
		t.Errorf("open lanes %v", lanes)
	}
	s.Revoke(5)
	if err := s.Open(Opening{Lane: 5, Epoch: 3}); err != nil {
		t.Errorf("opening a drained lane: %v", err)
	}
}

// TestStrangersAreIgnored: answers for what is not there change nothing.
func TestStrangersAreIgnored(t *testing.T) {
	s, err := New(Config{})
	if err != nil {
		t.Fatal(err)
	}
	accepted := []bool{
		s.Message(1, Message{Position: 1}), s.Done(0, 77), s.Failed(0, 1<<32|5, Failure{}), s.TimedOut(0, 0, 0), s.Parked(0, 1, 1, "a", 1), s.Unparked(0, 1, 1, "a", 1),
		s.DeadLettered(0, 1, 1, "a"), s.Release(1, 1, "a"), s.Discard(1, 1, "a"),
		s.Revoke(1), s.Fenced(1), s.Pause(1), s.Resume(1), s.NotStarted(0), s.NotStarted(77), s.Snapshot(1, &Progress{}),
	}
	for i, ok := range accepted {
		if ok {
			t.Errorf("event %d was accepted", i)
		}
	}
	s.Flushed(1, 1)
	s.Reread(1, Message{Position: 1, Payload: 8})
	s.ParkedMessages(1, 1, "a", 1, []Message{{Sequence: 1, Payload: 9}})
	out := s.Poll(0, nil)
	if len(out) != 2 || out[0].Kind != Drop || out[0].Payload != 8 || out[1].Kind != Drop || out[1].Payload != 9 {
		t.Errorf("effects %v", out)
	}
}
