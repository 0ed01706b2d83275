// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package nats_test

import (
	"slices"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"convoy.dev/convoy/api/v1alpha1"
	"convoy.dev/convoy/worker/broker"
	"convoy.dev/convoy/worker/order"
)

// existing lets a pool have its lanes in a stream that somebody else made.
func existing(s *v1alpha1.WorkerSettings) {
	routed(s)
	s.Lanes.Routed.Store = &v1alpha1.LaneStore{Management: new(v1alpha1.StoreExisting), Name: new("LANES")}
}

// given is how such a stream has to be made.
func given() jetstream.StreamConfig {
	return jetstream.StreamConfig{Name: "LANES", Subjects: []string{"convoy.shop.orders.lane.*", "convoy.shop.orders.route.*"}, Discard: jetstream.DiscardNew}
}

// TestExistingStore takes a stream that can hold lanes, and says what is wrong with others.
func TestExistingStore(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*jetstream.StreamConfig)
		says   string
	}{
		"fits":             {func(*jetstream.StreamConfig) {}, ""},
		"fits with bytes":  {func(c *jetstream.StreamConfig) { c.MaxBytes = 1 << 20 }, ""},
		"lacks a subject":  {func(c *jetstream.StreamConfig) { c.Subjects = c.Subjects[:1] }, "it lacks the subject convoy.shop.orders.route.*"},
		"has another's":    {func(c *jetstream.StreamConfig) { c.Subjects = append(c.Subjects, "convoy.shop.other.lane.*") }, "it has other subjects"},
		"work queue":       {func(c *jetstream.StreamConfig) { c.Retention = jetstream.WorkQueuePolicy }, "its retention is"},
		"in memory":        {func(c *jetstream.StreamConfig) { c.Storage = jetstream.MemoryStorage }, "kept in memory"},
		"limit of age":     {func(c *jetstream.StreamConfig) { c.MaxAge = time.Hour }, "it has a limit"},
		"limit a subject":  {func(c *jetstream.StreamConfig) { c.MaxMsgsPerSubject = 9 }, "it has a limit"},
		"discards the old": {func(c *jetstream.StreamConfig) { c.MaxBytes, c.Discard = 1<<20, jetstream.DiscardOld }, "it discards old messages"},
		"denies purges":    {func(c *jetstream.StreamConfig) { c.DenyPurge = true }, "it denies purges"},
	} {
		t.Run(name, func(t *testing.T) {
			j := serve(t)
			js := j.admin(t)
			makeSource(t, js)
			config := given()
			c.change(&config)
			if _, err := js.CreateStream(t.Context(), config); err != nil {
				t.Fatal(err)
			}
			err := connect(t, j.settings(existing)).Claim(t.Context(), claim)
			if c.says == "" {
				if err != nil {
					t.Errorf("claiming: %v", err)
				}
				return
			}
			lasting(t, err, broker.CauseUnfit, c.says)
		})
	}
}

// TestExistingStoreIsMissingOrUsed is for a stream that is not there, and one that is not empty.
func TestExistingStoreIsMissingOrUsed(t *testing.T) {
	j := serve(t)
	js := j.admin(t)
	makeSource(t, js)
	b := connect(t, j.settings(existing))
	lasting(t, b.Claim(t.Context(), claim), broker.CauseNotFound, "the stream LANES does not exist")
	if _, err := js.CreateStream(t.Context(), given()); err != nil {
		t.Fatal(err)
	}
	if _, err := js.Publish(t.Context(), "convoy.shop.orders.lane.1", nil); err != nil {
		t.Fatal(err)
	}
	lasting(t, b.Claim(t.Context(), claim), broker.CauseUnfit, "1 messages, and no claim says whose")
	stream, err := js.Stream(t.Context(), "LANES")
	if err != nil {
		t.Fatal(err)
	}
	if err := stream.Purge(t.Context()); err != nil {
		t.Fatal(err)
	}
	send(t, js, source, texts(5)...)
	routes(t, shardOf(t, b, 1), 5) // Its numbers go on behind what was purged.
	lane, opening := owned(t, b, grant(1, 1))
	if opening.Progress.LowWater != 1 {
		t.Errorf("the lane begins at %d, want 1", opening.Progress.LowWater)
	}
	reads(t, lane, 2)
}

