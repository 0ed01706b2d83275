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

	statusEnd          = "204"
	statusNone         = "404"
	statusNoResponders = "503"
)

// lastRequest asks for the last message of each subject.
type lastRequest struct {
	Last []string `json:"multi_last"`
	// From leaves out what has a lower sequence, UpTo what has a higher one.
	From uint64 `json:"seq,omitempty"`
	UpTo uint64 `json:"up_to_seq,omitempty"`
}

// readMany returns the last message of each subject that has one, all as of one moment.
func (s *state) readMany(ctx context.Context, subjects []string) ([]stored, error) {
	ask := lastRequest{Last: subjects}
	var all []stored
	for {
		part, rest, through, err := s.readSome(ctx, ask)
		all = append(all, part...)
		if err != nil || rest == 0 || len(part) == 0 {
			return all, err
		}
		ask.From, ask.UpTo = part[len(part)-1].sequence+1, through
	}
}

// readSome makes one request. The server may end an answer early when it becomes large; rest is how many messages are
// left then.
func (s *state) readSome(ctx context.Context, ask lastRequest) (part []stored, rest, through uint64, err error) {
	body, err := json.Marshal(ask)
	if err != nil {
		return nil, 0, 0, err
	}
	inbox := s.NewInbox()
	answers, err := s.SubscribeSync(inbox)
	if err != nil {
		return nil, 0, 0, err
	}
	defer func() { err = errors.Join(err, answers.Unsubscribe()) }()
	if err := s.PublishRequest(directGet+s.stateStream, inbox, body); err != nil {
		return nil, 0, 0, err
	}
	for {
		answer, err := answers.NextMsgWithContext(ctx)
		if err != nil {
			return nil, 0, 0, err
		}
		switch status := answer.Header.Get(headerStatus); status {
		case "":
			record, err := parseStored(answer)
			if err != nil {
				return nil, 0, 0, err
			}
			part = append(part, record)
		case statusEnd:
			rest, restErr := number(answer, headerNumPending)
			through, throughErr := number(answer, headerUpTo)
			return part, rest, through, errors.Join(restErr, throughErr)
		case statusNone:
			return nil, 0, 0, nil
		case statusNoResponders:
			return nil, 0, 0, client.ErrNoResponders
		default:
			return nil, 0, 0, fmt.Errorf("status %s %s", status, answer.Header.Get("Description"))
		}
	}
}

func parseStored(m *client.Msg) (stored, error) {
	sequence, err := number(m, headerSequence)
	return stored{m.Header.Get(headerSubject), sequence, m.Data}, err
}

func number(m *client.Msg, header string) (uint64, error) {
	n, err := strconv.ParseUint(m.Header.Get(header), 10, 64)
	if err != nil {
		return 0, fmt.Errorf("reading the header %s of an answer: %w", header, err)
	}
	return n, nil
}
