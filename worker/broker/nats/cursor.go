// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package nats

import (
	"context"
	"errors"
	"fmt"

	client "github.com/nats-io/nats.go"

	"convoy.dev/convoy/worker/broker"
	"convoy.dev/convoy/worker/order"
)

// cursor is how far the source is routed, by the newest message of the lane stream that says so, and where that is.
type cursor struct {
	mark
	at order.Position
}

// errMoved says that the stream's last message is another one by now.
var errMoved = errors.New("the stream has moved on")

// cursor is what the last message of the lane stream says. Convoy deletes it never: who purges spares it.
func (s *state) cursor(ctx context.Context, held *claimed, last uint64) (cursor, error) {
	if order.Position(last) <= held.Lanes.After {
		return cursor{mark{sequence: order.Sequence(held.Start.After)}, order.Position(last)}, nil
	}
	m, err := s.get(ctx, s.laneStream, map[string]any{"seq": last})
	if errors.Is(err, broker.ErrGone) {
		return s.cursorLeft(ctx, held, last)
	}
	if err != nil {
		return cursor{}, err
	}
	return s.cursorIn(m.Headers, m.Position)
}

// cursorIn reads what a message says.
func (s *state) cursorIn(header map[string][]string, at order.Position) (cursor, error) {
	by, err := parseMark(client.Header(header).Get(headerRouted))
	if err != nil {
		return cursor{}, foreign(s.laneStream, at)
	}
	return cursor{by, at}, nil
}

// cursorLeft is for a stream whose last message somebody removed, as a person does with one that no router wrote. Then the
// newest message that is left says how far the source is routed: those behind it, which are gone, are routed again if they
// were. That repeats nothing unless a lane has taken the last one.
func (s *state) cursorLeft(ctx context.Context, held *claimed, last uint64) (cursor, error) {
	info, err := s.lanesOf(ctx, held)
	if err != nil {
		return cursor{}, err
	}
	if info.State.LastSeq != last {
		return cursor{}, errMoved // Who said that it is the last may have been late.
	}
	all, err := s.progressOf(ctx, held)
	if err != nil {
		return cursor{}, err
	}
	for lane := range all {
		if all[lane].Taken >= order.Position(last) {
			return cursor{}, s.lastGone(last)
		}
	}
	if !info.Config.AllowDirect {
		return cursor{}, s.lastGone(last)
	}
	newest, err := s.newestLeft(ctx, last)
	switch {
	case errors.Is(err, errLags): // Or nothing is left at all: then nobody says what he has seen.
		return cursor{}, s.lastGone(last)
	case err != nil:
		return cursor{}, err
	case newest.sequence >= last:
		return cursor{}, errMoved
	case order.Position(newest.sequence) <= held.Lanes.After:
		return cursor{}, s.lastGone(last)
	}
	return s.cursorIn(newest.header, order.Position(newest.sequence))
}

// newestLeft is the newest message of the lane stream, by a replica that knows of the one with the sequence given.
func (s *state) newestLeft(ctx context.Context, seen uint64) (newest stored, err error) {
	subjects := []string{s.route(0)}
	for lane := range s.lanes {
		subjects = append(subjects, s.laneOf(lane))
	}
	found, err := s.lastIn(ctx, shelf{s.laneStream, s.route(0)}, subjects, seen)
	for _, record := range found {
		if record.sequence > newest.sequence {
			newest = record
		}
	}
	return newest, err
}

// lastGone says what a person can do who removed what is needed.
func (s *state) lastGone(last uint64) error {
	return &broker.PermanentError{
		Err:  fmt.Errorf("the last message of the stream %s, %d, was deleted, which says how far the stream %s is routed", s.laneStream, last, s.source),
		Mend: "restore it from a backup; or, to begin anew where source.nats.startFrom says, suspend the pool and delete the " + s.kept(),
	}
}
