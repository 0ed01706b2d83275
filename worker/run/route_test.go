// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package run_test

import (
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"convoy.dev/convoy/api/v1alpha1"
	"convoy.dev/convoy/worker/broker"
	"convoy.dev/convoy/worker/broker/brokertest"
	"convoy.dev/convoy/worker/drain"
	"convoy.dev/convoy/worker/key"
	"convoy.dev/convoy/worker/lane"
	"convoy.dev/convoy/worker/run"
)

// routed tells a story of Routed lanes.
func routed(t *testing.T, lanes int32, tell func(w *world)) {
	t.Helper()
	story(t, lanes, func(w *world) {
		w.routing = run.Routing{Lanes: int(lanes), MaxBacklog: 1000}
		tell(w)
		w.pass(timeout) // What is repeated after a hand-over ends, too.
	})
}

// send appends the next message of each key to the source.
func (w *world) send(keys ...string) {
	for _, k := range keys {
		w.next[k]++
		w.sendData(fmt.Sprintf(`{"k": %q, "n": %d}`, k, w.next[k]))
	}
}

func (w *world) sendData(data string) {
	w.broker.Send(key.Message{Data: []byte(data), Timestamp: time.Now()})
}

// grantAll writes a spec that grants the shard, and the lanes, at an epoch.
func (w *world) grantAll(revision, epoch int64, lanes ...int32) {
	spec := drain.Spec{Revision: revision, Slot: 0, Quarantine: fence + timeout}
	for _, number := range lanes {
		spec.Grants = append(spec.Grants, drain.Grant{Unit: drain.Unit{Index: number}, Epoch: epoch})
	}
	spec.Grants = append(spec.Grants, drain.Grant{Unit: drain.Unit{Kind: drain.Shard}, Epoch: epoch})
	w.api.spec(spec)
}

// condition is what a condition of the worker says.
func (w *world) condition(kind string) string {
	status, message := w.api.condition(kind)
	return fmt.Sprintf("%s/%s: %s", status, w.api.reason(kind), message)
}

// lanesHave checks that every message that was sent is in the lane of its key, once.
func (w *world) lanesHave(lanes int32, sent int) {
	w.t.Helper()
	seen := 0
	for number := range lanes {
		last := uint64(0)
		for _, m := range w.broker.Routed(number) {
			seen++
			if uint64(m.Sequence) <= last {
				w.t.Errorf("message %d of lane %d comes behind %d", m.Sequence, number, last)
			}
			last = uint64(m.Sequence)
			k := strings.Split(string(m.Data), `"`)[3]
			if want := lane.Of(lane.Hash(k), int(lanes)); want != int(number) {
				w.t.Errorf("key %s is in lane %d, want %d", k, number, want)
			}
		}
	}
	if seen != sent {
		w.t.Errorf("%d messages are in lanes, want %d", seen, sent)
	}
}

func TestMessagesAreRoutedAndRun(t *testing.T) {
	routed(t, 4, func(w *world) {
		for i := range 100 {
			w.send(fmt.Sprint("key ", i%13))
		}
		p := w.start()
		w.grantAll(1, 1, 0, 1, 2, 3)
		w.allDone()
		w.lanesHave(4, 100)
		if got := p.metric("convoy_worker_messages_routed_total", ""); got != 100 {
			w.t.Errorf("%v messages are counted as routed", got)
		}
		p.worker.Stop()
		if got := p.wait(); got != run.Resigned {
			w.t.Errorf("ended as %v", got)
		}
		if r := w.api.report(); !r.Resigned || len(r.Held) > 0 {
			w.t.Errorf("report %+v", r)
		}
	})
}

// The process dies again and again while it routes, and its appends fail, before or after they were carried out.
func TestRoutersDie(t *testing.T) {
	routed(t, 4, func(w *world) {
		sent := 0
		for round := range 6 {
			p := w.start()
			w.grantAll(int64(round+1), int64(round+1), 0, 1, 2, 3)
			for i := range 60 {
				w.send(fmt.Sprint("key ", i%7))
				sent++
			}
			w.broker.Fail(brokertest.Fault{Operation: brokertest.Route, Times: 1 + round%2, Late: round%3 == 0})
			if round%2 == 0 {
				w.pass(time.Duration(round+1) * 100 * time.Millisecond)
			} else {
				w.allDone()
			}
			p.crash()
			w.handler.rest() // There is no barrier: the handler ends with the worker.
		}
		w.start()
		w.grantAll(10, 10, 0, 1, 2, 3)
		w.allDone()
		w.lanesHave(4, sent)
	})
}

// The shard passes to another worker while this one routes: it stops, says so, and the other goes on.
func TestShardIsRevoked(t *testing.T) {
	routed(t, 2, func(w *world) {
		w.start()
		w.grantAll(1, 1, 0, 1)
		w.send("a", "b", "c")
		w.allDone()
		w.grant(2, 1, 0, 1)
		w.until("the shard is given back", func() bool { return w.states() == "0:Running 1:Running" && w.api.report().Observed == 2 })
		w.send("a", "b")
		w.pass(time.Second)
		w.lanesHave(2, 3)
		w.grantAll(3, 3, 0, 1)
		w.allDone()
		w.lanesHave(2, 5)
	})
}

