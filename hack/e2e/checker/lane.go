// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package checker

import (
	"time"

	"convoy.dev/convoy/hack/e2e/shop"
)

// laneHistory is what is known of one lane.
type laneHistory struct {
	// epoch is the highest that came, pod whose it was.
	epoch uint64
	pod   string
	// active is when a call of the lane last started or ended; completed when one last succeeded.
	active, completed time.Time
	// before is completed as it was when the epoch began.
	before time.Time
}

// Pause is the time in which a lane stood still because its owner changed.
type Pause struct {
	// Phase is what was going on, as the caller named it.
	Phase string `json:"phase"`
	Lane  int32  `json:"lane"`
	// From and To are the pods.
	From string `json:"from"`
	To   string `json:"to"`
	// Length is from the last sign of the former owner's calls, or from the publication of the message that was started
	// next if that is later, until that start.
	Length time.Duration `json:"length"`
}

func (b *Book) lane(number int32) *laneHistory {
	lane := b.lanes[number]
	if lane == nil {
		lane = &laneHistory{}
		b.lanes[number] = lane
	}
	return lane
}

// current checks a start against its lane: it has one owner, at the newest epoch.
func (b *Book) current(r *running, now time.Time) bool {
	lane := b.lane(r.Lane)
	switch {
	case r.Epoch < lane.epoch:
		return false
	case r.Epoch > lane.epoch:
		b.handedOver(lane, r, now)
	case r.Pod != lane.pod:
		b.violate(now, RuleTwoOwners, "%v came at the epoch at which %s has the lane", r.Call, lane.pod)
	}
	if !b.active.IsZero() {
		b.still[b.phase] = max(b.still[b.phase], now.Sub(b.waited(r.Event, b.active)))
	}
	lane.active, b.active = now, now
	return true
}

func (b *Book) handedOver(lane *laneHistory, r *running, now time.Time) {
	if lane.epoch > 0 {
		b.pauses = append(b.pauses, Pause{b.phase, r.Lane, lane.pod, r.Pod, now.Sub(b.waited(r.Event, lane.active))})
	}
	lane.epoch, lane.pod, lane.before = r.Epoch, r.Pod, lane.completed
}

// waited is since when a message waits that could have started at a time: since its publication if that was later.
func (b *Book) waited(event shop.Event, since time.Time) time.Time {
	if published := b.key(event.Order).messages.at(event.Number).published; published.After(since) {
		return published
	}
	return since
}

// touch notes that a call of the newest epoch still showed a sign. A call of an earlier one is no sign of its lane.
func (b *Book) touch(r *running, now time.Time) {
	if lane := b.lane(r.Lane); lane.epoch == r.Epoch {
		lane.active, b.active = now, now
	}
}

// reachOf is how long before its lane's last completion at the epoch before a message was completed that comes again;
// below zero if it was completed at this epoch. Of one that is forgotten it is as long as for the oldest that is not.
func (b *Book) reachOf(key *convoy, call Call) time.Duration {
	number := max(call.Event.Number, key.messages.forgotten+1)
	return b.lane(call.Lane).before.Sub(key.messages.at(number).completed)
}
