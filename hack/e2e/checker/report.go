// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package checker

import (
	"maps"
	"slices"
	"time"
)

// Report is what the book says in figures.
type Report struct {
	Published int `json:"published"`
	Completed int `json:"completed"`
	// Parked counts messages not completed of keys whose last call was rejected: they are parked, or about to be.
	Parked int `json:"parked"`
	// Discarded counts messages that were left out, as [Book.Discard] allows.
	Discarded int `json:"discarded"`
	Calls     int `json:"calls"`
	// Running counts calls that have not ended.
	Running int `json:"running"`
	// Replays counts calls of messages that were completed before, Retries further attempts, Rejections calls of which the
	// handler said that they fail for good.
	Replays    int `json:"replays"`
	Retries    int `json:"retries"`
	Rejections int `json:"rejections"`
	// ReplayReach is the longest time between the completion of a message that came again and the last completion of
	// its lane before it did: a worker records what is completed every 100 ms, so a crash repeats no more than that.
	ReplayReach time.Duration `json:"replayReach"`
	// Violations counts them all; the words of the first ones are in Words.
	Violations int         `json:"violations"`
	Words      []Violation `json:"words,omitempty"`
	Pauses     []Pause     `json:"pauses,omitempty"`
	// Still is the longest, by phase, that no call of any lane started or ended, measured as a pause is: so it shows how long
	// the source was not routed.
	Still map[string]time.Duration `json:"still,omitempty"`
	// Epochs are the highest epoch that came of each lane, without the worker's incarnation.
	Epochs map[int32]int64 `json:"epochs,omitempty"`
}

// Backlog is how many messages were published and neither completed nor discarded.
func (r Report) Backlog() int { return r.Published - r.Completed - r.Discarded }

// Report is the present state.
func (b *Book) Report() Report {
	parked := 0
	for key := range b.parked {
		parked += int(key.published) - int(key.done)
	}
	epochs := map[int32]int64{}
	for number, lane := range b.lanes {
		epochs[number] = int64(lane.epoch >> incarnationBits)
	}
	return Report{
		Published: b.counts.published, Completed: b.counts.completed, Parked: parked, Discarded: b.counts.discarded,
		Calls: b.counts.calls, Running: len(b.running),
		Replays: b.counts.replays, Retries: b.counts.retries, Rejections: b.counts.rejections, ReplayReach: b.counts.reach,
		Violations: b.counts.violations,
		Words:      slices.Clone(b.violations), Pauses: slices.Clone(b.pauses), Still: maps.Clone(b.still), Epochs: epochs,
	}
}

// Close judges what can only be judged at the end: what is not completed is lost, and whoever has not answered a
// suspicion by now is taken to have lived.
func (b *Book) Close(now time.Time) {
	b.resolve(func(suspicion) bool { return true }, b.guilty)
	for name, key := range b.keys {
		if key.done < key.published {
			b.violate(now, RuleLost, "%s: #%d to #%d were published and never completed", name, key.done+1, key.published)
		}
	}
}
