// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package brokertest

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"convoy.dev/convoy/worker/broker"
	"convoy.dev/convoy/worker/drain"
	"convoy.dev/convoy/worker/key"
	"convoy.dev/convoy/worker/order"
)

// owner is one process that holds one lane: a much simpler one than a worker.
type owner struct {
	*suite
	number  int32
	token   drain.Token
	lane    broker.Lane
	opening order.Opening
	// taken are the messages that were not completed before, as they came; done the positions of those completed.
	taken []broker.Message
	done  map[order.Position]bool
	after order.Position
}

// token is an epoch of a first incarnation.
func token(epoch int64) drain.Token { return drain.Token{Epoch: epoch, Incarnation: 1} }

// floor is an epoch that stands in the way though no worker wrote it for the lane.
func floor(epoch int64) drain.Token { return drain.Token{Epoch: epoch} }

// worker is the pod of an epoch, a different one for each.
func worker(epoch int64) string { return fmt.Sprintf("pod-%d", epoch) }

// grantOf is a grant to the worker of its epoch.
func grantOf(lane int32, epoch int64) broker.Grant {
	return broker.Grant{Lane: lane, Token: token(epoch), Worker: worker(epoch)}
}

// opened opens a lane through a connection, without loading it.
func (s *suite) opened(connection broker.Connection, lane int32, epoch int64) *owner {
	s.t.Helper()
	o := &owner{suite: s, number: lane, token: token(epoch), done: map[order.Position]bool{}}
	s.must("opening", func(ctx context.Context) (err error) {
		o.lane, err = connection.Open(ctx, grantOf(lane, epoch))
		return err
	})
	return o
}

// own opens and loads a lane, each owner through a connection of its own.
func (s *suite) own(lane int32, epoch int64) *owner {
	s.t.Helper()
	o := s.opened(s.connect(), lane, epoch)
	o.load()
	return o
}

func (o *owner) load() {
	o.t.Helper()
	o.must("loading", func(ctx context.Context) (err error) {
		o.opening, err = o.lane.Load(ctx)
		return err
	})
	o.after = o.opening.Progress.LowWater
}

// errEnough ends a reader that has read what it was to read.
var errEnough = errors.New("enough")

// read takes n more messages that were not completed by an earlier owner.
func (o *owner) read(n int) []broker.Message {
	o.t.Helper()
	from := len(o.taken)
	o.must("reading", o.reading(from+n))
	return o.taken[from:]
}

// reading reads until so many messages are taken.
func (o *owner) reading(most int) func(context.Context) error {
	return func(ctx context.Context) error {
		if len(o.taken) == most {
			return nil
		}
		err := o.lane.Read(ctx, o.after, func(batch []broker.Message) error { return o.take(batch, most) })
		if errors.Is(err, errEnough) {
			return nil
		}
		return err
	}
}

// take adds messages up to a number of them.
func (o *owner) take(batch []broker.Message, most int) error {
	for _, message := range batch {
		if message.Position <= o.after {
			return &broker.PermanentError{Err: fmt.Errorf("message %d after %d", message.Position, o.after)}
		}
		if len(o.taken) == most {
			return errEnough
		}
		o.after = message.Position
		if !o.opening.Progress.Covers(message.Position) {
			o.taken = append(o.taken, message)
		}
	}
	if len(o.taken) == most {
		return errEnough
	}
	return nil
}

// complete completes messages.
func (o *owner) complete(messages ...broker.Message) {
	for _, message := range messages {
		o.done[message.Position] = true
	}
}

// progress says what is completed.
func (o *owner) progress() *order.Progress {
	p := &order.Progress{LowWater: o.opening.Progress.LowWater, Taken: max(o.after, o.opening.Progress.Taken)}
	last := p.LowWater // the last position up to which everything was looked at
	open := false
	for _, message := range o.taken {
		at := message.Position
		if !o.done[at] {
			if at > last+1 && open {
				p.Ranges = append(p.Ranges, order.Range{From: last + 1, To: at - 1})
			} else if !open {
				p.LowWater = at - 1
			}
			open = true
			p.Outstanding++
		} else if !open {
			p.LowWater = at
			last = at
			continue
		} else {
			continue
		}
		last = at
	}
	if !open {
		p.LowWater = o.after
	} else if last < o.after {
		p.Ranges = append(p.Ranges, order.Range{From: last + 1, To: o.after})
	}
	for _, r := range o.opening.Progress.Ranges {
		if r.To > o.after {
			p.Ranges = append(p.Ranges, order.Range{From: max(r.From, o.after+1), To: r.To})
		}
	}
	return p
}

// flush makes what was completed durable.
func (o *owner) flush(final bool) {
	o.t.Helper()
	o.must("flushing", func(ctx context.Context) error { return o.lane.Flush(ctx, o.progress(), final) })
}

// numbered are n messages whose data are their numbers, from first on.
func numbered(first, n int) []key.Message {
	messages := make([]key.Message, 0, n)
	for i := range n {
		messages = append(messages, key.Message{Data: []byte(fmt.Sprint(first + i))})
	}
	return messages
}

// data are the data of messages.
func data(messages []broker.Message) []string {
	texts := make([]string, 0, len(messages))
	for _, message := range messages {
		texts = append(texts, string(message.Data))
	}
	return texts
}

// wants are the data of numbered messages.
func wants(first, n int) []string {
	texts := make([]string, 0, n)
	for _, message := range numbered(first, n) {
		texts = append(texts, string(message.Data))
	}
	return texts
}

// same compares what came with what was to come.
func (s *suite) same(what string, got, want []string) {
	s.t.Helper()
	if !slices.Equal(got, want) {
		s.t.Fatalf("%s: got %v, want %v", what, got, want)
	}
}
