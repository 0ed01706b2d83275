// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package nats

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"

	client "github.com/nats-io/nats.go"
)

// directGet begins the subject of direct reads, which every replica of a stream answers. The client library has no call
// for reading several records at once; the requests are those of NATS ADR-31.
const directGet = "$JS.API.DIRECT.GET."

// Headers and status codes of the answers to direct reads.
const (
	headerSubject    = "Nats-Subject"
	headerSequence   = "Nats-Sequence"
	headerNumPending = "Nats-Num-Pending"
	headerUpTo       = "Nats-UpTo-Sequence"
	headerStatus     = "Status"
	// headerDescription is a status in words.
	headerDescription = "Description"

	statusEnd          = "204"
	statusNone         = "404"
	statusNoResponders = "503"

	// descriptionReplaced comes with statusNone when a message that was found was replaced before it was read.
	descriptionReplaced = "Message Not Found"
)

// lastRequest asks for the last message of each subject.
type lastRequest struct {
	Last     []string `json:"multi_last"`
	MaxBytes int      `json:"max_bytes"`
}

// answerBytes is about how large one answer may become. What does not fit is asked for again: a server that has too much to
// send at once takes the client for one that does not read, and ends the connection.
const answerBytes = 8 << 20

// lastAnswer is what one request found.
type lastAnswer struct {
	records []stored
	bytes   int
	// more says that there may be more: the answer became too large, or servers before 2.12 had found a record that was
	// replaced before they read it.
	more bool
	// through is the sequence of the last message that whoever answered had seen; 0 when it does not say.
	through uint64
}

// readMany returns the last message of each subject of a stream that has one, as many as fit into an answer: all as of one
// moment.
func (s *state) readMany(ctx context.Context, stream string, subjects []string) (all lastAnswer, err error) {
	err = s.read(ctx, stream, lastRequest{subjects, answerBytes}, len(subjects), all.add)
	return all, err
}

// read makes one direct read of a stream, of so many messages at most, and takes its answers, until one is the end.
func (s *state) read(ctx context.Context, stream string, request any, most int, take func(*client.Msg) (end bool, err error)) (err error) {
	body, err := json.Marshal(request)
	if err != nil {
		return err
	}
	inbox := s.NewInbox()
	answers, end, err := s.listen(inbox, most+1)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, end()) }()
	if err := s.PublishRequest(directGet+stream, inbox, body); err != nil {
		return err
	}
	for {
		m, err := next(ctx, answers)
		if err != nil {
			return err
		}
		if end, err := take(m); err != nil || end {
			return err
		}
	}
}

// listen subscribes for at most so many answers. The library's own subscriptions keep room for 65,536 each.
func (c *connection) listen(subject string, most int) (answers chan *client.Msg, end func() error, err error) {
	answers = make(chan *client.Msg, most)
	subscription, err := c.ChanSubscribe(subject, answers)
	if err != nil {
		return nil, nil, err
	}
	return answers, subscription.Unsubscribe, nil
}

// next waits for the next answer.
func next(ctx context.Context, answers <-chan *client.Msg) (*client.Msg, error) {
	select {
	case m := <-answers:
		return m, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// add adds a message of the answer: a record, or its end.
func (a *lastAnswer) add(m *client.Msg) (end bool, err error) {
	if m.Header.Get(headerSequence) != "" {
		record, err := parseStored(m)
		a.records = append(a.records, record)
		a.bytes += len(record.subject) + len(record.data)
		return false, err
	}
	description := m.Header.Get(headerDescription)
	switch status := m.Header.Get(headerStatus); status {
	case statusEnd:
		rest, restErr := number(m, headerNumPending)
		through, throughErr := number(m, headerUpTo)
		// Servers before 2.12 say one too few.
		a.more, a.through = rest > 0 || a.bytes >= answerBytes, through
		return true, errors.Join(restErr, throughErr)
	case statusNone:
		a.more = description == descriptionReplaced
		return true, nil
	case statusNoResponders:
		return true, client.ErrNoResponders
	default:
		return true, fmt.Errorf("status %s %s", status, description)
	}
}

func parseStored(m *client.Msg) (stored, error) {
	sequence, err := number(m, headerSequence)
	return stored{subject: m.Header.Get(headerSubject), sequence: sequence, data: m.Data, header: m.Header}, err
}

func number(m *client.Msg, header string) (uint64, error) {
	n, err := strconv.ParseUint(m.Header.Get(header), 10, 64)
	if err != nil {
		return 0, fmt.Errorf("reading the header %s of an answer: %w", header, err)
	}
	return n, nil
}
