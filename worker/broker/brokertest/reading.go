// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package brokertest

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/google/go-cmp/cmp"

	"convoy.dev/convoy/worker/broker"
	"convoy.dev/convoy/worker/key"
	"convoy.dev/convoy/worker/order"
)

func (s *suite) readsInOrder() {
	const n = 300
	var positions [2][]order.Position
	headers := map[string][]string{"Kind": {"order", "second"}, "Status": {"204"}, "Empty": {""}}
	for i := range n {
		lane := int32(i % 2)
		message := key.Message{Data: []byte(fmt.Sprint(i)), Headers: headers}
		if i%7 == 0 {
			message.Data, message.Headers = nil, nil
		}
		positions[lane] = append(positions[lane], s.Publish(s.t, lane, message)...)
	}
	s.Publish(s.t, 2, numbered(0, 3)...)
	for lane := range int32(2) {
		o := s.own(lane, 1)
		for i, message := range o.read(n / 2) {
			s.sameMessage(o, message, positions[lane][i], i*2+int(lane), headers)
		}
	}
}

// sameMessage checks one message of readsInOrder.
func (s *suite) sameMessage(o *owner, message broker.Message, at order.Position, i int, headers map[string][]string) {
	s.t.Helper()
	want := fmt.Sprint(i)
	if i%7 == 0 {
		want, headers = "", nil
	}
	if message.Position != at || string(message.Data) != want || message.Sequence == 0 || message.Timestamp.IsZero() {
		s.t.Fatalf("lane %d: message %d at %d is %v", o.number, i, at, message)
	}
	for name, values := range headers {
		if !cmp.Equal(message.Headers[name], values) {
			s.t.Fatalf("message %d: header %s is %q, want %q", i, name, message.Headers[name], values)
		}
	}
	s.must("fetching", func(ctx context.Context) error {
		again, err := o.lane.Fetch(ctx, at)
		if err == nil && fmt.Sprint(again) != fmt.Sprint(message) {
			s.t.Fatalf("fetched %v, read %v", again, message)
		}
		return err
	})
}

func (s *suite) readsFromAnywhere() {
	const n = 20
	positions := s.Publish(s.t, 1, numbered(0, n)...)
	o := s.own(1, 1)
	for i := range n - 1 {
		o.after, o.taken = positions[i], nil
		s.same(fmt.Sprintf("behind message %d", i), data(o.read(1)), wants(i+1, 1))
	}
	o.after, o.taken = positions[n-1], nil
	s.Publish(s.t, 1, numbered(n, 1)...)
	s.same("behind the last", data(o.read(1)), wants(n, 1))
}

func (s *suite) deliverEndsReader() {
	s.Publish(s.t, 1, numbered(0, 5)...)
	o := s.own(1, 1)
	mine := errors.New("the caller's own")
	err := o.lane.Read(s.t.Context(), 0, func([]broker.Message) error { return mine })
	if !errors.Is(err, mine) {
		s.t.Errorf("reading ended with %v, want %v", err, mine)
	}
}

// slowDeliver holds a reader up while more comes than any adapter may take into memory.
func (s *suite) slowDeliver() {
	const n = 2000
	s.Publish(s.t, 1, numbered(0, n/2)...)
	o := s.own(1, 1)
	batches, inside := 0, false
	s.must("reading", func(ctx context.Context) error {
		err := o.lane.Read(ctx, o.after, func(batch []broker.Message) error {
			if inside {
				return &broker.PermanentError{Err: errors.New("deliver is called while it runs")}
			}
			inside = true
			defer func() { inside = false }()
			if batches++; batches == 1 {
				s.Publish(s.t, 1, numbered(n/2, n/2)...)
				pause(ctx, 300*time.Millisecond)
			}
			return o.take(batch, n)
		})
		if errors.Is(err, errEnough) {
			return nil
		}
		return err
	})
	s.same("a slow reader", data(o.taken), wants(0, n))
}

// endsWithContext ends the context of calls under way, and of calls before they are made.
func (s *suite) endsWithContext() {
	o := s.own(1, 1)
	connection := s.connect()
	ctx, cancel := context.WithCancel(s.t.Context())
	ended := make(chan error, 1)
	go func() {
		ended <- o.lane.Read(ctx, 0, func([]broker.Message) error { return nil })
	}()
	pause(ctx, 100*time.Millisecond)
	cancel()
	s.soon("reading", ended)

	held := make(chan struct{})
	ctx, cancel = context.WithCancel(s.t.Context())
	s.Publish(s.t, 1, numbered(0, 1)...)
	go func() {
		ended <- o.lane.Read(ctx, 0, func([]broker.Message) error {
			close(held)
			<-ctx.Done()
			return nil // A deliver that does not say why it returns.
		})
	}()
	<-held
	cancel()
	s.soon("reading with a deliver that blocked", ended)

	for name, call := range map[string]func() error{
		"loading":    func() error { _, err := o.lane.Load(ctx); return err },
		"flushing":   func() error { return o.lane.Flush(ctx, &order.Progress{}, false) },
		"opening":    func() error { _, err := connection.Open(ctx, grantOf(2, 1)); return err },
		"confirming": func() error { _, err := connection.Confirm(ctx, []broker.Grant{grantOf(1, 1)}); return err },
		"sampling":   func() error { _, err := connection.Sample(ctx); return err },
		"fetching":   func() error { _, err := o.lane.Fetch(ctx, 1); return err },
	} {
		go func() { ended <- call() }()
		s.soon(name, ended)
	}
}

// soon waits for the end of a call whose context has ended.
func (s *suite) soon(name string, ended <-chan error) {
	s.t.Helper()
	timer := time.NewTimer(promptly)
	defer timer.Stop()
	select {
	case err := <-ended:
		if !errors.Is(err, context.Canceled) {
			s.t.Errorf("%s ended with %v, want that of its context", name, err)
		}
	case <-timer.C:
		s.t.Fatalf("%s goes on after its context has ended", name)
	}
}

func (s *suite) retention() {
	positions := s.Publish(s.t, 1, numbered(0, 10)...)
	o := s.own(1, 1)
	s.Trim(s.t, positions[3])
	for i, at := range positions {
		_, err := o.lane.Fetch(s.t.Context(), at)
		if gone := errors.Is(err, broker.ErrGone); gone != (i <= 3) || !gone && err != nil {
			s.t.Errorf("fetching message %d of 10, of which 4 are gone: %v", i, err)
		}
	}
	s.same("what is left", data(o.read(6)), wants(4, 6))
}
