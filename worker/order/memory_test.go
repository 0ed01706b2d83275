// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package order

import (
	"fmt"
	"strings"
	"testing"
	"unsafe"
)

// TestNothingIsAllocated: the steady state allocates nothing, whether calls succeed, fail and are tried again, or time
// out.
func TestNothingIsAllocated(t *testing.T) {
	f := newFlow(t, Config{
		MaxInFlightKeys: 64, BatchMaxMessages: 4, Buffer: 512, MaxAttempts: 1000, OutageKeys: 1 << 30,
		Timeout: 10, InitialBackoff: 10, MaxBackoff: 20,
	}, 4, 1000)
	progress := Progress{}
	n := 0
	round := func() {
		f.feed(64)
		now := Instant(f.position) * 200
		f.effects = f.seq.Poll(now, f.effects)
		for i := range f.effects {
			if f.effects[i].Kind != Start {
				continue
			}
			switch n++; n % 10 {
			case 0:
				f.seq.Failed(now, f.effects[i].Call, Failure{Completed: len(f.effects[i].Items) - 1})
			case 1:
				f.seq.TimedOut(now, f.effects[i].Call, now)
			default:
				f.seq.Done(now, f.effects[i].Call)
			}
		}
		for lane := range int32(4) {
			f.seq.Snapshot(lane, &progress)
			f.seq.Flushed(lane, progress.Version)
		}
	}
	for range 5000 {
		round()
	}
	if allocations := testing.AllocsPerRun(1000, round); allocations != 0 {
		t.Errorf("%v allocations in a round of 64 messages", allocations)
	}
}

// TestParkingAllocatesNothing: failing, parking, releasing and running from the park does not either.
func TestParkingAllocatesNothing(t *testing.T) {
	f := newFlow(t, Config{MaxAttempts: 1, Brake: Brake{MinFailed: 1 << 30}}, 1, 1)
	parked := make([]Message, 0, 4)
	round := func() {
		f.feed(3)
		failed := false
		for range 12 {
			f.effects = f.seq.Poll(0, f.effects)
			for i := range f.effects {
				switch e := &f.effects[i]; e.Kind {
				case Start:
					if !failed {
						failed = f.seq.Failed(0, e.Call, Failure{Permanent: true})
						continue
					}
					f.seq.Done(0, e.Call)
				case ParkMessage:
					parked = append(parked, Message{Sequence: e.Sequence, Payload: e.Payload})
					f.seq.Parked(0, 0, e.Hash, e.Key, e.Sequence)
					f.seq.Release(0, e.Hash, e.Key)
				case ReadParked:
					f.seq.ParkedMessages(0, e.Hash, e.Key, e.Read, parked[:e.Count])
					parked = append(parked[:0], parked[e.Count:]...)
				case Unpark:
					f.seq.Unparked(0, 0, e.Hash, e.Key, e.Count)
				default:
				}
			}
		}
		if f.seq.Len() != 0 {
			t.Fatalf("%d keys are left", f.seq.Len())
		}
	}
	for range 100 {
		round()
	}
	if allocations := testing.AllocsPerRun(100, round); allocations != 0 {
		t.Errorf("%v allocations in a round", allocations)
	}
}

// TestMillionKeysPassInFlatMemory: what is idle is forgotten.
func TestMillionKeysPassInFlatMemory(t *testing.T) {
	f := newFlow(t, Config{MaxInFlightKeys: 64}, 2, 0)
	sizes := func() string {
		s := f.seq
		return fmt.Sprint(cap(s.keys.items), cap(s.nodes.items), cap(s.chunks.items), len(s.calls), len(s.index.slots), cap(s.timers), cap(s.lanes[1].ledger.stragglers))
	}
	settled := ""
	for n := range 1_000_000 {
		key := fmt.Sprint("customer-", n)
		f.position++
		f.seq.Message(int32(n%2), Message{Position: f.position, Sequence: Sequence(f.position), Hash: uint64(n) * 0x9e3779b97f4a7c15, Key: key, Payload: Payload(f.position)})
		if n%100 == 99 {
			for f.done <= n {
				f.turn()
			}
		}
		if n == 10_000 {
			settled = sizes()
		}
	}
	if f.seq.Len() != 0 {
		t.Errorf("%d keys are still known", f.seq.Len())
	}
	if now := sizes(); now != settled {
		t.Errorf("sizes were %s after 10,000 keys, %s after 1,000,000", settled, now)
	}
}

