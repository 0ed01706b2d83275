// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package order

import (
	"fmt"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// reference is a second implementation of the rules for starting, retrying, holding and concluding, for messages in
// memory: slices and full scans, no free lists, no links.
type reference struct {
	config  Config
	now     Instant
	random  uint64
	round   []*referenceLane
	keys    []*referenceKey
	running int
	held    int
	storing []*referenceKey
}

type referenceLane struct {
	number int32
	ready  []*referenceKey
	paused bool
}

type referenceKey struct {
	lane     *referenceLane
	name     string
	queue    []Position
	attempts int
	state    State
	due      Instant
	batch    int
	call     CallID
}

// draw is SplitMix64, from its paper.
func (r *reference) draw() uint64 {
	r.random += 0x9e3779b97f4a7c15
	z := r.random
	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9
	z = (z ^ (z >> 27)) * 0x94d049bb133111eb
	return z ^ (z >> 31)
}

func (r *reference) find(lane *referenceLane, name string) *referenceKey {
	for _, k := range r.keys {
		if k.lane == lane && k.name == name {
			return k
		}
	}
	k := &referenceKey{lane: lane, name: name}
	r.keys = append(r.keys, k)
	return k
}

func (r *reference) ready(k *referenceKey) {
	if len(k.queue) == 0 {
		k.state = Resting
		return
	}
	k.state = Ready
	k.lane.ready = append(k.lane.ready, k)
	r.join(k.lane)
}

func (r *reference) join(lane *referenceLane) {
	if !lane.paused && len(lane.ready) > 0 && !slices.Contains(r.round, lane) {
		r.round = append(r.round, lane)
	}
}

func (r *reference) pause(lane *referenceLane) {
	lane.paused = true
	r.round = slices.DeleteFunc(r.round, func(l *referenceLane) bool { return l == lane })
}

func (r *reference) resume(lane *referenceLane) {
	lane.paused = false
	r.join(lane)
}

// notStarted lets the key have the next turn of its lane.
func (r *reference) notStarted(k *referenceKey) {
	r.end(k)
	k.attempts--
	k.state = Ready
	k.lane.ready = slices.Insert(k.lane.ready, 0, k)
	r.join(k.lane)
}

func (r *reference) message(lane *referenceLane, name string, at Position) {
	k := r.find(lane, name)
	if k.state == Parked {
		return
	}
	if k.queue = append(k.queue, at); k.state == Resting {
		r.ready(k)
	}
}

// start starts what may be started and tells it.
func (r *reference) start() (starts []string) {
	for len(r.round) > 0 && r.running < r.config.MaxInFlightKeys && r.running+r.held < 2*r.config.MaxInFlightKeys {
		lane := r.round[0]
		r.round = r.round[1:]
		k := lane.ready[0]
		if lane.ready = lane.ready[1:]; len(lane.ready) > 0 {
			r.round = append(r.round, lane)
		}
		k.attempts++
		k.batch = r.fitting(k.queue)
		if k.attempts > 1 {
			k.batch = 1
		}
		k.state = Running
		r.running++
		starts = append(starts, fmt.Sprint(lane.number, k.name, k.attempts, k.queue[:k.batch]))
	}
	return starts
}

// fitting is how many of the messages go into one call.
func (r *reference) fitting(queue []Position) int {
	bytes := 0
	for i, at := range queue {
		if bytes += int(sizeOf(at)); i > 0 && (i == r.config.BatchMaxMessages || bytes > r.config.BatchMaxBytes) {
			return i
		}
	}
	return len(queue)
}

// sizeOf gives every message a size of its own: some have none, and some are larger than a call may be.
func sizeOf(at Position) uint32 { return uint32(at * 7 % 11) }

func (r *reference) end(k *referenceKey) {
	if k.state == Held {
		r.held--
	} else {
		r.running--
	}
}

func (r *reference) done(k *referenceKey) {
	r.end(k)
	k.queue, k.attempts = k.queue[k.batch:], 0
	r.ready(k)
}

func (r *reference) fail(k *referenceKey, completed int, permanent bool) {
	r.end(k)
	if completed > 0 {
		k.queue, k.attempts = k.queue[completed:], 1
	}
	final := k.batch == 1 && (permanent || k.attempts >= r.config.MaxAttempts)
	switch {
	case k.batch > 1 && permanent:
		r.ready(k)
	case final && r.config.OnFailure == DeadLetter:
		k.state = DeadLettering
		r.storing = append(r.storing, k)
	case final && r.config.OnFailure == Park:
		k.state, k.queue = Parked, nil
	default:
		d := r.config.InitialBackoff
		for range k.attempts - 1 {
			d = min(2*d, r.config.MaxBackoff)
		}
		k.state, k.due = Waiting, r.now+Instant(d/2+int64(r.draw()%uint64(d-d/2+1)))
	}
}

// stored lets the store answer.
func (r *reference) stored() {
	for _, k := range r.storing {
		k.queue, k.attempts = k.queue[1:], 0
		r.ready(k)
	}
	r.storing = nil
}

// pass lets time pass; what comes due does so in order.
func (r *reference) pass(now Instant) {
	r.now = now
	for {
		var first *referenceKey
		for _, k := range r.keys {
			if (k.state == Waiting || k.state == Held) && k.due <= now && (first == nil || k.due < first.due) {
				first = k
			}
		}
		switch {
		case first == nil:
			return
		case first.state == Held:
			r.fail(first, 0, false)
		default:
			r.ready(first)
		}
	}
}

// pair runs both implementations side by side.
type pair struct {
	t       *rapid.T
	seq     *Sequencer
	ref     *reference
	lanes   []*referenceLane
	now     Instant
	next    Position
	calls   []pairCall
	effects []Effect
}

type pairCall struct {
	id   CallID
	key  *referenceKey
	size int
	held bool
}

func TestSequencerIsTheReference(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		config := Config{
			MaxInFlightKeys: rapid.IntRange(1, 5).Draw(t, "in flight"), MaxAttempts: rapid.IntRange(1, 3).Draw(t, "attempts"),
			BatchMaxMessages: rapid.IntRange(1, 4).Draw(t, "batch"), BatchMaxBytes: rapid.IntRange(1, 20).Draw(t, "bytes"),
			OnFailure: Policy(rapid.IntRange(0, 2).Draw(t, "policy")), Timeout: 50 * second, OutageKeys: 1 << 20,
			Brake: Brake{MinFailed: 1 << 20}, Seed: rapid.Uint64().Draw(t, "seed"),
		}
		seq, err := New(config)
		if err != nil {
			t.Fatal(err)
		}
		p := &pair{t: t, seq: seq, ref: &reference{config: seq.config, random: config.Seed}}
		for i := range rapid.IntRange(1, 4).Draw(t, "lanes") {
			if err := seq.Open(Opening{Lane: int32(i)}); err != nil {
				t.Fatal(err)
			}
			p.lanes = append(p.lanes, &referenceLane{number: int32(i)})
		}
		t.Repeat(map[string]func(*rapid.T){
			"message": p.message, "answer": p.answer, "time out": p.timeOut, "not started": p.notStarted,
			"hold": p.hold, "time": p.pass, "": p.compare,
		})
	})
}

