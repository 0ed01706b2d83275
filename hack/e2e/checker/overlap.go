// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package checker

import "time"

// suspicion is an apparent overlap that waits for the former call's process to show that it lives.
type suspicion struct {
	number        uint64
	former, later Call
	process       string // of the former
	since         time.Time
}

// overlap looks whether another call of the key runs. A call of the same process certainly does; one of another process
// only if that process still lives.
func (b *Book) overlap(key *convoy, r *running, now time.Time) Decision {
	former := key.call
	if former == nil || now.Sub(former.since) > b.callTime {
		return Decision{}
	}
	if former.process == r.process {
		b.violate(now, RuleOverlap, "%v started while %v ran", r.Call, former.Call)
		return Decision{}
	}
	b.asked++
	b.suspects = append(b.suspects, suspicion{b.asked, former.Call, r.Call, former.process, now})
	return Decision{Ask: former.process, Number: b.asked}
}

// Answer tells that a process which was asked has answered: it lived, and so did its call.
func (b *Book) Answer(process string, number uint64) {
	b.resolve(func(s suspicion) bool { return s.process == process && s.number <= number }, b.guilty)
}

// Leave tells that a process is gone, and with it its calls.
func (b *Book) Leave(process string) {
	b.resolve(func(s suspicion) bool { return s.process == process }, func(suspicion) {})
	for name, r := range b.running {
		if name.process != process {
			continue
		}
		delete(b.running, name)
		if key := b.key(r.Key); key.call == r {
			key.call = nil
		}
	}
}

func (b *Book) guilty(s suspicion) {
	b.violate(s.since, RuleOverlap, "%v started while %v ran", s.later, s.former)
}

// resolve takes the suspicions that match off the list and hands them over.
func (b *Book) resolve(matches func(suspicion) bool, to func(suspicion)) {
	var left []suspicion
	for _, s := range b.suspects {
		if matches(s) {
			to(s)
		} else {
			left = append(left, s)
		}
	}
	b.suspects = left
}
