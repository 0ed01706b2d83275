// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package brokertest

import (
	"context"
	"fmt"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"convoy.dev/convoy/worker/broker"
	"convoy.dev/convoy/worker/key"
	"convoy.dev/convoy/worker/order"
)

// loadParked reads what is parked, which takes the parking store over.
func (o *owner) loadParked() []broker.ParkedKey {
	o.t.Helper()
	var keys []broker.ParkedKey
	o.must("loading what is parked", func(ctx context.Context) (err error) {
		keys, err = o.lane.LoadParked(ctx)
		return err
	})
	return keys
}

// parker opens and loads a lane together with its parking store.
func (s *suite) parker(lane int32, epoch int64) (*owner, []broker.ParkedKey) {
	s.t.Helper()
	o := s.own(lane, epoch)
	return o, o.loadParked()
}

// marked is a key as it is marked in these checks.
func marked(name string) broker.ParkedKey {
	return broker.ParkedKey{
		Key: name, Reason: "AttemptsExhausted", Attempts: 5, Since: time.Date(2026, 1, 2, 3, 4, 5, 6000, time.UTC), Action: "uid",
	}
}

func (o *owner) mark(k broker.ParkedKey) {
	o.t.Helper()
	o.must("marking", func(ctx context.Context) error { return o.lane.MarkParked(ctx, k) })
}

func (o *owner) park(name string, messages ...broker.Message) {
	o.t.Helper()
	for _, message := range messages {
		o.must("parking", func(ctx context.Context) error { return o.lane.Park(ctx, name, message) })
	}
}

// unpark removes messages of the key k.
func (o *owner) unpark(through order.Sequence, last bool) {
	o.t.Helper()
	o.must("unparking", func(ctx context.Context) error { return o.lane.Unpark(ctx, "k", through, last) })
}

// readParked reads so many messages, in as many pieces as they come.
func (o *owner) readParked(name string, after order.Sequence, n int) []broker.Message {
	o.t.Helper()
	var all []broker.Message
	for len(all) < n {
		o.must("reading what is parked", func(ctx context.Context) error {
			piece, err := o.lane.ReadParked(ctx, name, after, n-len(all))
			if err == nil && len(piece) > 0 {
				all, after = append(all, piece...), piece[len(piece)-1].Sequence
			}
			return err
		})
	}
	return all
}

// parked compares what LoadParked says with what it should.
func (s *suite) parked(when string, got []broker.ParkedKey, want ...broker.ParkedKey) {
	s.t.Helper()
	byKey := cmpopts.SortSlices(func(a, b broker.ParkedKey) bool { return a.Key < b.Key })
	if diff := cmp.Diff(want, got, byKey, cmpopts.EquateEmpty()); diff != "" {
		s.t.Fatalf("parked %s (-want +got):\n%s", when, diff)
	}
}

// holding is a key with so many messages, the last of which is this one.
func holding(k broker.ParkedKey, messages ...broker.Message) broker.ParkedKey {
	k.Last, k.Messages = messages[len(messages)-1].Sequence, len(messages)
	return k
}

// odd are keys that a careless broker trips over.
var odd = []string{"plain", "a.b", "a b*>", "käse\n\x00", "", "a/b%2Fc"}

// parksWhole parks messages with everything that they have, in lanes beside each other, and looks at them from the next
// owner.
func (s *suite) parksWhole() {
	headers := map[string][]string{"Status": {"204"}, "Nats-Msg-Id": {"7"}, "Many": {"b", "a"}, "convoy-key": {"mine"}}
	s.Publish(s.t, 1, key.Message{Data: []byte("0"), Headers: headers}, key.Message{}, key.Message{Data: []byte{0, 255, '\n'}})
	a, none := s.parker(1, 1)
	s.parked("in a lane that nobody parked in", none)
	other, _ := s.parker(2, 1)
	messages := a.read(3)
	messages[1].Trace = "of 1"
	var want []broker.ParkedKey
	for _, name := range odd {
		a.mark(marked(name))
		other.mark(broker.ParkedKey{Key: name, Reason: "LookAhead", Released: true})
		a.park(name, messages...)
		want = append(want, holding(marked(name), messages...))
	}
	a.mark(marked("marked only"))
	other.park("plain", messages[1])
	s.Restart(s.t)
	b, keys := s.parker(1, 2)
	s.parked("after a restart", keys, want...)
	for i := range messages {
		messages[i].Position = 0
	}
	for _, name := range odd {
		if diff := cmp.Diff(messages, b.readParked(name, 0, 3), cmpopts.EquateEmpty(), cmpopts.EquateApproxTime(time.Microsecond)); diff != "" {
			s.t.Errorf("messages of %q came back changed (-want +got):\n%s", name, diff)
		}
	}
	_, keys = s.parker(2, 2)
	s.parked("in the other lane", keys, broker.ParkedKey{Key: "plain", Reason: "LookAhead", Released: true, Last: messages[1].Sequence, Messages: 1})
}

