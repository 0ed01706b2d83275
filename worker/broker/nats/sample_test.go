// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package nats

import (
	"slices"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"convoy.dev/convoy/worker/order"
)

// TestCountedIsUsedAgain has a lane as it was, one that was taken to the end, and one whose progress went on.
func TestCountedIsUsedAgain(t *testing.T) {
	info := &jetstream.StreamInfo{State: jetstream.StreamState{FirstSeq: 1, LastSeq: 9, Msgs: 9}}
	at := time.Unix(1000, 0)
	before := &counted{of: extentOf(info), at: at, from: []order.Position{5, 7, 0}, behind: []int64{2, 1, 4}}
	now := &counted{of: extentOf(info), at: at.Add(30 * time.Second), from: []order.Position{5, 9, 3}, behind: make([]int64, 3)}
	if open := now.use(before); !slices.Equal(open, []int32{2}) {
		t.Errorf("lanes %v are counted, want lane 2", open)
	}
	if want := []int64{2, 0, 0}; !slices.Equal(now.behind, want) || !now.at.Equal(at) {
		t.Errorf("used %v of %v, want %v of %v", now.behind, now.at, want, at)
	}
	late := &counted{of: extentOf(info), at: at.Add(time.Hour), from: []order.Position{5, 9, 3}, behind: make([]int64, 3)}
	if open := late.use(before); !slices.Equal(open, []int32{0, 2}) || !late.at.Equal(at.Add(time.Hour)) {
		t.Errorf("lanes %v are counted after an hour, want lanes 0 and 2", open)
	}
}

// TestCountedIsOld changes what was counted, or lets time pass.
func TestCountedIsOld(t *testing.T) {
	created := time.Unix(500, 0)
	info := jetstream.StreamInfo{Created: created, State: jetstream.StreamState{FirstSeq: 3, LastSeq: 9, Msgs: 6, NumDeleted: 1}}
	at := time.Unix(1000, 0)
	before := &counted{of: extentOf(&info), at: at}
	if now := (&counted{of: extentOf(&info), at: at.Add(time.Minute - 1)}); !now.reusable(before) {
		t.Error("the same messages are counted again")
	}
	if now := (&counted{of: extentOf(&info), at: at.Add(time.Minute)}); now.reusable(before) {
		t.Error("what was counted a minute ago is used again")
	}
	if (&counted{of: extentOf(&info), at: at}).reusable(nil) {
		t.Error("nothing is used again")
	}
	for what, change := range map[string]func(*jetstream.StreamInfo){
		"a message came":       func(i *jetstream.StreamInfo) { i.State.LastSeq, i.State.Msgs = 10, 7 },
		"the first went":       func(i *jetstream.StreamInfo) { i.State.FirstSeq, i.State.Msgs = 4, 5 },
		"one between went":     func(i *jetstream.StreamInfo) { i.State.Msgs, i.State.NumDeleted = 5, 2 },
		"it is another stream": func(i *jetstream.StreamInfo) { i.Created = created.Add(time.Second) },
	} {
		other := info
		change(&other)
		if (&counted{of: extentOf(&other), at: at}).reusable(before) {
			t.Errorf("%s: what was counted before is used again", what)
		}
	}
}