// Another worker has a newer record of the shard.
func TestRouterIsSuperseded(t *testing.T) {
	routed(t, 2, func(w *world) {
		w.start()
		w.grantAll(1, 1, 0, 1)
		w.send("a")
		w.allDone()
		w.broker.TakeShard("other", 9)
		w.send("a", "b")
		w.until("it is told that another has the shard", func() bool { return strings.Contains(fmt.Sprint(w.api.report().Held), "9") })
		w.lanesHave(2, 1)
		w.grantAll(2, 10, 0, 1)
		w.allDone()
	})
}

// A lane is full because its handler does not keep up; routing waits for all lanes, and says so.
func TestRoutingWaitsForRoom(t *testing.T) {
	routed(t, 2, func(w *world) {
		w.routing.MaxBacklog = 5
		p := w.start()
		w.grantAll(1, 1) // The lanes are nobody's yet.
		for range 20 {
			w.send("a")
		}
		w.until("it says that a lane is full", func() bool {
			return strings.HasPrefix(w.condition(v1alpha1.ConditionLaneStoreFull), "True/LaneFull: routing waits: lane")
		})
		w.pass(time.Second)
		w.lanesHave(2, 5)
		if got := p.metric("convoy_worker_messages_routed_total", ""); got != 5 {
			w.t.Errorf("%v messages are counted as routed", got)
		}
		w.grantAll(2, 1, 0, 1)
		w.allDone()
		w.lanesHave(2, 20)
		w.until("it says that there is room", func() bool {
			return strings.HasPrefix(w.condition(v1alpha1.ConditionLaneStoreFull), "False/AllFlow")
		})
	})
}

// The store is nearly full, by its own account.
func TestRoutingWaitsForStore(t *testing.T) {
	routed(t, 2, func(w *world) {
		w.broker.SetLimit(20_000)
		w.start()
		w.grantAll(1, 1)
		for i := range 300 {
			w.send(fmt.Sprint("key ", i))
		}
		w.until("it says that the store is nearly full", func() bool {
			return strings.HasPrefix(w.condition(v1alpha1.ConditionLaneStoreFull), "True/StoreNearlyFull")
		})
		w.broker.SetLimit(0)
		w.grantAll(2, 1, 0, 1)
		w.allDone()
		w.lanesHave(2, 300)
	})
}

// The store refuses messages, because something else took its room.
func TestStoreRefuses(t *testing.T) {
	routed(t, 2, func(w *world) {
		p := w.start()
		w.grantAll(1, 1, 0, 1)
		w.send("a")
		w.allDone()
		w.broker.Fail(brokertest.Fault{Operation: brokertest.Route, Err: fmt.Errorf("%w: make room", broker.ErrStoreFull), Times: 8})
		w.send("a", "b")
		w.until("it says what to do", func() bool {
			return strings.HasPrefix(w.condition(v1alpha1.ConditionLaneStoreFull), "True/StoreNearlyFull: routing waits: the store of the lanes is full: make room")
		})
		w.until("it is counted", func() bool {
			return p.metric("convoy_worker_broker_errors_total", "Full") > 0 && p.metric("convoy_worker_lanes_halted", v1alpha1.ConditionLaneStoreFull) == 1
		})
		w.allDone()
		w.lanesHave(2, 3)
		w.until("it says that there is room", func() bool { return strings.HasPrefix(w.condition(v1alpha1.ConditionLaneStoreFull), "False/AllFlow") })
		w.until("nothing stands", func() bool { return p.metric("convoy_worker_lanes_halted", v1alpha1.ConditionLaneStoreFull) == 0 })
	})
}

// The expression gives no key for any of the first messages: nothing is routed or dead-lettered, until one has a key.
func TestRoutingWaitsForTheFirstKey(t *testing.T) {
	routed(t, 2, func(w *world) {
		w.start()
		w.grantAll(1, 1, 0, 1)
		w.sendData(`{"other": 1}`)
		w.until("it says that the expression gives no key", func() bool {
			return strings.HasPrefix(w.condition(v1alpha1.ConditionKeyExpressionValid), "False/GivesNoKey")
		})
		w.pass(10 * time.Second)
		if got := len(w.broker.Routed(0)) + len(w.broker.Routed(1)); got > 0 || len(w.broker.DeadLetters()) > 0 {
			w.t.Errorf("%d messages are routed, %d are dead letters", got, len(w.broker.DeadLetters()))
		}
		w.send("a")
		w.allDone()
		w.until("the message without a key is a dead letter", func() bool { return len(w.broker.DeadLetters()) == 1 })
		w.until("it says that the expression gives keys", func() bool {
			return strings.HasPrefix(w.condition(v1alpha1.ConditionKeyExpressionValid), "True/GivesKeys")
		})
	})
}

// With onMissing Block the shard stops at a message without a key, and lanes go on with what they have.
func TestShardBlocks(t *testing.T) {
	routed(t, 2, func(w *world) {
		w.missing = v1alpha1.MissingBlock
		w.start()
		w.grantAll(1, 1, 0, 1)
		w.send("a", "b")
		w.allDone()
		w.sendData(`{"other": 1}`)
		w.send("a")
		w.until("it says where it stops", func() bool {
			return strings.Contains(w.condition(v1alpha1.ConditionLaneBlocked), "shard 0 stops at its message 3")
		})
		w.lanesHave(2, 2)
		w.broker.Lose(3)
		w.allDone()
		w.until("it says that it goes on", func() bool {
			return strings.HasPrefix(w.condition(v1alpha1.ConditionLaneBlocked), "False/AllFlow")
		})
		synctest.Wait()
	})
}
