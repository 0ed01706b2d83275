// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package nats

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"sync"
	"time"

	client "github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"convoy.dev/convoy/worker/broker"
	"convoy.dev/convoy/worker/drain"
	"convoy.dev/convoy/worker/order"
)

// parking is the parking store of one lane. Of each key it has one record, which says why it is parked and up to where
// its messages are removed, and its messages, on a subject of their own.
type parking struct {
	state *state
	grant broker.Grant
	// fence is the sequence of the lane's owner record, which is this owner's: what is written is conditional on it, so
	// that nothing counts that another owner, or this one before, sends afterwards.
	fence uint64
	// doubt says that a write is on its way of which nobody knows whether it will be carried out.
	doubt bool
	// lock guards keys: messages are read while others are written.
	lock sync.Mutex
	keys map[string]*parkedKey
}

// parkedKey is what this owner knows of one key.
type parkedKey struct {
	token string // stands for the key in subjects
	mark  broker.ParkedKey
	// removed is the sequence up to which messages are removed, last that of the newest ever appended; asks says that a
	// newer one may have been appended, without an answer.
	removed, last order.Sequence
	asks          bool
	// newest is the place of the newest record or message written.
	newest uint64
	// places are those of the messages read last, in order; stale counts removals whose messages are in the stream.
	places []placed
	stale  int
}

// placed is a message of a key and its sequence in the stream.
type placed struct {
	sequence order.Sequence
	at       uint64
}

const (
	// placesMax is how many places of a key are kept, tidyAfter how many removed messages may be left in the stream.
	placesMax = 256
	tidyAfter = 64
)

func newParking(s *state, grant broker.Grant) *parking {
	return &parking{state: s, grant: grant, keys: map[string]*parkedKey{}}
}

// parkSubject is the subject of a record or of messages: what is owner, key or message; keys stand in it as a hash, since
// they may hold any character.
func (p *parking) parkSubject(what, token string) string {
	subject := p.state.prefix + "parked." + what + "." + p.parkLane()
	if token != "" {
		subject += "." + token
	}
	return subject
}

func (p *parking) parkLane() string { return strconv.Itoa(int(p.grant.Lane)) }

// keyToken is 128 bits of the key's SHA-256, as hexadecimal digits.
func keyToken(name string) string {
	sum := sha256.Sum256([]byte(name))
	return hex.EncodeToString(sum[:16])
}

// parkedRecord is the record of a key: JSON, for people who look. Key is encoded, since keys need not be UTF-8.
type parkedRecord struct {
	Version  int            `json:"version"`
	Key      []byte         `json:"key"`
	Name     string         `json:"name"` // the key, as far as it can be shown
	Reason   string         `json:"reason"`
	Attempts uint32         `json:"attempts"`
	Since    time.Time      `json:"since"`
	Released bool           `json:"released"`
	Action   string         `json:"action,omitempty"`
	Removed  order.Sequence `json:"removed"`
}

// key finds a key that was marked.
func (p *parking) key(name string) (*parkedKey, error) {
	p.lock.Lock()
	defer p.lock.Unlock()
	if k := p.keys[name]; k != nil {
		return k, nil
	}
	return nil, fmt.Errorf("key %q of lane %d is not marked as parked", name, p.grant.Lane)
}

// failed names what failed. When nobody answers for the stream it is looked whether somebody has deleted it.
func (p *parking) failed(ctx context.Context, doing string, err error) error {
	if err == nil {
		return nil
	}
	if errors.Is(err, client.ErrNoResponders) || errors.Is(err, jetstream.ErrNoStreamResponse) {
		if info, unknown := p.state.stream(ctx, p.state.parkStream); unknown == nil && info == nil {
			err = &broker.PermanentError{
				Err:  fmt.Errorf("the stream %s is gone, and with it what was parked", p.state.parkStream),
				Mend: "restore it from a backup; or, to go on without what was parked, delete the pool's pods", Cause: broker.CauseNotFound,
			}
		}
	}
	return fmt.Errorf("%s of lane %d at %v: %w", doing, p.grant.Lane, p.grant.Token, err)
}

// MarkParked implements broker.Park.
func (p *parking) MarkParked(ctx context.Context, mark broker.ParkedKey) error {
	mark.Last, mark.Messages = 0, 0
	p.lock.Lock()
	k := p.keys[mark.Key]
	p.lock.Unlock()
	if k == nil {
		k = &parkedKey{token: keyToken(mark.Key)}
	}
	if err := p.record(ctx, k, mark, k.removed); err != nil {
		return p.failed(ctx, "marking a key", err)
	}
	p.lock.Lock()
	defer p.lock.Unlock()
	k.mark = mark
	p.keys[mark.Key] = k
	return nil
}

// record writes the record of a key, in place of the one before.
func (p *parking) record(ctx context.Context, k *parkedKey, mark broker.ParkedKey, removed order.Sequence) error {
	text, err := json.Marshal(parkedRecord{recordVersion, []byte(mark.Key), mark.Key, mark.Reason, mark.Attempts, mark.Since, mark.Released, mark.Action, removed})
	if err != nil {
		return err
	}
	m := &client.Msg{Subject: p.parkSubject("key", k.token), Data: text, Header: client.Header{}}
	m.Header.Set(headerRollup, "sub")
	return p.write(ctx, k, m)
}

// headerRollup lets a message take the place of all others of its subject.
const headerRollup = "Nats-Rollup"

