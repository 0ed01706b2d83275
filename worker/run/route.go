// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package run

import (
	"context"
	"errors"
	"time"

	"convoy.dev/convoy/api/v1alpha1"
	"convoy.dev/convoy/worker/broker"
	"convoy.dev/convoy/worker/drain"
)

// Routing is what a worker needs to know to route.
type Routing struct {
	// Lanes is how many lanes there are; 0 for Native lanes, which are not routed.
	Lanes int
	// MaxBacklog is how many messages a lane may hold before routing waits.
	MaxBacklog int64
}

// heldShard is a shard from the moment at which it may be routed until nothing of this worker routes it. It belongs to the
// loop, what its task uses to the task. A lost hold does not stop it: whatever it writes counts only while its grant is the
// newest.
type heldShard struct {
	number int32
	token  drain.Token
	store  broker.Shard
	// routing ends when it is to be routed no more.
	routing context.Context
	stop    context.CancelFunc
	// ended says that its task has ended; stopped, that the machine wants to hear of it.
	ended, stopped bool
	// stands is when it was said last that routing waits, by the type of the condition that tells of it.
	stands map[string]time.Time
}

// startShard routes a shard whose record is written. It is a task of its own.
func (w *Worker) startShard(unit drain.Unit, o openedUnit) {
	if w.shards[unit.Index] != nil {
		panic("run: a shard starts that is still there")
	}
	s := &heldShard{number: unit.Index, token: o.token, store: o.shard, stands: map[string]time.Time{}}
	s.routing, s.stop = context.WithCancel(w.running)
	w.shards[unit.Index] = s
	w.config.Log.Info("routing begins", "shard", s.number, "token", s.token.String())
	w.spawn(func(context.Context) {
		w.route(s)
		w.inbox.post(func() {
			s.ended = true
			w.leaveShard(s)
		})
	})
}

// halting is the number of a shard among lanes.
func halting(shard int32) int32 { return -1 - shard }

// routing is the request to route a shard, which goes on for ever.
func routing(shard int32) request { return request{doing: "routing the source", lane: halting(shard)} }

// route routes until the shard is given up or another worker has it. Whatever goes wrong, it begins again from what the
// broker proves.
func (w *Worker) route(s *heldShard) {
	waits := backoff{least: soonest, most: latest}
	p := newPlacer(w, s)
	r, failed := routing(s.number), false
	for s.routing.Err() == nil {
		err := s.store.Route(s.routing, broker.Routing{Place: p.place, Resumes: p.resumes, Settled: func(messages int) {
			waits.reset()
			if failed {
				failed = false
				w.inbox.post(func() { w.succeeds(r) })
			}
			w.metrics.routed.Add(float64(messages))
		}})
		switch {
		case s.routing.Err() != nil:
			return
		case broker.KindOf(err) == broker.Fenced:
			w.inbox.post(func() { w.supersedeShard(s) })
			return
		case errors.Is(err, errAgain):
		case errors.Is(err, broker.ErrStoreFull):
			p.storeFull(err)
		case err != nil:
			failed = true
			w.trouble(r, err, func() bool { return w.shards[s.number] == s && !s.stopped })
		}
		if !waits.wait(s.routing) {
			return
		}
	}
}

// supersedeShard is for a shard that another worker has.
func (w *Worker) supersedeShard(s *heldShard) {
	if w.shards[s.number] == s && !s.stopped {
		w.config.Log.Warn("another worker routes the shard", "shard", s.number, "token", s.token.String())
		w.step(drain.Superseded{Unit: shardUnit(s.number), Epoch: s.token.Epoch, Floor: s.token.Epoch})
	}
}

// stopShard ends routing. What is on its way is in its lane or not; the next router finds out.
func (w *Worker) stopShard(unit drain.Unit, token drain.Token) {
	s := w.shards[unit.Index]
	if s == nil || s.token != token {
		panic("run: a shard stops that is not there")
	}
	s.stopped = true
	s.stop()
	w.leaveShard(s)
}

// leaveShard drops a shard that nobody routes any more, once that was asked for.
func (w *Worker) leaveShard(s *heldShard) {
	if !s.ended || !s.stopped || w.shards[s.number] != s {
		return
	}
	s.stop()
	delete(w.shards, s.number)
	w.succeeds(routing(s.number))
	w.goOnAt(v1alpha1.ConditionLaneStoreFull, halting(s.number))
	w.goOnAt(v1alpha1.ConditionLaneBlocked, halting(s.number))
	w.config.Log.Info("routing ends", "shard", s.number, "token", s.token.String())
	w.inbox.post(func() { w.step(drain.Emptied{Unit: shardUnit(s.number), Epoch: s.token.Epoch}) })
}

func shardUnit(number int32) drain.Unit { return drain.Unit{Kind: drain.Shard, Index: number} }
