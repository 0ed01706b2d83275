// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package nats

import (
	"context"
	"encoding/json"

	"github.com/nats-io/nats.go/jetstream"

	"convoy.dev/convoy/worker/broker"
	"convoy.dev/convoy/worker/order"
)

// Unpark implements broker.Park. What counts is the key's record, which says up to where its messages are removed; they are
// taken out of the stream when there are many, or no others. That is tidying up: it names places below the record, so that
// nothing later is touched, whenever the request arrives.
func (p *parking) Unpark(ctx context.Context, name string, through order.Sequence, last bool) error {
	p.lock.Lock()
	k := p.keys[name]
	p.lock.Unlock()
	if k == nil && p.doubt {
		return p.failed(ctx, "removing messages", p.setFence(ctx)) // Forgotten already; if the store is still this owner's.
	}
	if k == nil {
		return nil
	}
	return p.failed(ctx, "removing messages", p.remove(ctx, k, through, last))
}

func (p *parking) remove(ctx context.Context, k *parkedKey, through order.Sequence, last bool) error {
	if through > k.removed || p.doubt {
		if err := p.record(ctx, k, k.mark, max(through, k.removed)); err != nil {
			return err
		}
		p.lock.Lock()
		k.removed = max(through, k.removed)
		p.lock.Unlock()
		k.stale++
	}
	switch {
	case last:
		return p.forget(ctx, k)
	case k.stale < tidyAfter:
		return nil
	}
	p.lock.Lock()
	at := k.before(k.removed)
	p.lock.Unlock()
	if at > 0 {
		if err := p.purge(ctx, p.parkSubject("message", k.token), at); err != nil {
			return err
		}
	}
	k.stale = 0
	return nil
}

// forget takes everything of a key out of the stream, its record last.
func (p *parking) forget(ctx context.Context, k *parkedKey) error {
	for _, what := range []string{"message", "key"} {
		if err := p.purge(ctx, p.parkSubject(what, k.token), k.newest); err != nil {
			return err
		}
	}
	p.lock.Lock()
	defer p.lock.Unlock()
	delete(p.keys, k.mark.Key)
	return nil
}

// purge takes all messages of a subject out of the stream, up to a place.
func (p *parking) purge(ctx context.Context, subject string, through uint64) error {
	body, err := json.Marshal(map[string]any{"filter": subject, "seq": through + 1})
	if err != nil {
		return err
	}
	api := apiStreamPurge + p.state.parkStream
	return p.state.ask(ctx, "removing messages of the stream "+p.state.parkStream, api, func(ctx context.Context) error {
		reply, err := p.state.RequestWithContext(ctx, api, body)
		if err != nil {
			return err
		}
		var answer struct {
			Error *jetstream.APIError `json:"error"`
		}
		if err := json.Unmarshal(reply.Data, &answer); err != nil {
			return err
		}
		if answer.Error != nil {
			return answer.Error
		}
		return nil
	})
}

var _ broker.Park = (*parking)(nil)