// TestManagedStore is made as the pool says, and changed when the pool changes.
func TestManagedStore(t *testing.T) {
	j := serve(t)
	js := j.admin(t)
	makeSource(t, js)
	var s *v1alpha1.WorkerSettings
	claims := func(store v1alpha1.LaneStore) *jetstream.StreamInfo {
		t.Helper()
		s = j.settings(routed, func(s *v1alpha1.WorkerSettings) { s.Lanes.Routed.Store = &store })
		if err := connect(t, s).Claim(t.Context(), claim); err != nil {
			t.Fatalf("claiming: %v", err)
		}
		name := laneStream
		if store.Name != nil {
			name = *store.Name
		}
		stream, err := js.Stream(t.Context(), name)
		if err != nil {
			t.Fatal(err)
		}
		return stream.CachedInfo()
	}
	made := claims(v1alpha1.LaneStore{})
	if made.Config.MaxBytes != -1 || made.Config.Replicas != 1 || made.Config.Discard != jetstream.DiscardNew || !made.Config.AllowAtomicPublish {
		t.Errorf("the store is made as %+v", made.Config)
	}
	changed := claims(v1alpha1.LaneStore{MaxBytes: new(int64(1 << 20))})
	if changed.Config.MaxBytes != 1<<20 || !changed.Created.Equal(made.Created) {
		t.Errorf("the store was changed to %+v", changed.Config)
	}
	if back := claims(v1alpha1.LaneStore{}); back.Config.MaxBytes != -1 {
		t.Errorf("the store was changed back to %+v", back.Config)
	}
}

// TestStoreOfFewerReplicas is refused: a message would be safer before it is routed than after.
func TestStoreOfFewerReplicas(t *testing.T) {
	c := serveCluster(t)
	h := c.harness(t)
	s := c.servers[0].settings(func(s *v1alpha1.WorkerSettings) {
		s.Pool.Name, s.Source.NATS.Stream, s.Source.NATS.Servers = h.Claim.Name, h.Claim.Name, c.urls()
	}, routed)
	s.Lanes.Routed.Store.Replicas = new(int32(1))
	var err error
	until(t, "an answer", func() bool {
		err = connect(t, s).Claim(t.Context(), h.Claim)
		return broker.KindOf(err) == broker.Permanent
	})
	lasting(t, err, broker.CauseUnfit, "set lanes.routed.store.replicas to 3")
}

// TestRoutedStart begins where startFrom says, and routes the subjects that the pool names.
func TestRoutedStart(t *testing.T) {
	for name, from := range map[string]*v1alpha1.StartFrom{
		"new":  {Type: new(v1alpha1.StartNew)},
		"time": nil, // that of the server
	} {
		t.Run(name, func(t *testing.T) {
			j := serve(t)
			js := j.admin(t)
			makeSource(t, js)
			send(t, js, source, texts(7)...)
			if from == nil {
				stream, err := js.Stream(t.Context(), source)
				if err != nil {
					t.Fatal(err)
				}
				from = &v1alpha1.StartFrom{Type: new(v1alpha1.StartTime), Time: &metav1.Time{Time: stream.CachedInfo().TimeStamp}}
			}
			b := connect(t, j.settings(routed, func(s *v1alpha1.WorkerSettings) {
				s.Source.NATS.StartFrom, s.Source.NATS.Subjects = from, []string{"orders.2", "orders.5"}
			}))
			shard := shardOf(t, b, 1)
			send(t, js, source, texts(7)...)
			backlog, err := b.Sample(t.Context())
			if err != nil || backlog.Shards[0] != 2 {
				t.Errorf("the backlog is %v, %v", backlog, err)
			}
			routes(t, shard, 2)
			if got, want := inLanes(t, js), []int{10, 13}; !slices.Equal(got, want) {
				t.Errorf("routed %v, want %v", got, want)
			}
		})
	}
}

// TestTrim purges what is completed, but for the newest message of each lane that was read, and never the last message of
// the stream.
func TestTrim(t *testing.T) {
	j := serve(t)
	js := j.admin(t)
	makeSource(t, js)
	b := connect(t, j.settings(routed))
	shard := shardOf(t, b, 1)
	send(t, js, source, texts(40)...)
	routes(t, shard, 40)
	for number := range int32(lanes) {
		lane, _ := owned(t, b, grant(number, 1))
		last := reads(t, lane, 10)[9].Position
		until(t, "the lane is purged", func() bool {
			if err := lane.Flush(t.Context(), &order.Progress{LowWater: last, Taken: last}, true); err != nil {
				t.Fatal(err)
			}
			return len(inLanes(t, js)) == 40-9*int(number+1)
		})
	}
	if left := inLanes(t, js); !slices.Equal(left, []int{37, 38, 39, 40}) {
		t.Errorf("%v are left", left)
	}
	send(t, js, source, texts(1)...)
	routes(t, shardOf(t, b, 2), 1)
	if left := inLanes(t, js); !slices.Equal(left, []int{37, 38, 39, 40, 41}) {
		t.Errorf("%v are left", left)
	}
}
