// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package nats

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"strconv"

	client "github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"convoy.dev/convoy/worker/broker"
)

// Headers of a dead letter, beside the message's own. Key and reason are percent-encoded: they may hold any character.
const (
	headerPool      = "Convoy-Pool"
	headerLane      = "Convoy-Lane"
	headerEpoch     = "Convoy-Epoch"
	headerPosition  = "Convoy-Sequence"
	headerKey       = "Convoy-Key"
	headerReason    = "Convoy-Reason"
	headerAttempts  = "Convoy-Attempts"
	headerOrigin    = "Convoy-Original-Subject"
	headerTimestamp = "Convoy-Original-Timestamp"
)

// control begins the headers by which NATS is told what to do with a message. Those of the original would be obeyed a
// second time (a roll-up would empty the destination), so they are left out.
const control = "Nats-"

// DeadLetter implements broker.Lane. The copy carries the epoch, by which a dead letter of a worker that was superseded can
// be told. The stream drops a second copy of a message if it comes within its duplicate window; the source's time of creation
// is part of what it knows a copy by, since another source of the same name counts its messages anew.
func (l *openLane) DeadLetter(ctx context.Context, letter broker.DeadLetter) error {
	m := l.letter(&letter)
	err := l.post(ctx, m)
	if errors.Is(err, jetstream.ErrNoStreamResponse) && l.letters == "" {
		if err := l.ensureDead(ctx); err != nil {
			return l.failed("dead-lettering for", err)
		}
		err = l.post(ctx, m)
	}
	if errors.Is(err, jetstream.ErrNoStreamResponse) {
		err = &broker.PermanentError{Err: fmt.Errorf("no stream stores %s: %w", m.Subject, err), Mend: "make a stream with that subject"}
	}
	return l.failed("dead-lettering for", err)
}

func (l *openLane) post(ctx context.Context, m *client.Msg) error {
	return l.ask(ctx, "writing "+m.Subject, m.Subject, func(ctx context.Context) error {
		_, err := l.js.PublishMsg(ctx, m)
		return err
	})
}

// ensureDead makes the stream for dead letters that Convoy keeps for pools that name none.
func (l *openLane) ensureDead(ctx context.Context) error {
	source, err := l.readable(ctx)
	if err != nil {
		return err
	}
	return l.create(ctx, l.deadConfig(source.Config.Replicas))
}

func (l *openLane) letter(letter *broker.DeadLetter) *client.Msg {
	m := &client.Msg{Subject: l.deadLetter(l.grant.Lane), Data: letter.Data, Header: client.Header{}}
	for name, values := range letter.Headers {
		switch {
		case begins(name, control):
		case !writable(name):
			m.Header[keptAs(name)] = values
		default:
			m.Header[name] = values
		}
	}
	for name, value := range map[string]string{
		headerPool: l.pool, headerLane: strconv.Itoa(int(l.grant.Lane)),
		headerEpoch:    strconv.FormatInt(l.grant.Token.Number(), 10),
		headerPosition: strconv.FormatUint(uint64(letter.Sequence), 10), headerKey: url.PathEscape(letter.Key), headerReason: url.PathEscape(letter.Reason),
		headerAttempts:        strconv.FormatUint(uint64(letter.Attempts), 10),
		jetstream.MsgIDHeader: fmt.Sprintf("%s.%d.%d", l.stateStream, l.claimed.Load().Created.UnixNano(), letter.Sequence),
	} {
		m.Header.Set(name, value)
	}
	setOrigin(m.Header, &letter.Message)
	return m
}
