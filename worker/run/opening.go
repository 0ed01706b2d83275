// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package run

import (
	"context"
	"errors"
	"time"

	"convoy.dev/convoy/worker/broker"
	"convoy.dev/convoy/worker/drain"
)

// requestTime bounds one request to the broker or the API server. A request that takes longer is made again.
const requestTime = 5 * time.Second

// opening is an epoch record that is being written.
type opening struct {
	token drain.Token
	stop  context.CancelFunc
}

// openedUnit is a lane or a shard whose epoch record is written, until it may start.
type openedUnit struct {
	token drain.Token
	lane  broker.Lane
	shard broker.Shard
}

// open writes the epoch record, again and again until there is an answer or nobody wants it any more.
func (w *Worker) open(unit drain.Unit, token drain.Token) {
	if before := w.openings[unit]; before != nil {
		before.stop()
	}
	ctx, stop := context.WithCancel(w.running)
	w.openings[unit] = &opening{token: token, stop: stop}
	w.ask(func(context.Context) func() { return w.tryOpening(ctx, unit, token) })
}

// dropOpenings ends the attempts that the machine no longer waits for.
func (w *Worker) dropOpenings() {
	for unit, o := range w.openings {
		if w.machine.Token(unit) != o.token {
			o.stop()
			delete(w.openings, unit)
		}
	}
	for unit, o := range w.opened {
		if w.machine.Token(unit) != o.token {
			delete(w.opened, unit)
		}
	}
}

// tryOpening opens a lane and returns the answer for the loop. It runs in a goroutine of its own.
func (w *Worker) tryOpening(ctx context.Context, unit drain.Unit, token drain.Token) func() {
	soon := backoff{least: 50 * time.Millisecond, most: 2 * time.Second}
	person := backoff{least: time.Second, most: latest} // For what only a person can mend.
	for {
		opened, sent, err := w.openOnce(ctx, unit, token)
		var refused *broker.RefusedError
		switch {
		case err == nil:
			return func() {
				w.regain()
				w.unitOpened(unit, token, opened, sent)
			}
		case errors.As(err, &refused):
			return func() {
				w.openAnswered(unit, token, drain.OpenRefused{Unit: unit, Token: token, Record: refused.Record, Own: refused.Own})
			}
		case ctx.Err() != nil:
			return nil
		}
		r, claim := requestFor("opening a lane", "opening a shard", unit), (*broker.ClaimError)(nil)
		switch {
		case errors.As(err, &claim):
			w.count(r, err)
			w.inbox.post(func() { w.lose(err) })
		case sent.IsZero():
			w.count(r, err) // The mark could not be made, for which the broker can do nothing.
		default:
			w.trouble(r, err, func() bool { o := w.openings[unit]; return o != nil && o.token == token })
		}
		waits := &soon
		if broker.KindOf(err) == broker.Permanent {
			waits = &person
		}
		if !waits.wait(ctx) {
			return nil
		}
	}
}

// openOnce makes the mark that tells the next process of this one, before anything of a lane is written.
func (w *Worker) openOnce(ctx context.Context, unit drain.Unit, token drain.Token) (openedUnit, time.Time, error) {
	o := openedUnit{token: token}
	b, err := w.link.wait(ctx)
	if err != nil {
		return o, time.Time{}, err
	}
	if err := w.config.Marks.make(markPredecessor); err != nil {
		return o, time.Time{}, err
	}
	sent := w.now()
	ctx, cancel := context.WithTimeout(ctx, requestTime)
	defer cancel()
	grant := broker.Grant{Kind: unit.Kind, Lane: unit.Index, Token: token, Worker: w.config.PodUID}
	if unit.Kind == drain.Shard {
		o.shard, err = b.OpenShard(ctx, grant)
	} else {
		o.lane, err = b.Open(ctx, grant)
	}
	return o, sent, err
}

// requestFor is a request about a lane or a shard, in words for either.
func requestFor(lane, shard string, unit drain.Unit) request {
	if unit.Kind == drain.Shard {
		return request{doing: shard, lane: halting(unit.Index)}
	}
	return request{doing: lane, lane: unit.Index}
}

func (w *Worker) unitOpened(unit drain.Unit, token drain.Token, o openedUnit, sent time.Time) {
	if w.machine.Token(unit) == token {
		w.opened[unit] = o
	}
	w.openAnswered(unit, token, drain.Opened{Unit: unit, Token: token, Sent: sent})
}

// openAnswered ends an attempt with the machine's event.
func (w *Worker) openAnswered(unit drain.Unit, token drain.Token, e drain.Event) {
	if o := w.openings[unit]; o != nil && o.token == token {
		o.stop()
		delete(w.openings, unit)
	}
	w.step(e)
}

// confirming is the request to confirm lanes.
var confirming = request{doing: "confirming lanes", lane: -1}

// confirm asks the broker whether this worker's records are the newest. An answer that takes as long as the fence is
// worth nothing, and the machine asks again before that.
func (w *Worker) confirm(grants []drain.Grant) {
	asked := make([]broker.Grant, 0, len(grants))
	for _, g := range grants {
		asked = append(asked, broker.Grant{Kind: g.Kind, Lane: g.Index, Token: w.machine.Token(g.Unit), Worker: w.config.PodUID})
	}
	w.ask(func(ctx context.Context) func() {
		b, err := w.link.wait(ctx)
		if err != nil {
			return nil
		}
		sent := w.now()
		ctx, cancel := context.WithTimeout(ctx, w.config.Fence)
		defer cancel()
		lost, err := b.Confirm(ctx, asked)
		if err != nil {
			w.trouble(confirming, err, func() bool { return len(w.machine.Report().Held) > 0 })
			return nil
		}
		return func() { w.confirmed(sent, grants, lost) }
	})
}

func (w *Worker) confirmed(sent time.Time, grants []drain.Grant, not []broker.Unconfirmed) {
	w.succeeds(confirming)
	doubts := map[drain.Unit]broker.Unconfirmed{}
	for _, u := range not {
		doubts[u.Unit()] = u
	}
	var good []drain.Grant
	for _, g := range grants {
		if _, doubtful := doubts[g.Unit]; !doubtful {
			w.succeeds(confirmingOne(g.Unit))
			good = append(good, g)
		}
	}
	w.metrics.confirmed(sent.Sub(w.origin), w.now().Sub(sent))
	w.step(drain.Confirmed{Sent: sent, Grants: good})
	for _, g := range grants {
		if u, doubtful := doubts[g.Unit]; doubtful {
			w.unconfirmed(g, u)
		}
	}
}

// confirmingOne is the request to confirm one lane or shard, when its record alone stands in the way.
func confirmingOne(unit drain.Unit) request {
	return requestFor("confirming a lane", "confirming a shard", unit)
}

// unconfirmed is for a lane that another worker has, or of which nobody knows who has it: then its hold runs out.
func (w *Worker) unconfirmed(g drain.Grant, u broker.Unconfirmed) {
	if u.Err == nil {
		w.config.Log.Warn("another worker has the unit", "kind", g.Kind, "unit", g.Index, "epoch", g.Epoch, "record", u.Record.String())
		w.step(drain.Superseded{Unit: g.Unit, Epoch: g.Epoch, Floor: u.Record.Epoch})
		return
	}
	w.count(confirmingOne(g.Unit), u.Err)
	w.fails(confirmingOne(g.Unit), u.Err, func() bool { return w.machine.Token(g.Unit) == u.Token })
}
