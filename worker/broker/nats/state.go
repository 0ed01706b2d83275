// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package nats

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	client "github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"convoy.dev/convoy/worker/broker"
)

// Waits for a replica that lags behind what this process has seen: short, a few times, then the request fails and is
// made again by the caller.
const (
	lagWait  = 5 * time.Millisecond
	lagTries = 7 // 5 ms doubled seven times: 1.3 s in all
)

// stored is one record: its sequence in the stream is what the next write of the same subject is conditional on.
type stored struct {
	subject  string
	sequence uint64
	data     []byte
	header   client.Header // as far as it is read, with what the server adds
}

// state is the stream in which Convoy keeps what it knows of one pool.
type state struct {
	*connection
	place
}

// put writes a record if the subject's last one has the sequence given (0: if there is none), and returns the new one's.
// The error of a refusal satisfies conflict.
func (s *state) put(ctx context.Context, subject string, data []byte, after uint64) (uint64, error) {
	return s.publish(ctx, subject, data, jetstream.WithExpectLastSequencePerSubject(after))
}

// touch writes a record that says nothing but when it was written, and returns its sequence. The acknowledgement comes
// from a majority of the replicas.
func (s *state) touch(ctx context.Context) (uint64, error) { return s.publish(ctx, s.confirm(), nil) }

func (s *state) publish(ctx context.Context, subject string, data []byte, options ...jetstream.PublishOpt) (uint64, error) {
	var sequence uint64
	err := s.ask(ctx, "writing "+subject, subject, func(ctx context.Context) error {
		ack, err := s.js.Publish(ctx, subject, data, append(options, jetstream.WithExpectStream(s.stateStream))...)
		if err == nil {
			sequence = ack.Sequence
		}
		return s.missing(err)
	})
	return sequence, err
}

// missing tells that nobody stores the subject, which is so while a cluster elects a leader, and for ever once somebody
// has deleted the stream.
func (s *state) missing(err error) error {
	if errors.Is(err, jetstream.ErrNoStreamResponse) {
		return fmt.Errorf("the stream %s does not answer: %w", s.stateStream, err)
	}
	return err
}

// last returns the last record of each subject that has one. It may come from a replica that lags behind; seen is the
// sequence of a write that the replica must have seen, or 0. Nobody answers while a cluster makes the stream or elects its
// leader. Many records come in several answers, which need not be as of one moment.
func (s *state) last(ctx context.Context, subjects []string, seen uint64) (map[string]stored, error) {
	return s.lastIn(ctx, shelf{s.stateStream, s.confirm()}, subjects, seen)
}

// shelf is a stream that has records, and a subject that has one in any case.
type shelf struct{ stream, sure string }

// lastIn is last for any such stream.
func (s *state) lastIn(ctx context.Context, in shelf, subjects []string, seen uint64) (map[string]stored, error) {
	found := make(map[string]stored, len(subjects))
	for part := range slices.Chunk(subjects, multiMax) {
		for more := true; more; {
			before := len(found)
			var err error
			if more, err = s.lastSome(ctx, in, lookup{part, seen, found}); err != nil {
				return nil, err
			}
			part = slices.DeleteFunc(slices.Clone(part), func(subject string) bool { return found[subject].sequence > 0 })
			more = more && len(found) > before && len(part) > 0
		}
	}
	return found, nil
}

// errLags says that a replica has not seen what it must have seen.
var errLags = errors.New("the replica that answers lags behind")

// multiMax is how many subjects one request asks for; the server answers at most 1,024.
const multiMax = 1000

// lookup is what is looked up, the sequence of a write that must have been seen, and what was found.
type lookup struct {
	subjects []string
	seen     uint64
	found    map[string]stored
}

// lastSome adds the last record of each subject that has one, and says whether there are more than fit into an answer.
func (s *state) lastSome(ctx context.Context, in shelf, of lookup) (more bool, err error) {
	subjects := of.subjects
	if of.seen > 0 {
		subjects = append(slices.Clone(subjects), in.sure) // So that there is something to be found in any case.
	}
	for wait := lagWait; ; wait *= 2 {
		var answer lastAnswer
		err := s.ask(ctx, "reading the stream "+in.stream, directGet+in.stream, func(ctx context.Context) (err error) {
			answer, err = s.readMany(ctx, in.stream, subjects)
			if err == nil && (answer.through < of.seen || answer.more && len(answer.records) == 0) {
				err = errLags
			}
			return err
		})
		if err == nil {
			for _, record := range answer.records {
				of.found[record.subject] = record
			}
			return answer.more, nil
		}
		if !errors.Is(err, errLags) && !errors.Is(err, client.ErrNoResponders) || wait > lagWait<<lagTries {
			return false, err
		}
		if err := sleep(ctx, wait); err != nil {
			return false, err
		}
	}
}

// sleep waits, or returns the context's error.
func sleep(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// lost is the error for a record that was there and is not.
func (s *state) lost(subject string) error {
	return &broker.PermanentError{
		Err:  fmt.Errorf("the stream %s no longer has the record %s", s.stateStream, subject),
		Mend: "restore the stream, or delete the pool's pods: the pool then begins anew, where its startFrom says",
	}
}
