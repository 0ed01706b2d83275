// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package run

import (
	"testing"

	"convoy.dev/convoy/worker/order"
)

// A lane with a backlog is never read empty: the next batch comes while the last one has not been taken yet.
func TestAFeedThatNeverRunsEmptyStaysSmall(t *testing.T) {
	const batch = 100
	f, next, taken := newFeed(), order.Position(0), order.Position(0)
	for range 1000 {
		messages := make([]arrival, batch)
		for i := range messages {
			next++
			messages[i].message.Position, messages[i].message.Data = next, []byte("body")
		}
		f.push(messages)
		for f.len() > 10 {
			if taken++; f.pending[f.head].message.Position != taken {
				t.Fatalf("message %d comes, want %d", f.pending[f.head].message.Position, taken)
			}
			f.pop()
		}
	}
	if f.len() != 10 || f.bytes != 10*len("body") {
		t.Errorf("%d messages of %d bytes are left, want 10", f.len(), f.bytes)
	}
	if got := cap(f.pending); got > 4*batch {
		t.Errorf("there is room for %d messages, though no more than %d waited", got, batch+10)
	}
}
