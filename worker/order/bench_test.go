// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package order

import (
	"strconv"
	"testing"
)

// flow is a caller in its simplest form: it feeds lanes in turn and answers every call with success.
type flow struct {
	seq      *Sequencer
	keys     []string
	lanes    int
	position Position
	effects  []Effect
	done     int
}

func newFlow(tb testing.TB, config Config, lanes, keys int) *flow {
	tb.Helper()
	seq, err := New(config)
	if err != nil {
		tb.Fatal(err)
	}
	f := &flow{seq: seq, lanes: lanes}
	for i := range lanes {
		if err := seq.Open(Opening{Lane: int32(i), Epoch: 1}); err != nil {
			tb.Fatal(err)
		}
	}
	for i := range keys {
		f.keys = append(f.keys, "order-"+strconv.Itoa(1_000_000+i))
	}
	return f
}

// feed hands in n messages, keys in a scattered order.
func (f *flow) feed(n int) {
	for range n {
		f.position++
		k := uint64(f.position) * 0x9e3779b97f4a7c15
		i := k >> 32 % uint64(len(f.keys))
		m := Message{Position: f.position, Sequence: Sequence(f.position), Hash: i * 0xbf58476d1ce4e5b9, Key: f.keys[i], Payload: Payload(f.position)}
		if !f.seq.Message(int32(i)%int32(f.lanes), m) {
			panic("refused")
		}
	}
}

// turn polls once and answers what was started.
func (f *flow) turn() {
	now := Instant(f.position) * 200
	f.effects = f.seq.Poll(now, f.effects)
	for i := range f.effects {
		switch f.effects[i].Kind {
		case Start:
			f.seq.Done(now, f.effects[i].Call)
		case Complete:
			f.done++
		default:
		}
	}
}

func (f *flow) run(messages int) {
	for f.done < messages {
		if int(f.position)-f.done < 512 {
			f.feed(64)
		}
		f.turn()
	}
}

// BenchmarkSequencer passes messages of 10,000 keys through 16 lanes, each fed, started, answered and completed. One
// operation is one message.
func BenchmarkSequencer(b *testing.B) {
	f := newFlow(b, Config{MaxInFlightKeys: 128, Buffer: 1024}, 16, 10_000)
	f.run(100_000)
	b.ReportAllocs()
	b.ResetTimer()
	f.run(f.done + b.N)
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "msg/s")
}
