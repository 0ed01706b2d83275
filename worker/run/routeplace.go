// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package run

import (
	"context"
	"errors"
	"fmt"
	"time"

	"convoy.dev/convoy/api/v1alpha1"
	"convoy.dev/convoy/worker/broker"
	"convoy.dev/convoy/worker/lane"
)

const (
	// measureInterval is how far apart two measurements of the lanes are while one of them is full.
	measureInterval = 250 * time.Millisecond
	// fullPart is which part of its limit, in hundredths, the store of the lanes may take before routing waits.
	fullPart = 95
	// messageExtra is what a message may take in the store beside its body; too much only means that it is measured sooner.
	messageExtra = 512
)

// placer decides where the messages of one shard go. It belongs to the shard's task.
type placer struct {
	worker *Worker
	shard  *heldShard
	// fill is how full lanes and store are at most: as they were measured, and what was placed since. measured is when that
	// was, zero for never.
	fill     broker.Fill
	measured time.Time
	// proven says that some message had a key: of those met, or of those that were routed before.
	proven bool
	// keyless is since when routing waits for a message with a key; zero when it does not.
	keyless time.Time
	// batch is the batch of messages that was evaluated last, from its first sequence on, so that messages that wait are
	// evaluated once.
	batch []arrival
}

func newPlacer(w *Worker, s *heldShard) *placer { return &placer{worker: w, shard: s} }

// resumes is for a shard of which something was routed before: then some message had a key.
func (p *placer) resumes() {
	if !p.proven {
		p.proven = true
		p.worker.inbox.post(p.worker.prove)
	}
}

// place says for as many of the messages as there is room for to which lane they go.
func (p *placer) place(ctx context.Context, messages []broker.Message, into []int32) ([]int32, error) {
	p.evaluate(messages)
	if !p.proven {
		return into, p.again() // Nothing is routed before some message has a key: the expression itself may be wrong.
	}
	for i := range p.batch {
		a := &p.batch[i]
		if a.noKey != nil && p.worker.config.OnMissing == v1alpha1.MissingBlock {
			p.block(a)
			if i > 0 {
				return into, nil
			}
			return into, p.again()
		}
		to := p.lane(a)
		if !p.room(ctx, to, len(a.message.Data)) {
			return into, nil
		}
		if tracer := p.worker.config.Tracer; tracer != nil {
			messages[i].Trace = tracer.Route(ctx, &messages[i], to)
		}
		into, p.keyless = append(into, to), time.Time{}
	}
	return into, nil
}

// errAgain has the shard read again: what routing waits for may be gone from the source.
var errAgain = errors.New("the shard is read again")

// againAfter is for how long routing waits for a message with a key before it reads again.
const againAfter = 2 * time.Second

func (p *placer) again() error {
	switch now := p.worker.now(); {
	case p.keyless.IsZero():
		p.keyless = now
	case now.Sub(p.keyless) >= againAfter:
		p.keyless = time.Time{}
		return errAgain
	}
	return nil
}

// evaluate finds the keys of messages. Those that have waited have theirs.
func (p *placer) evaluate(messages []broker.Message) {
	first := messages[0].Sequence
	for len(p.batch) > 0 && p.batch[0].message.Sequence < first {
		p.batch = p.batch[1:]
	}
	known := 0
	for known < min(len(p.batch), len(messages)) && p.batch[known].message.Sequence == messages[known].Sequence {
		known++
	}
	fresh := p.worker.evaluate(messages[known:])
	p.batch = append(p.batch[:known:known], fresh...)
	if p.proven || len(fresh) == 0 {
		return
	}
	for i := range fresh {
		p.proven = p.proven || fresh[i].noKey == nil
	}
	p.worker.inbox.post(func() { p.worker.met(fresh) })
}

// lane is the lane of a message. One without a key goes to a lane all the same, whose owner deals with it: there it is in the
// ledger until it is durable where it goes.
func (p *placer) lane(a *arrival) int32 { return int32(lane.Of(a.hash, p.worker.config.Routing.Lanes)) }

