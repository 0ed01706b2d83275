// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package nats

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	client "github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"convoy.dev/convoy/worker/broker"
	"convoy.dev/convoy/worker/order"
)

// LoadParked implements broker.Park.
func (p *parking) LoadParked(ctx context.Context) ([]broker.ParkedKey, error) {
	keys, err := p.load(ctx)
	return keys, p.failed(ctx, "loading what is parked", err)
}

func (p *parking) load(ctx context.Context) ([]broker.ParkedKey, error) {
	if err := p.state.ensurePark(ctx); err != nil {
		return nil, err
	}
	if err := p.setFence(ctx); err != nil {
		return nil, err
	}
	counts, err := p.count(ctx)
	if err != nil {
		return nil, err
	}
	found, err := p.loadKeys(ctx, counts)
	if err != nil {
		return nil, err
	}
	var keys []broker.ParkedKey
	for _, k := range found {
		messages, err := p.tidy(ctx, k, counts[k.token])
		if err != nil {
			return nil, err
		}
		if messages == 0 {
			continue
		}
		key := k.mark
		key.Last, key.Messages = k.last, messages
		keys = append(keys, key)
	}
	return keys, nil
}

// count counts the messages of each key that has a record or messages, by its token.
func (p *parking) count(ctx context.Context) (map[string]int, error) {
	counts := map[string]int{}
	err := p.state.ask(ctx, "looking at the stream "+p.state.parkStream, apiStreamInfo+p.state.parkStream, func(ctx context.Context) error {
		stream, err := p.state.js.Stream(ctx, p.state.parkStream)
		if err != nil {
			return err
		}
		info, err := stream.Info(ctx, jetstream.WithSubjectFilter(p.state.prefix+"parked.*."+p.parkLane()+".*"))
		if err != nil {
			return err
		}
		if info.State.LastSeq < p.fence {
			return errLags
		}
		for subject, n := range info.State.Subjects {
			what, token, _ := strings.Cut(strings.TrimPrefix(subject, p.state.prefix+"parked."), ".")
			token = token[strings.LastIndexByte(token, '.')+1:]
			if what != "message" {
				n = 0
			}
			counts[token] += int(n)
		}
		return nil
	})
	return counts, err
}

// loadKeys reads the records of keys, and the newest message of each that has any.
func (p *parking) loadKeys(ctx context.Context, counts map[string]int) ([]*parkedKey, error) {
	found := make([]*parkedKey, 0, len(counts))
	const atOnce = 64 // with their newest messages, whose sizes nobody knows.
	for part := range slices.Chunk(slices.Sorted(maps.Keys(counts)), atOnce) {
		var subjects []string
		for _, token := range part {
			subjects = append(subjects, p.parkSubject("key", token), p.parkSubject("message", token))
		}
		records, err := p.latest(ctx, subjects)
		if err != nil {
			return nil, err
		}
		for _, token := range part {
			k, err := p.loadKey(token, records)
			if err != nil {
				return nil, err
			}
			found = append(found, k)
		}
	}
	p.lock.Lock()
	defer p.lock.Unlock()
	for _, k := range found {
		p.keys[k.mark.Key] = k
	}
	return found, nil
}

func (p *parking) loadKey(token string, records map[string]stored) (*parkedKey, error) {
	record, is := records[p.parkSubject("key", token)]
	if !is {
		return nil, &broker.PermanentError{
			Err:  fmt.Errorf("the stream %s no longer has the record %s", p.state.parkStream, p.parkSubject("key", token)),
			Mend: "restore the stream, or take the messages of that key out of it by hand",
		}
	}
	var r parkedRecord
	if err := parseRecord(record, &r, &r.Version); err != nil {
		return nil, err
	}
	k := &parkedKey{token: token, removed: r.Removed, last: r.Removed, newest: record.sequence, mark: broker.ParkedKey{
		Key: string(r.Key), Reason: r.Reason, Attempts: r.Attempts, Since: r.Since, Released: r.Released, Action: r.Action,
	}}
	if newest, is := records[p.parkSubject("message", token)]; is {
		message, err := unpackParked(newest)
		if err != nil {
			return nil, err
		}
		k.last, k.newest = max(k.last, message.Sequence), max(k.newest, newest.sequence)
	}
	return k, nil
}

