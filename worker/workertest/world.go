// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package workertest

import (
	"cmp"
	"log/slog"
	"slices"
	"testing"
	"time"

	"convoy.dev/convoy/api/v1alpha1"
	"convoy.dev/convoy/worker"
	"convoy.dev/convoy/worker/broker"
	"convoy.dev/convoy/worker/deliver"
	"convoy.dev/convoy/worker/key"
	"convoy.dev/convoy/worker/lane"
	"convoy.dev/convoy/worker/order"
	"convoy.dev/convoy/worker/run"
)

// Config is what a World is made with. Its zero value is a pool that says nothing.
type Config struct {
	// Delivery is the pool's spec.delivery; what it does not say has the defaults of the API.
	Delivery v1alpha1.Delivery
	// Seed starts the jitter of retries; default 1.
	Seed uint64
	// Start is the time of the fake clock at the beginning; default 2026-01-01T00:00:00Z.
	Start time.Time
	// Log is where the worker logs what handlers return; default the test's output, or nowhere.
	Log *slog.Logger
}

// World is a worker of one lane with one handler. It is used by the test's goroutine alone.
type World struct {
	seq     *order.Sequencer
	handler *deliver.Embedded
	start   time.Time
	now     order.Instant
	effects []order.Effect
	// messages are all that were published, by position - 1; pending is where those begin that there was no room for.
	messages  []published
	pending   int
	calls     []Call
	completed []Message
	letters   []Message
	// parked are the messages in the parking store, oldest first, by key.
	parked   map[string][]order.Sequence
	refusing bool
}

type published struct {
	broker.Message
	key string
}

// Message is a message that was published. Its sequence is its place among them, from 1.
type Message struct {
	Key      string
	Sequence uint64
	Data     []byte
}

// Call is one call of the handler.
type Call struct {
	// At is when it was made.
	At  time.Time
	Key string
	// Messages are the sequences of what it carried, Attempt the number of the first one's start.
	Messages []uint64
	Attempt  uint32
	// Completed is how many of the messages, from the first on, it completed.
	Completed int
	// Outcome is Done, Failed or TimedOut; Rejected says of Failed that the message is not to be tried again.
	Outcome  string
	Rejected bool
}

// New makes a world for a test, which fails when the config makes no sense.
func New(tb testing.TB, handler worker.Handler, config Config) *World {
	tb.Helper()
	if config.Log == nil {
		config.Log = slog.New(slog.NewTextHandler(tb.Output(), nil))
	}
	w, err := Make(handler, config)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(w.Close)
	return w
}

// Make makes a world without a test, such as for an example. It is closed at its end.
func Make(handler worker.Handler, config Config) (*World, error) {
	if config.Log == nil {
		config.Log = slog.New(slog.DiscardHandler)
	}
	settings := v1alpha1.WorkerSettings{Delivery: config.Delivery}
	settings.SetDefaults()
	ordering := run.Ordering(&settings.Delivery)
	ordering.Seed = cmp.Or(config.Seed, 1)
	w := &World{parked: map[string][]order.Sequence{}, start: config.Start}
	if w.start.IsZero() {
		w.start = time.Date(2026, time.January, 1, 0, 0, 0, 0, time.UTC)
	}
	var err error
	if w.seq, err = order.New(ordering); err != nil {
		return nil, err
	}
	w.handler, err = deliver.NewEmbedded(deliver.EmbeddedConfig{
		Handler: worker.Func(handler), Timeout: time.Duration(ordering.Timeout), Now: w.Now, Log: config.Log,
	})
	if err != nil {
		return nil, err
	}
	if err := w.seq.Open(order.Opening{Lane: 0, Epoch: 1 << 16}); err != nil {
		return nil, err
	}
	return w, nil
}

// Close waits for a handler that goes on though its time is over.
func (w *World) Close() { w.handler.Close() }

// Now is the time by the fake clock.
func (w *World) Now() time.Time { return w.start.Add(time.Duration(w.now)) }

// Publish appends a message of a key to the source, and calls what may be called.
func (w *World) Publish(of string, data []byte) {
	w.PublishMessage(of, key.Message{Data: data})
}

// PublishMessage is Publish for a message with headers, a subject or a native key. A timestamp that is not set is the clock's.
func (w *World) PublishMessage(of string, m key.Message) {
	if m.Timestamp.IsZero() {
		m.Timestamp = w.Now()
	}
	at := len(w.messages) + 1
	w.messages = append(w.messages, published{broker.Message{Message: m, Position: order.Position(at), Sequence: order.Sequence(at)}, of})
	w.settle()
}

// Advance moves the clock, and calls what becomes due on the way, each at its time.
func (w *World) Advance(by time.Duration) {
	end := w.now + order.Instant(by)
	for {
		at, due := w.seq.Deadline()
		if !due || at > end {
			break
		}
		w.now = max(at, w.now)
		w.settle()
	}
	w.now = end
	w.settle()
}

// Next is how long from now something becomes due, such as the next attempt of a message; false when nothing is.
func (w *World) Next() (time.Duration, bool) {
	at, due := w.seq.Deadline()
	return time.Duration(max(at-w.now, 0)), due
}

// Release lets a parked key run again, as a ConvoyAction of type Release does; false when it is not parked.
func (w *World) Release(of string) bool {
	found := w.seq.Release(0, lane.Hash(of), of)
	w.settle()
	return found
}

// Discard drops the parked messages of a key, as a ConvoyAction of type Discard does; false when it is not parked.
func (w *World) Discard(of string) bool {
	found := w.seq.Discard(0, lane.Hash(of), of)
	w.settle()
	return found
}

// Calls are the calls made so far, in order.
func (w *World) Calls() []Call { return slices.Clone(w.calls) }

// Completed are the messages that the handler has completed, in order.
func (w *World) Completed() []Message { return slices.Clone(w.completed) }

// DeadLetters are the messages at the dead letter destination, in order.
func (w *World) DeadLetters() []Message { return slices.Clone(w.letters) }

// Parked are the parked messages of a key, oldest first.
func (w *World) Parked(of string) []Message {
	var found []Message
	for _, sequence := range w.parked[of] {
		found = append(found, w.message(sequence))
	}
	return found
}

// Refusing says that nothing but failures comes back, so that one call is tried from time to time and no attempt counts.
func (w *World) Refusing() bool { return w.refusing }

func (w *World) message(sequence order.Sequence) Message {
	m := w.messages[sequence-1]
	return Message{Key: m.key, Sequence: uint64(sequence), Data: m.Data}
}