// TestPositionCostsAtMost16Bytes: a key that nobody can run may fill the look-ahead.
func TestPositionCostsAtMost16Bytes(t *testing.T) {
	const messages = 99_000
	f := newFlow(t, Config{OnFailure: Block}, 1, 1)
	f.feed(messages)
	s := f.seq
	bytes := cap(s.chunks.items)*int(unsafe.Sizeof(chunk{})) + cap(s.chunks.free)*4 + cap(s.lanes[1].ledger.stragglers)*8
	if each := float64(bytes) / messages; each > 16 {
		t.Errorf("%.1f bytes a message", each)
	}
	if payloads := s.lanes[1].payloads; payloads > 512 {
		t.Errorf("%d payloads of one key", payloads)
	}
}

// TestStuckKeyStopsNobody: one key fails for ever and receives most of the messages; every message of the others
// passes, through a look-ahead far smaller than what the stuck key receives.
func TestStuckKeyStopsNobody(t *testing.T) {
	const messages = 20_000
	f := newFlow(t, Config{MaxInFlightKeys: 4, MaxAttempts: 1 << 30, Buffer: 32, LookAhead: 500}, 1, 0)
	s := f.seq
	passed, parked := 0, 0
	carryOut := func(e Effect) {
		switch e.Kind {
		case Start:
			if e.Key == "stuck" {
				s.Failed(Instant(f.position), e.Call, Failure{})
				return
			}
			passed += len(e.Items)
			s.Done(Instant(f.position), e.Call)
		case Read:
			s.Reread(0, Message{Position: e.Position, Sequence: Sequence(e.Position), Hash: e.Hash, Key: e.Key, Payload: 1})
		case ParkMessage:
			parked++
			s.Parked(Instant(f.position), 0, e.Hash, e.Key, e.Sequence)
		case Blocked:
			t.Fatal("the lane is blocked")
		default:
		}
	}
	for f.position < messages {
		for n := s.Credit(0); n > 0 && f.position < messages; n-- {
			f.position++
			key := "stuck"
			if f.position%4 == 0 {
				key = fmt.Sprint("fine", f.position%40)
			}
			if !s.Message(0, Message{Position: f.position, Sequence: Sequence(f.position), Hash: uint64(len(key)), Key: strings.Clone(key), Payload: 1}) {
				t.Fatalf("refused %d: %d passed", f.position, passed)
			}
		}
		f.effects = s.Poll(Instant(f.position), f.effects)
		for _, e := range f.effects {
			carryOut(e)
		}
	}
	if passed < messages/4-100 {
		t.Errorf("%d of %d passed", passed, messages/4)
	}
	if parked < messages/2 {
		t.Errorf("%d diverted", parked)
	}
}

// TestLanesTakeTurns: a lane with a thousand ready keys gets no more than its turn.
func TestLanesTakeTurns(t *testing.T) {
	f := newFlow(t, Config{MaxInFlightKeys: 1, Buffer: 2000, LookAhead: 4000}, 3, 0)
	for n := range 1000 {
		f.seq.Message(0, Message{Position: Position(n + 1), Sequence: Sequence(n), Hash: uint64(n), Key: fmt.Sprint(n), Payload: 1})
	}
	for lane := int32(1); lane <= 2; lane++ {
		for n := range 5 {
			f.seq.Message(lane, Message{Position: Position(n + 1), Sequence: Sequence(n), Hash: uint64(n), Key: fmt.Sprint(n), Payload: 1})
		}
	}
	var order strings.Builder
	for range 20 {
		f.effects = f.seq.Poll(0, f.effects)
		for _, e := range f.effects {
			if e.Kind == Start {
				fmt.Fprint(&order, e.Lane)
				f.seq.Done(0, e.Call)
			}
		}
	}
	if want := "012012012012012" + "00000"; order.String() != want {
		t.Errorf("lanes started %s, want %s", order.String(), want)
	}
}