// tidy takes out of the stream what an owner before had removed and left there, and says how many messages the key has.
func (p *parking) tidy(ctx context.Context, k *parkedKey, count int) (int, error) {
	if count == 0 || k.last <= k.removed {
		return 0, p.forget(ctx, k)
	}
	if k.removed == 0 {
		return count, nil
	}
	through := uint64(0)
	for from := uint64(1); ; {
		part, err := p.next(ctx, k, from, tidyAfter)
		if err != nil {
			return 0, err
		}
		for _, record := range part {
			message, err := unpackParked(record)
			if err != nil {
				return 0, err
			}
			if message.Sequence > k.removed {
				if through == 0 {
					return count, nil
				}
				return count, p.purge(ctx, p.parkSubject("message", k.token), through)
			}
			through, from = record.sequence, record.sequence+1
			count--
		}
		if len(part) == 0 {
			return 0, errLags
		}
	}
}

// next reads messages of a key from a place in the stream on, as many as fit into an answer. None means that the replica that answers has none yet.
func (p *parking) next(ctx context.Context, k *parkedKey, from uint64, most int) ([]stored, error) {
	var part []stored
	stream, request := p.state.parkStream, nextRequest{From: from, Next: p.parkSubject("message", k.token), Batch: most, MaxBytes: answerBytes}
	err := p.state.ask(ctx, "reading the stream "+stream, directGet+stream, func(ctx context.Context) error {
		part = nil
		return p.state.read(ctx, stream, request, most, func(m *client.Msg) (end bool, err error) {
			if m.Header.Get(headerSequence) != "" {
				record, err := parseStored(m)
				part = append(part, record)
				return false, err
			}
			switch status := m.Header.Get(headerStatus); status {
			case statusEnd, statusNone:
				return true, nil
			case statusNoResponders:
				return true, client.ErrNoResponders
			default:
				return true, fmt.Errorf("status %s %s", status, m.Header.Get(headerDescription))
			}
		})
	})
	return part, err
}

// ReadParked implements broker.Park.
func (p *parking) ReadParked(ctx context.Context, name string, after order.Sequence, most int) ([]broker.Message, error) {
	k, err := p.key(name)
	if err != nil {
		return nil, err
	}
	messages, err := p.readAfter(ctx, k, after, most)
	return messages, p.failed(ctx, "reading what is parked", err)
}

func (p *parking) readAfter(ctx context.Context, k *parkedKey, after order.Sequence, most int) ([]broker.Message, error) {
	var messages []broker.Message
	p.lock.Lock()
	after = max(after, k.removed)
	from := k.before(after) + 1
	p.lock.Unlock()
	for len(messages) == 0 {
		part, err := p.next(ctx, k, from, most)
		if err != nil {
			return nil, err
		}
		if len(part) == 0 {
			return nil, errLags
		}
		for _, record := range part {
			message, err := unpackParked(record)
			if err != nil {
				return nil, err
			}
			from = record.sequence + 1
			if message.Sequence > after {
				messages = append(messages, message)
				p.lock.Lock()
				k.keep(placed{message.Sequence, record.sequence})
				p.lock.Unlock()
			}
		}
	}
	return messages, nil
}

// lastOf is the newest message of a subject, by a replica that has seen the fence.
func (p *parking) lastOf(ctx context.Context, subject string) (stored, error) {
	found, err := p.latest(ctx, []string{subject})
	return found[subject], err
}

// latest are the newest messages of subjects, by a replica that has seen the fence.
func (p *parking) latest(ctx context.Context, subjects []string) (map[string]stored, error) {
	return p.state.lastIn(ctx, shelf{p.state.parkStream, p.parkSubject("owner", "")}, subjects, p.fence)
}
