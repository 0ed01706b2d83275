// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package sim

import (
	"cmp"
	"errors"
	"slices"
	"time"

	"convoy.dev/convoy/worker/drain"
	"convoy.dev/convoy/worker/order"
)

// The broker's refusals.
var (
	errFenced     = errors.New("a newer epoch is in force")
	errNoBroker   = errors.New("the broker does not answer")
	errForeign    = errors.New("another pool has the claim")
	errOutOfOrder = errors.New("a newer progress is recorded already")
)

// broker is the modelled broker: a log for each lane, epoch records that change by compare-and-swap, progress
// records, and the parking store. Requests are atomic there; the way to and from it loses and delays.
type broker struct {
	w         *World
	manners   brokerManners
	downUntil time.Duration
	claim     int // the pool that has the lanes: how often the pool had been made anew
	records   map[drain.Unit]epochRecord
	lanes     []*laneLog
}

// brokerManners say how well the broker and the way to it behave.
type brokerManners struct {
	slow, slowest time.Duration // usual and worst delay of a request or an answer
	late          float64       // probability that a request takes up to slowest, whatever became of its sender
	lost          float64       // probability that an answer is lost
}

// epochRecord is who may write for a unit.
type epochRecord struct {
	token  drain.Token
	worker string // pod UID
}

// laneLog is one lane as the broker stores it.
type laneLog struct {
	messages []order.Message
	// announced is how many of them have appeared so far.
	announced int
	progress  []progressRecord // by token
	park      byName[*parkedKey]
	// stored is the number of the last store operation, of the owner with that token: operations are a chain.
	stored   int
	storedBy drain.Token
	openedBy *heldLane // who made the newest progress record: a late copy of that write changes nothing
}

// progressRecord is one progress record, of one owner.
type progressRecord struct {
	token    drain.Token
	progress order.Progress
	final    bool // the last word of an owner that drained
}

// parkedKey is one key's sub-lane in the parking store.
type parkedKey struct {
	hash      uint64
	sequences []order.Sequence
	released  bool
	wished    bool // somebody has asked for its release
}

func newBroker(w *World) *broker {
	b := &broker{w: w, manners: w.settings.Broker, records: map[drain.Unit]epochRecord{}}
	for range w.settings.Lanes {
		b.lanes = append(b.lanes, &laneLog{})
	}
	return b
}

// request runs act at the broker and tells p what came of it. errNoBroker says nothing about whether act was run,
// or will be.
func (b *broker) request(p *process, by *link, act func() error, reply func(error)) {
	clock, dice := b.w.clock, b.w.dice
	answered := false
	answer := func(err error) {
		p.enter(func() {
			if !answered {
				answered = true
				reply(err)
			}
		})
	}
	patience := max(4*b.manners.slow, b.w.settings.Fence/3)
	if !by.works() || clock.now < b.downUntil {
		p.after(patience, func() { answer(errNoBroker) })
		return
	}
	there := dice.span(b.manners.slow/10, b.manners.slow)
	if dice.chance(b.manners.late) {
		there = dice.span(b.manners.slow, b.manners.slowest)
	}
	back := dice.span(b.manners.slow/10, b.manners.slow)
	lost := dice.chance(b.manners.lost)
	silence := func() { clock.after(patience, func() { answer(errNoBroker) }) }
	clock.after(there, func() {
		if clock.now < b.downUntil {
			silence()
			return
		}
		err := act()
		clock.after(back, func() {
			if lost || !by.works() {
				silence()
				return
			}
			answer(err)
		})
	})
	if there+back > patience {
		p.after(patience, func() { answer(errNoBroker) })
	}
}

// open writes an epoch record, if it is newer than what is there. It returns the record in force. A repeated request
// that finds its own record is refused as well: it could as well be that of an earlier process of the pod, whose
// incarnation was lost with the mailbox.
//
// A pool that was made anew adopts the claim with its first open, and from then on no worker of the one before opens
// anything: an epoch that it was granted and had not opened is known to nobody, and may be above all that the new one
// grants.
func (b *broker) open(unit drain.Unit, token drain.Token, by *podRun) (record epochRecord, written bool, err error) {
	if b.claim = max(b.claim, by.pool); by.pool < b.claim && !b.w.faults.anyClaim {
		return epochRecord{}, false, errForeign
	}
	record, written = b.write(unit, epochRecord{token, by.uid})
	return record, written, nil
}