func (p *pair) message(t *rapid.T) {
	lane := rapid.SampledFrom(p.lanes).Draw(t, "lane")
	name := rapid.SampledFrom([]string{"a", "b", "c", "d", "e", "f"}).Draw(t, "key")
	p.next++
	if !p.seq.Message(lane.number, Message{Position: p.next, Sequence: Sequence(p.next), Hash: uint64(name[0]) % 2, Key: name, Payload: Payload(p.next), Size: sizeOf(p.next)}) {
		t.Fatal("refused")
	}
	p.ref.message(lane, name, p.next)
}

// pick takes some call out of those with the handler.
func (p *pair) pick(t *rapid.T) pairCall {
	if len(p.calls) == 0 {
		t.Skip("no call")
	}
	i := rapid.IntRange(0, len(p.calls)-1).Draw(t, "call")
	c := p.calls[i]
	p.calls = slices.Delete(p.calls, i, i+1)
	return c
}

func (p *pair) answer(t *rapid.T) {
	c := p.pick(t)
	late := c.held && (c.key.state != Held || c.key.call != c.id)
	var ok bool
	switch rapid.IntRange(0, 3).Draw(t, "how") {
	case 0:
		completed := rapid.IntRange(0, c.size-1).Draw(t, "completed")
		if ok = p.seq.Failed(p.now, c.id, Failure{Completed: completed}); !late {
			p.ref.fail(c.key, completed, false)
		}
	case 1:
		if ok = p.seq.Failed(p.now, c.id, Failure{Permanent: true}); !late {
			p.ref.fail(c.key, 0, true)
		}
	default:
		if ok = p.seq.Done(p.now, c.id); !late {
			p.ref.done(c.key)
		}
	}
	if ok == late {
		t.Fatalf("answer accepted: %v, too late: %v", ok, late)
	}
}

