// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package brokertest

import (
	"context"
	"math/rand/v2"
	"slices"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"convoy.dev/convoy/worker/broker"
	"convoy.dev/convoy/worker/order"
)

func (s *suite) firstOpen() {
	o := s.own(1, 7)
	if o.opening.Crashed || o.opening.CarefulThrough != 0 || o.opening.Lane != 1 || o.opening.Epoch != uint64(token(7).Number()) {
		s.t.Errorf("the first opening is %+v", o.opening)
	}
	s.Publish(s.t, 1, numbered(0, 2)...)
	s.same("a new lane", data(o.read(2)), wants(0, 2))
}

func (s *suite) cleanHandOver() {
	s.Publish(s.t, 1, numbered(0, 50)...)
	s.Publish(s.t, 2, numbered(900, 5)...)
	s.Publish(s.t, 1, numbered(50, 50)...)
	a := s.own(1, 1)
	var left []string
	for i, message := range a.read(80) {
		if i%3 == 0 || i > 70 {
			left = append(left, string(message.Data))
		} else {
			a.complete(message)
		}
	}
	a.flush(false)
	a.flush(true)
	b := s.own(1, 2)
	if b.opening.Crashed || b.opening.CarefulThrough != 0 {
		s.t.Errorf("a clean hand-over looks like a crash: %+v", b.opening)
	}
	left = append(left, wants(80, 20)...)
	s.same("after a clean hand-over", data(b.read(len(left))), left)
}

func (s *suite) crash() {
	s.Publish(s.t, 1, numbered(0, 100)...)
	a := s.own(1, 1)
	a.complete(a.read(40)...)
	a.flush(false)
	a.complete(a.read(30)...) // Completed, and never flushed.
	last := s.Publish(s.t, 1, numbered(100, 1)...)
	b := s.own(1, 2)
	if !b.opening.Crashed {
		s.t.Errorf("a crash looks like a clean hand-over: %+v", b.opening)
	}
	if b.opening.CarefulThrough < last[0] {
		s.t.Errorf("careful through %d, the lane ends at %d", b.opening.CarefulThrough, last[0])
	}
	s.same("after a crash", data(b.read(61)), wants(40, 61))
	b.complete(b.taken...)
	b.flush(true)
	if c := s.own(1, 3); c.opening.Crashed || c.opening.Progress.Outstanding != 0 {
		s.t.Errorf("the crash before last is remembered: %+v", c.opening)
	}
}

func (s *suite) openedOnly() {
	s.Publish(s.t, 1, numbered(0, 10)...)
	connection := s.connect()
	s.opened(connection, 1, 1)
	a := s.own(1, 2)
	if a.opening.Crashed {
		s.t.Errorf("an owner that only opened counts as crashed: %+v", a.opening)
	}
	a.complete(a.read(4)...)
	a.flush(true)
	s.opened(connection, 1, 3)
	s.opened(connection, 1, 4)
	b := s.own(1, 5)
	if b.opening.Crashed {
		s.t.Errorf("owners that only opened hide a clean hand-over: %+v", b.opening)
	}
	s.same("after owners that only opened", data(b.read(6)), wants(4, 6))
	s.opened(connection, 1, 6)
	if c := s.own(1, 7); !c.opening.Crashed {
		s.t.Errorf("an owner that only opened hides a crash: %+v", c.opening)
	}
}

func (s *suite) wholeProgress() {
	positions := s.Publish(s.t, 1, numbered(0, 100)...)
	at := func(i int) order.Position { return positions[i] }
	want := order.Progress{
		LowWater: at(3), Taken: at(99), Careful: at(50), Outstanding: 17,
		Ranges: []order.Range{{From: at(5), To: at(7)}, {From: at(9), To: at(9)}, {From: at(20), To: at(99)}},
		Attempts: []order.Attempt{
			{Position: at(4), Sequence: 5, Hash: 1<<63 + 5, Key: "a\x00\xffß", Attempts: 3},
			{Sequence: 1 << 60, Hash: 7, Key: "", Suspect: true},
		},
		Returned: []order.ReturnedKey{{Hash: 9, Key: "gone", Last: 12}},
	}
	a := s.own(1, 1)
	s.must("flushing", func(ctx context.Context) error { return a.lane.Flush(ctx, &want, false) })
	b := s.own(1, 2)
	if diff := cmp.Diff(want, b.opening.Progress, cmpopts.EquateEmpty(), cmpopts.IgnoreFields(order.Progress{}, "Version")); diff != "" {
		s.t.Errorf("progress came back changed (-want +got):\n%s", diff)
	}
}

func (s *suite) loadTwice() {
	s.Publish(s.t, 1, numbered(0, 10)...)
	a := s.own(1, 1)
	a.complete(a.read(5)...)
	a.flush(true)
	b := s.own(1, 2)
	first := b.opening
	b.load()
	if diff := cmp.Diff(first, b.opening, cmpopts.EquateEmpty()); diff != "" {
		s.t.Errorf("loading again says otherwise (-first +again):\n%s", diff)
	}
}

// storm lets owners come and go at random, cleanly and not, while messages come.
func (s *suite) storm() {
	seed := rand.Uint64()
	s.t.Logf("seed %d", seed)
	random := rand.New(rand.NewPCG(seed, 1))
	const rounds, most = 25, 40
	published, flushed := 0, map[string]bool{}
	var before *owner
	for epoch := int64(1); epoch <= rounds; epoch++ {
		n := random.IntN(most)
		s.Publish(s.t, 1, numbered(published, n)...)
		s.Publish(s.t, 2, numbered(0, random.IntN(3))...)
		published += n
		o := s.own(1, epoch)
		if before != nil {
			s.fenced("flushing after the hand-over", before.lane.Flush(s.t.Context(), before.progress(), random.IntN(2) == 0))
		}
		s.work(o, published-len(flushed), random, flushed)
		before = o
	}
	last := s.own(1, rounds+1)
	last.read(published - len(flushed))
	for _, text := range data(last.taken) {
		if flushed[text] {
			s.t.Errorf("message %s was flushed and comes again", text)
		}
		flushed[text] = true
	}
	if len(flushed) != published {
		s.t.Errorf("%d of %d messages are left", len(flushed), published)
	}
}

// work lets an owner complete some of the open messages, and flush them or not.
func (s *suite) work(o *owner, open int, random *rand.Rand, flushed map[string]bool) {
	messages := o.read(random.IntN(open + 1))
	for _, message := range messages {
		if flushed[string(message.Data)] {
			s.t.Fatalf("epoch %v: message %s was flushed and comes again", o.token, message.Data)
		}
		if random.IntN(3) > 0 {
			o.complete(message)
		}
	}
	if random.IntN(3) == 0 {
		return // It dies before it flushes.
	}
	o.flush(random.IntN(2) == 0)
	done := slices.DeleteFunc(slices.Clone(messages), func(m broker.Message) bool { return !o.done[m.Position] })
	for _, text := range data(done) {
		flushed[text] = true
	}
}
