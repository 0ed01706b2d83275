// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package order

import "testing"

func open(t *testing.T, config Config, o Opening) *Sequencer {
	t.Helper()
	s, err := New(config)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Open(o); err != nil {
		t.Fatal(err)
	}
	return s
}

// only returns the one effect of a kind.
func only(t *testing.T, effects []Effect, kind EffectKind) Effect {
	t.Helper()
	var found []Effect
	for _, e := range effects {
		if e.Kind == kind {
			found = append(found, e)
		}
	}
	if len(found) != 1 {
		t.Fatalf("%d effects %v in %v", len(found), kind, effects)
	}
	return found[0]
}

func message(position int, key string) Message {
	return Message{Position: Position(position), Sequence: Sequence(position), Hash: uint64(len(key)), Key: key, Payload: Payload(position)}
}

// TestRefusedMessageComesFirst: a successor that was taken before it would make the progress claim a message that
// nobody has.
func TestRefusedMessageComesFirst(t *testing.T) {
	s := open(t, Config{OnFailure: Block, Buffer: 2, LookAhead: 2}, Opening{})
	s.Message(0, message(1, "a"))
	s.Message(0, message(2, "a"))
	if s.Message(0, message(3, "b")) {
		t.Fatal("taken beyond the look-ahead")
	}
	s.Done(0, only(t, s.Poll(0, nil), Start).Call)
	if s.Message(0, message(4, "b")) {
		t.Error("the successor of a refused message was taken")
	}
	if !s.Message(0, message(3, "b")) {
		t.Error("there is room, but the refused message was not taken")
	}
}

// TestLateAnswerIsNotTheNextCalls: the record of a call is used again, its number is not.
func TestLateAnswerIsNotTheNextCalls(t *testing.T) {
	s := open(t, Config{}, Opening{})
	s.Message(0, message(1, "a"))
	first := only(t, s.Poll(0, nil), Start)
	s.Done(0, first.Call)
	s.Message(0, message(2, "a"))
	second := only(t, s.Poll(0, nil), Start)
	if uint32(first.Call) != uint32(second.Call) {
		t.Fatal("the record was not used again; the test proves nothing")
	}
	if s.Done(0, first.Call) || s.Running() != 1 {
		t.Error("a late answer concluded another call")
	}
}

// TestClockNeverGoesBack: a reading from the past must not shorten a hold.
func TestClockNeverGoesBack(t *testing.T) {
	s := open(t, Config{Timeout: 100}, Opening{})
	s.Poll(1000, nil)
	s.Message(0, message(1, "a"))
	call := only(t, s.Poll(500, nil), Start).Call
	s.TimedOut(500, call, 500)
	if due, ok := s.Deadline(); !ok || due != 1100 {
		t.Errorf("held until %d, want 1100", due)
	}
}

// TestAnswerToAnOldReadIsDropped: the key was parked, emptied and parked again while a read of its first park was under
// way.
func TestAnswerToAnOldReadIsDropped(t *testing.T) {
	s := open(t, Config{MaxAttempts: 1}, Opening{Parked: []ParkedKey{{Hash: 1, Key: "a", First: 1, Last: 2, Count: 2, Released: true}}})
	old := only(t, s.Poll(0, nil), ReadParked)
	s.Discard(0, 1, "a")
	removed := only(t, s.Poll(0, nil), Unpark)
	s.Unparked(0, 0, 1, "a", removed.Count)
	s.Message(0, message(3, "a"))
	s.Failed(0, only(t, s.Poll(0, nil), Start).Call, Failure{Permanent: true})
	only(t, s.Poll(0, nil), ParkMessage)
	s.Parked(0, 0, 1, "a", 3)
	s.Release(0, 1, "a")
	fresh := only(t, s.Poll(0, nil), ReadParked)
	s.ParkedMessages(0, 1, "a", old.Read, []Message{{Sequence: 1, Payload: 8}})
	if dropped := only(t, s.Poll(0, nil), Drop); dropped.Payload != 8 {
		t.Errorf("dropped %v", dropped)
	}
	s.ParkedMessages(0, 1, "a", fresh.Read, []Message{{Sequence: 3, Payload: 9}})
	if started := only(t, s.Poll(0, nil), Start); started.Items[0].Sequence != 3 {
		t.Errorf("started %v", started.Items)
	}
}

// TestDeadLetteredKeyCountsOnce: three of thirteen keys are more than a fifth; were the failed ones counted again when
// their convoys ran empty, three of fifteen would not be.
func TestDeadLetteredKeyCountsOnce(t *testing.T) {
	s := open(t, Config{MaxAttempts: 1, OnFailure: DeadLetter, Brake: Brake{MinFailed: 3}}, Opening{})
	braking := 0
	for n := 1; n <= 13; n++ {
		s.Message(0, message(n, string(rune('a'+n))))
		call := only(t, s.Poll(0, nil), Start).Call
		if n <= 10 {
			s.Done(0, call)
			continue
		}
		s.Failed(0, call, Failure{})
		for _, e := range s.Poll(0, nil) {
			switch e.Kind {
			case DeadLetterMessage:
				s.DeadLettered(0, 0, e.Hash, e.Key)
			case Braking:
				braking = n
			default:
			}
		}
	}
	if braking != 13 {
		t.Errorf("the lane brakes at key %d, want 13", braking)
	}
}