func (p *pair) timeOut(t *rapid.T) {
	c := p.pick(t)
	if c.held {
		t.Skip("held")
	}
	// No two holds end at one instant: the order of those is nobody's promise.
	p.now++
	p.ref.pass(p.now)
	p.seq.TimedOut(p.now, c.id, p.now)
	c.key.state, c.key.due, c.held = Held, p.now+Instant(50*second), true
	p.ref.running--
	p.ref.held++
	p.calls = append(p.calls, c)
}

func (p *pair) notStarted(t *rapid.T) {
	c := p.pick(t)
	if c.held {
		t.Skip("held")
	}
	if !p.seq.NotStarted(c.id) {
		t.Fatal("not accepted")
	}
	p.ref.notStarted(c.key)
}

// hold takes the hold of a lane away, or gives it back.
func (p *pair) hold(t *rapid.T) {
	lane := rapid.SampledFrom(p.lanes).Draw(t, "lane")
	if lane.paused {
		p.seq.Resume(lane.number)
		p.ref.resume(lane)
	} else {
		p.seq.Pause(lane.number)
		p.ref.pause(lane)
	}
}

func (p *pair) pass(t *rapid.T) {
	p.flush()
	p.now += Instant(rapid.Int64Range(0, 60*second).Draw(t, "time"))
	p.ref.pass(p.now)
}

// flush records all attempts, so that no start has to wait for it.
func (p *pair) flush() {
	for _, l := range p.lanes {
		var progress Progress
		p.seq.Snapshot(l.number, &progress)
		p.seq.Flushed(l.number, progress.Version)
	}
}

// compare lets both go on and holds their starts against each other.
func (p *pair) compare(t *rapid.T) {
	p.flush()
	want := p.ref.start()
	got := p.poll()
	p.ref.stored()
	want = append(want, p.ref.start()...)
	got = append(got, p.poll()...)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Fatalf("starts (-reference +sequencer):\n%s", diff)
	}
}

// poll returns the starts, and answers the store's operations.
func (p *pair) poll() (starts []string) {
	p.effects = p.seq.Poll(p.now, p.effects)
	for _, e := range p.effects {
		switch e.Kind {
		case Start:
			var at []Position
			for _, item := range e.Items {
				at = append(at, item.Position)
			}
			lane := p.lanes[e.Lane]
			starts = append(starts, fmt.Sprint(e.Lane, e.Key, e.Attempt, at))
			k := p.ref.find(lane, e.Key)
			k.call = e.Call
			p.calls = append(p.calls, pairCall{id: e.Call, key: k, size: len(at)})
		case ParkMessage:
			p.seq.Parked(p.now, e.Lane, e.Hash, e.Key, e.Sequence)
		case DeadLetterMessage:
			p.seq.DeadLettered(p.now, e.Lane, e.Hash, e.Key)
		default:
		}
	}
	return starts
}