// parksOnce repeats appends and removals, as a caller does that got no answer, and as the next owner does.
func (s *suite) parksOnce() {
	s.Publish(s.t, 1, numbered(0, 6)...)
	a, _ := s.parker(1, 1)
	m := a.read(6)
	a.mark(marked("k"))
	a.park("k", m[0], m[1], m[1], m[0], m[2])
	b, keys := s.parker(1, 2)
	s.parked("once", keys, holding(marked("k"), m[0], m[1], m[2]))
	b.park("k", m[2], m[3])
	b.unpark(m[0].Sequence, false)
	b.unpark(m[0].Sequence, false)
	b.park("k", m[0])
	s.same("what is left", data(b.readParked("k", 0, 3)), wants(1, 3))
	s.same("what follows the first", data(b.readParked("k", m[1].Sequence, 2)), wants(2, 2))
	b.unpark(m[3].Sequence, false)
	b.unpark(m[3].Sequence, true)
	b.unpark(m[3].Sequence, true)
	c, keys := s.parker(1, 3)
	s.parked("when everything was removed", keys)
	again := marked("k")
	again.Reason = "Rejected"
	c.mark(again)
	c.park("k", m[4], m[5])
	_, keys = s.parker(1, 4)
	s.parked("once more", keys, holding(again, m[4], m[5]))
}

// parksMany parks and removes so much that a broker has to tidy up in between, and hands over in the middle.
func (s *suite) parksMany() {
	const n = 300
	s.Publish(s.t, 1, numbered(0, n)...)
	a, _ := s.parker(1, 1)
	m := a.read(n)
	a.mark(marked("k"))
	a.park("k", m...)
	after := order.Sequence(0)
	for i := 0; i < n/2; {
		for _, message := range a.readParked("k", after, 8)[:5] {
			s.same("the next message", data([]broker.Message{message}), []string{fmt.Sprint(i)})
			after = message.Sequence
			a.unpark(after, false)
			i++
		}
	}
	b, keys := s.parker(1, 2)
	s.parked("by half", keys, holding(marked("k"), m[n/2:]...))
	s.same("the rest", data(b.readParked("k", 0, n/2)), wants(n/2, n/2))
	b.unpark(m[n-1].Sequence, true)
	_, keys = s.parker(1, 3)
	s.parked("when all were removed at once", keys)
}

// zombieParks lets an owner park, mark and remove after the next one has loaded.
func (s *suite) zombieParks() {
	s.Publish(s.t, 1, numbered(0, 4)...)
	a, _ := s.parker(1, 1)
	m := a.read(4)
	a.mark(marked("k"))
	a.park("k", m[0], m[1])
	b, _ := s.parker(1, 2)
	harm := func() {
		s.t.Helper()
		ctx := s.t.Context()
		s.fenced("parking", a.lane.Park(ctx, "k", m[2]))
		s.fenced("marking", a.lane.MarkParked(ctx, marked("other")))
		s.fenced("unparking", a.lane.Unpark(ctx, "k", m[0].Sequence, false))
		s.fenced("forgetting", a.lane.Unpark(ctx, "k", m[1].Sequence, true))
		_, err := a.lane.LoadParked(ctx)
		s.fenced("loading", err)
	}
	harm()
	s.same("after the zombie's writes", data(b.readParked("k", 0, 2)), wants(0, 2))
	b.unpark(m[0].Sequence, false)
	b.park("k", m[3])
	harm()
	_, keys := s.parker(1, 3)
	s.parked("as the rightful owner left it", keys, holding(marked("k"), m[1], m[3]))
}
