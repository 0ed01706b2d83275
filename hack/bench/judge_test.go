// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package bench

import (
	"runtime"
	"slices"
	"testing"
	"time"
)

// outcome is what one run came to: latencies of all others, and of the neighbours of the two among them.
type outcome struct {
	others, neighbours latencies
	// heap is what was in use at the end, in MB.
	heap float64
	// stalled is which part of the messages, in hundredths, is left out because the machine stood still around them.
	stalled float64
}

type latencies struct{ p50, p99 time.Duration }

// late is from when on a publisher that waits for nothing but the clock says by its lateness that the machine stood still; messages
// that were due within around of that are not counted. The publisher never waits for the system that is measured.
const (
	late   = 2 * time.Millisecond
	around = 10 * time.Millisecond
)

// outcome sums a run up.
func (c *crowd) outcome(heap float64) outcome {
	stalled := make([]bool, messages)
	for number, sent := range c.sent {
		if sent < late {
			continue
		}
		for i := max(0, number-int(around/due(1))); i < messages && due(i) <= due(number)+sent+around; i++ {
			stalled[i] = true
		}
	}
	var all, neighbours []time.Duration
	for i := first; i < messages; i++ {
		if stalled[i] {
			continue
		}
		all = append(all, time.Duration(c.came[i].Load()))
		if near(i) {
			neighbours = append(neighbours, time.Duration(c.came[i].Load()))
		}
	}
	return outcome{percentiles(all), percentiles(neighbours), heap, 100 - 100*float64(len(all))/float64(messages-first)}
}

// percentiles of nothing are 0.
func percentiles(of []time.Duration) latencies {
	if len(of) == 0 {
		return latencies{}
	}
	slices.Sort(of)
	return latencies{of[len(of)/2], of[len(of)*99/100]}
}

// judge prints what the two kinds of runs came to, and fails when the promise is broken.
func judge(b *testing.B, without, with []outcome) {
	b.Helper()
	compare(b, "others", medianOf(without, func(o outcome) latencies { return o.others }), medianOf(with, func(o outcome) latencies { return o.others }))
	compare(b, "neighbours", medianOf(without, func(o outcome) latencies { return o.neighbours }),
		medianOf(with, func(o outcome) latencies { return o.neighbours }))
	inUse := func(o outcome) float64 { return o.heap }
	alone, used := median(without, inUse), median(with, inUse)
	b.ReportMetric(used, "heap-MB")
	b.ReportMetric(alone, "heap-MB-without")
	if used > alone+allowedMemory {
		b.Errorf("the heap is %.1f MB, without the two %.1f MB", used, alone)
	}
	stalled := func(o outcome) float64 { return o.stalled }
	b.ReportMetric(max(median(without, stalled), median(with, stalled)), "%-stalled")
	b.ReportMetric(0, "ns/op") // It would be the time that all runs take.
}

func compare(b *testing.B, name string, without, with latencies) {
	b.Helper()
	b.Logf("%-10s p50 %.2f ms, p99 %.2f ms; without the two p50 %.2f ms, p99 %.2f ms",
		name, milliseconds(with.p50), milliseconds(with.p99), milliseconds(without.p50), milliseconds(without.p99))
	b.ReportMetric(milliseconds(with.p99), name+"-p99-ms")
	b.ReportMetric(float64(with.p99)/float64(without.p99), name+"-p99-ratio")
	if most := max(time.Duration(allowedRatio*float64(without.p99)), without.p99+allowedMore); with.p99 > most {
		b.Errorf("%s: p99 is %v, may be %v", name, with.p99, most)
	}
}

func milliseconds(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }

func medianOf(of []outcome, pick func(outcome) latencies) latencies {
	return latencies{
		median(of, func(o outcome) time.Duration { return pick(o).p50 }), median(of, func(o outcome) time.Duration { return pick(o).p99 }),
	}
}

func median[V time.Duration | float64](of []outcome, what func(outcome) V) V {
	values := make([]V, len(of))
	for i := range of {
		values[i] = what(of[i])
	}
	slices.Sort(values)
	return values[len(values)/2]
}

// heap is what is in use, in MB.
func heap() float64 {
	for range 2 { // What finalizers and pools hold goes with the second one.
		runtime.GC()
	}
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return float64(m.HeapAlloc) / (1 << 20)
}

// wait waits for something, a minute at most.
func wait(b *testing.B, what string, holds func() bool) {
	b.Helper()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	enough := time.NewTimer(time.Minute)
	defer enough.Stop()
	for !holds() {
		select {
		case <-tick.C:
		case <-enough.C:
			b.Fatalf("%s do not come", what)
		}
	}
}