func (b *broker) write(unit drain.Unit, mine epochRecord) (epochRecord, bool) {
	old, token, worker := b.records[unit], mine.token, mine.worker
	if b.w.faults.openAnything {
		b.w.check.opened(unit, token, worker)
		b.records[unit] = mine
		return mine, true
	}
	if !old.token.Less(token) || old.token.Epoch == token.Epoch && !b.same(old.worker, worker) {
		return old, false
	}
	b.w.check.opened(unit, token, worker)
	b.records[unit] = mine
	b.w.tell(about{lane: unitName(unit)}, "broker: epoch record %v of %s", token, worker)
	return mine, true
}

// owns says whether the record in force is this one.
func (b *broker) owns(unit drain.Unit, token drain.Token, worker string) bool {
	record := b.records[unit]
	return record.token == token && b.same(record.worker, worker)
}

// same says that two workers are one, or that nobody asks.
func (b *broker) same(a, c string) bool { return a == c || b.w.faults.anyWorker }

func laneUnit(lane int32) drain.Unit { return drain.Unit{Kind: drain.Lane, Index: lane} }

// flush writes a progress record. Depending on the kind of broker it is refused once a newer epoch is in force, or
// lands under its own token, where nobody looks any more.
func (b *broker) flush(lane int32, next progressRecord, worker string) error {
	if !b.w.settings.KeyedProgress && !b.owns(laneUnit(lane), next.token, worker) {
		return errFenced
	}
	if b.owns(laneUnit(lane), next.token, worker) {
		b.w.check.flushed(lane, &next.progress)
	}
	if b.w.story.on {
		b.w.tell(about{lane: unitName(laneUnit(lane))}, "broker: progress of %v, version %d: %d %v%s", next.token, next.progress.Version,
			next.progress.LowWater, next.progress.Ranges, ifTrue(next.final, ", final"))
	}
	l := b.lanes[lane]
	key := b.w.faults.progressKey
	at, found := slices.BinarySearchFunc(l.progress, next, func(r, next progressRecord) int {
		return cmp.Compare(key(r.token), key(next.token))
	})
	if !found {
		l.progress = slices.Insert(l.progress, at, next)
		return nil
	}
	if old := &l.progress[at]; old.token == next.token && old.progress.Version > next.progress.Version {
		return errOutOfOrder // an answer was lost, the write repeated, and overtaken by a newer one
	}
	l.progress[at] = next
	return nil
}

// load gives a new owner the newest progress, and takes the older records away.
func (b *broker) load(by *heldLane, worker string) (order.Opening, error) {
	lane, token := by.number, by.token
	if !b.owns(laneUnit(lane), token, worker) {
		return order.Opening{}, errFenced
	}
	l := b.lanes[lane]
	o := order.Opening{Lane: lane, Epoch: uint64(token.Number())}
	var newest progressRecord
	for _, r := range l.progress {
		if !r.token.Less(newest.token) {
			newest = r
		}
	}
	o.Progress = cloneProgress(newest.progress)
	if len(l.progress) > 0 && !newest.final {
		o.Crashed = true
		o.CarefulThrough = order.Position(l.announced)
	}
	l.storedBy = token
	if l.openedBy != by {
		mine := progressRecord{token: token, progress: cloneProgress(newest.progress)}
		mine.progress.Version = 0
		l.progress, l.openedBy = []progressRecord{mine}, by
	}
	for _, name := range l.park.names {
		p := l.park.values[name]
		if len(p.sequences) > 0 {
			o.Parked = append(o.Parked, order.ParkedKey{Hash: p.hash, Key: name, First: p.sequences[0],
				Last: p.sequences[len(p.sequences)-1], Count: len(p.sequences), Released: p.released || p.wished})
		}
	}
	b.w.check.loaded(lane, &o)
	return o, nil
}

func cloneProgress(p order.Progress) order.Progress {
	p.Ranges = slices.Clone(p.Ranges)
	p.Attempts = slices.Clone(p.Attempts)
	p.Returned = slices.Clone(p.Returned)
	return p
}

// publish appends a message to a lane and tells whoever reads it.
func (b *broker) publish(lane int32) {
	l := b.lanes[lane]
	if l.announced == len(l.messages) {
		return
	}
	l.announced++
	for _, m := range b.w.kube.machines {
		for _, run := range m.runs {
			if run.worker != nil {
				run.worker.published(lane)
			}
		}
	}
}

// read is messages of a lane from an index on.
func (b *broker) read(lane int32, from, most int) []order.Message {
	l := b.lanes[lane]
	return l.messages[from:min(l.announced, from+most)]
}
