// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package bench

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"sync/atomic"
	"testing"
	"time"

	"convoy.dev/convoy/api/v1alpha1"
	"convoy.dev/convoy/hack/bench/plant"
	"convoy.dev/convoy/worker/lane"
	"convoy.dev/convoy/worker/order"
)

const (
	// pairs is how many runs there are of each kind: their medians are compared.
	pairs = 5
	// others is how many keys behave, each with rate messages a second that take the handler workTime.
	others   = 100
	rate     = 4
	workTime = 2 * time.Millisecond
	// blastLanes is small, so that many of the others share a lane with the two that do not behave.
	blastLanes = 4
	// warmUp is not counted, measured is.
	warmUp, measured = time.Second, 5 * time.Second
	// messages is how many messages the others get, the first of which are for warming up.
	first, messages = int(warmUp * others * rate / time.Second), int((warmUp + measured) * others * rate / time.Second)
)

// The promise: the p99 of the others stays within the larger of the first two, and the heap with the two within so many MB of that
// without.
const (
	allowedRatio  = 1.2
	allowedMore   = 5 * time.Millisecond
	allowedMemory = 8
)

// Names of the two that do not behave.
const (
	failing = "failing"
	hot     = "hot"
)

func TestMain(m *testing.M) {
	plant.Main()
	os.Exit(m.Run())
}

// BenchmarkBlastRadius asks what one key that fails for ever and one that is a hundred times as hot as any other cost all
// others: latencies from publish to handler in runs with the two against runs without, in turn. neighbours are the others that
// share a lane with one of the two.
func BenchmarkBlastRadius(b *testing.B) {
	const below, above = time.Millisecond, 10 * time.Millisecond
	for _, c := range []struct {
		name string
		with trouble
	}{
		{"hot-below-its-rate", trouble{heat: below}},
		{"hot-above-its-rate", trouble{heat: above}},
		{"hot-beyond-the-look-ahead", trouble{heat: above, order: func(c *order.Config) { c.Buffer, c.LookAhead = 128, 512 }}},
		{"failing-blocks", trouble{heat: above, order: func(c *order.Config) { c.OnFailure = order.Block }}},
	} {
		b.Run(c.name, func(b *testing.B) {
			var without, with []outcome
			for range pairs {
				without = append(without, blast(b, trouble{order: c.with.order}))
				with = append(with, blast(b, c.with))
			}
			judge(b, without, with)
		})
	}
}

// trouble is what the two do. Without heat there are none.
type trouble struct {
	// heat is how long the handler takes for a message of the hot key.
	heat  time.Duration
	order func(*order.Config)
}

// note is a message. Those of the others are numbered.
type note struct {
	Key    string `json:"order_id"`
	Number int    `json:"number"`
}

// due is when a message of the others is to be published.
func due(number int) time.Duration { return time.Duration(number) * time.Second / (others * rate) }

// crowd is the handler, and what it knows of the others' messages, by their numbers.
type crowd struct {
	heat  time.Duration
	began time.Time
	// sent is how late a message was published, came how late it came to the handler; both since it was due.
	sent []time.Duration
	came []atomic.Int64
	left atomic.Int64
}

func newCrowd(heat time.Duration) *crowd {
	c := &crowd{heat: heat, sent: make([]time.Duration, messages), came: make([]atomic.Int64, messages)}
	c.left.Store(int64(messages))
	return c
}

func (c *crowd) since(number int) time.Duration { return time.Since(c.began) - due(number) }

// ServeHTTP is the user's code.
func (c *crowd) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	var n note
	if err := json.NewDecoder(r.Body).Decode(&n); err != nil {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	switch n.Key {
	case failing:
		w.WriteHeader(http.StatusInternalServerError)
	case hot:
		<-time.NewTimer(c.heat).C
	default:
		if c.came[n.Number].CompareAndSwap(0, int64(c.since(n.Number))) {
			c.left.Add(-1)
		}
		<-time.NewTimer(workTime).C
	}
}

// blast makes one run.
func blast(b *testing.B, with trouble) outcome {
	b.Helper()
	c := newCrowd(with.heat)
	p, err := plant.Start(b.Context(), plant.Config{
		Directory: b.TempDir(), Lanes: blastLanes, Handler: c, Order: with.order,
		Delivery: v1alpha1.Delivery{MaxInFlightKeys: new(int32(16))},
	})
	if err != nil {
		b.Fatal(err)
	}
	c.began = time.Now()
	for number := range messages {
		<-time.NewTimer(-c.since(number)).C
		c.sent[number] = c.since(number)
		send(b, p, note{nameOf(number), number})
		if with.heat > 0 {
			send(b, p, note{Key: hot})
			if number%others == 0 {
				send(b, p, note{Key: failing})
			}
		}
	}
	used := heap()
	wait(b, "the messages of other keys", func() bool { return c.left.Load() == 0 })
	if err := p.Stop(); err != nil {
		b.Error(err)
	}
	return c.outcome(used)
}

func send(b *testing.B, p *plant.Plant, n note) {
	b.Helper()
	data, err := json.Marshal(n)
	if err != nil {
		b.Fatal(err)
	}
	if err := p.Publish(n.Key, data); err != nil {
		b.Fatal(err)
	}
}

func nameOf(number int) string { return fmt.Sprint("order-", number%others) }

// near says whether a message's key shares a lane with one of the two.
func near(number int) bool {
	is := laneOf(nameOf(number))
	return is == laneOf(hot) || is == laneOf(failing)
}

func laneOf(name string) int { return lane.Of(lane.Hash(name), blastLanes) }