// room takes room for a message in a lane, and reports whether there is some.
func (p *placer) room(ctx context.Context, to int32, size int) bool {
	if p.measured.IsZero() || p.full(to) != (halt{}) {
		p.measure(ctx)
	}
	if p.measured.IsZero() {
		return false
	}
	if why := p.full(to); why != (halt{}) {
		p.stands(v1alpha1.ConditionLaneStoreFull, why)
		return false
	}
	p.fill.Lanes[to]++
	p.fill.Bytes += uint64(size + messageExtra)
	return true
}

// full says why a lane can take nothing more, as far as is known.
func (p *placer) full(to int32) halt {
	most := p.worker.config.Routing.MaxBacklog
	if p.fill.Lanes[to] >= most {
		return halt{v1alpha1.ReasonLaneFull, fmt.Sprintf(
			"routing waits: lane %d holds as many messages as lanes.routed.maxBacklogPerLane allows (%d)", to, most)}
	}
	if limit := p.fill.Limit; limit > 0 && p.fill.Bytes > limit/100*fullPart {
		return halt{v1alpha1.ReasonStoreNearlyFull, fmt.Sprintf("routing waits: the store of the lanes has hardly room left of its %d bytes: "+
			"let the lanes be worked off, or raise lanes.routed.store.maxBytes", limit)}
	}
	return halt{}
}

// measure asks the broker how full the lanes are, but not too often.
func (p *placer) measure(ctx context.Context) {
	w := p.worker
	if !p.measured.IsZero() && w.now().Sub(p.measured) < measureInterval {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, requestTime)
	defer cancel()
	fill, err := p.shard.store.Measure(ctx)
	r := request{doing: "measuring the lanes", lane: -1}
	if err == nil && len(fill.Lanes) != w.config.Routing.Lanes {
		err = fmt.Errorf("the broker has %d lanes, the pool %d", len(fill.Lanes), w.config.Routing.Lanes)
	}
	if err != nil {
		if ctx.Err() == nil {
			w.trouble(r, err, func() bool { return w.shards[p.shard.number] == p.shard && !p.shard.stopped })
		}
		return
	}
	p.fill, p.measured = fill, w.now()
	w.inbox.post(func() { w.succeeds(r) })
}

// storeFull is for a store that has refused a message. What is known of its fill is too little.
func (p *placer) storeFull(err error) {
	p.measured = time.Time{}
	p.worker.count(routing(p.shard.number), err)
	p.stands(v1alpha1.ConditionLaneStoreFull, halt{v1alpha1.ReasonStoreNearlyFull, "routing waits: " + err.Error()})
}

// block stops the shard at a message without a key, until the source no longer has it.
func (p *placer) block(a *arrival) {
	p.stands(v1alpha1.ConditionLaneBlocked, halt{v1alpha1.ReasonGivesNoKey,
		fmt.Sprintf("shard %d stops at its message %d, which has no key: %v", p.shard.number, a.message.Sequence, a.noKey)})
}

// stands has a condition say why the shard stands. It is said again as long as it does.
func (p *placer) stands(kind string, why halt) {
	p.worker.inbox.post(func() { p.worker.shardStands(p.shard, kind, why) })
}

// shardStands notes why a shard stands.
func (w *Worker) shardStands(s *heldShard, kind string, why halt) {
	if w.shards[s.number] == s && !s.stopped {
		s.stands[kind] = w.at
		w.haltAt(kind, halting(s.number), why)
	}
}

// shardsGoOn says that shards stand no more of which nobody has said so for a while: long enough that a lane which is full
// now and then does not fill the status.
func (w *Worker) shardsGoOn() {
	for _, s := range w.shards {
		for kind, said := range s.stands {
			if w.at.Sub(said) > troubleInterval {
				delete(s.stands, kind)
				w.goOnAt(kind, halting(s.number))
			}
		}
	}
}