// write makes a write that counts only while the lane's parking store is this owner's. One without an answer may still be
// carried out, whenever it arrives. So before anything else is written the fence is set anew, behind which it cannot be.
func (p *parking) write(ctx context.Context, k *parkedKey, m *client.Msg) error {
	for wait := lagWait; ; wait *= 2 {
		if p.doubt {
			if err := p.setFence(ctx); err != nil {
				return err
			}
		}
		sequence, err := p.publish(ctx, m, jetstream.WithExpectLastSequenceForSubject(p.fence, p.parkSubject("owner", "")))
		if err == nil {
			k.newest = sequence
			return nil
		}
		p.doubt = true
		if !conflict(err) || wait > lagWait<<lagTries {
			return err
		}
		if err := sleep(ctx, wait); err != nil {
			return err
		}
	}
}

func (p *parking) publish(ctx context.Context, m *client.Msg, expect jetstream.PublishOpt) (uint64, error) {
	var sequence uint64
	err := p.state.ask(ctx, "writing "+m.Subject, m.Subject, func(ctx context.Context) error {
		ack, err := p.state.js.PublishMsg(ctx, m, expect, jetstream.WithExpectStream(p.state.parkStream))
		if err == nil {
			sequence = ack.Sequence
		}
		if errors.Is(err, jetstream.ErrNoStreamResponse) {
			err = fmt.Errorf("the stream %s does not answer: %w", p.state.parkStream, err)
		}
		return err
	})
	return sequence, err
}

// ownerRecord says whose a lane's parking store is.
type ownerRecord struct {
	Version     int    `json:"version"`
	Epoch       int64  `json:"epoch"`
	Incarnation int64  `json:"incarnation"`
	Worker      string `json:"worker"`
}

// setFence writes the owner record over the one that is there, unless that is a later owner's.
func (p *parking) setFence(ctx context.Context) error {
	subject := p.parkSubject("owner", "")
	own := ownerRecord{recordVersion, p.grant.Token.Epoch, p.grant.Token.Incarnation, p.grant.Worker}
	text, err := json.Marshal(own)
	if err != nil {
		return err
	}
	for wait := lagWait; ; wait *= 2 {
		at, err := p.overcome(ctx, subject, own)
		if err != nil {
			return err
		}
		m := &client.Msg{Subject: subject, Data: text, Header: client.Header{}}
		m.Header.Set(headerRollup, "sub")
		sequence, err := p.publish(ctx, m, jetstream.WithExpectLastSequencePerSubject(at))
		if err == nil {
			p.fenced(sequence)
			return nil
		}
		if !conflict(err) || wait > lagWait<<lagTries {
			return err
		}
		if err := sleep(ctx, wait); err != nil {
			return err
		}
	}
}

// overcome returns the sequence of the owner record, 0 if there is none; or that a later owner has written it.
func (p *parking) overcome(ctx context.Context, subject string, own ownerRecord) (uint64, error) {
	found, err := p.lastOf(ctx, subject)
	if err != nil || found.sequence == 0 {
		return 0, err
	}
	var is ownerRecord
	if err := parseRecord(found, &is, &is.Version); err != nil {
		return 0, err
	}
	token := drain.Token{Epoch: is.Epoch, Incarnation: is.Incarnation}
	if p.grant.Token.Less(token) || token == p.grant.Token && is != own {
		return 0, fmt.Errorf("%w: %v", broker.ErrFenced, token)
	}
	return found.sequence, nil
}

// fenced notes where the fence is. What was appended before it without an answer has been carried out or never will be.
func (p *parking) fenced(sequence uint64) {
	p.lock.Lock()
	defer p.lock.Unlock()
	p.fence, p.doubt = sequence, false
	for _, k := range p.keys {
		k.asks = true
	}
}

// Park implements broker.Park.
func (p *parking) Park(ctx context.Context, name string, message broker.Message) error {
	k, err := p.key(name)
	if err != nil {
		return err
	}
	return p.failed(ctx, "parking a message", p.append(ctx, k, &message))
}

func (p *parking) append(ctx context.Context, k *parkedKey, message *broker.Message) error {
	for {
		if p.doubt {
			if err := p.setFence(ctx); err != nil {
				return err
			}
		}
		if k.asks {
			if err := p.askLast(ctx, k); err != nil {
				return err
			}
		}
		if message.Sequence <= max(k.last, k.removed) {
			return nil
		}
		if err := p.write(ctx, k, packParked(p.parkSubject("message", k.token), k.mark.Key, message)); err != nil {
			return err
		}
		k.last = message.Sequence
	}
}

// askLast finds out what the newest message of a key is.
func (p *parking) askLast(ctx context.Context, k *parkedKey) error {
	found, err := p.lastOf(ctx, p.parkSubject("message", k.token))
	if err != nil {
		return err
	}
	if found.sequence != 0 {
		message, err := unpackParked(found)
		if err != nil {
			return err
		}
		k.last = max(k.last, message.Sequence)
		k.newest = max(k.newest, found.sequence)
	}
	k.asks = false
	return nil
}

// keep remembers the place of a message that was read. One that is read again may be remembered.
func (k *parkedKey) keep(at placed) {
	if n := len(k.places); n > 0 && k.places[n-1].sequence >= at.sequence {
		return
	}
	if len(k.places) == placesMax {
		k.places = append(k.places[:0], k.places[placesMax/2:]...)
	}
	k.places = append(k.places, at)
}

// before is the place of the newest message up to a sequence that is known; 0 if none is.
func (k *parkedKey) before(sequence order.Sequence) (at uint64) {
	for _, known := range k.places {
		if known.sequence > sequence {
			break
		}
		at = known.at
	}
	return at
}
