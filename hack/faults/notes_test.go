// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package faults

import (
	"encoding/json"
	"errors"
	"fmt"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"convoy.dev/convoy/api/v1alpha1"
	"convoy.dev/convoy/hack/e2e/publish"
)

const (
	keys = 16
	// bad is the key of a message that harms.
	bad = "key-3"
	// others is how many messages follow the one that harms.
	others = 5
)

// byKey has the pool take the key of a note.
func byKey(s *v1alpha1.WorkerSettings) { s.Key.Expression = "body.key" }

// sendNotes publishes the next messages of each key.
func (w *world) sendNotes(each int) {
	w.t.Helper()
	js := w.jetStream()
	_, err := js.CreateOrUpdateStream(w.t.Context(), jetstream.StreamConfig{Name: publish.Stream, Subjects: []string{"orders.>"}})
	w.must(err)
	for range each {
		w.notes++
		for key := range keys {
			m := note{fmt.Sprintf("key-%d", key), w.notes}
			data, err := json.Marshal(m)
			w.must(err)
			_, err = js.Publish(w.t.Context(), publish.Subject(m.Key, w.partitions()), data)
			w.must(err)
		}
	}
}

// What Convoy keeps of the pool beside its lanes.
const (
	deadStream = "convoy_default_orders_dead"
	parkStream = "convoy_default_orders_park"
)

// letter is a message that Convoy keeps.
type letter struct {
	note
	header nats.Header
}

// stored are the messages of a stream on a subject, in order.
func (w *world) stored(stream, subject string) []letter {
	w.t.Helper()
	from, err := w.jetStream().Stream(w.t.Context(), stream)
	if errors.Is(err, jetstream.ErrStreamNotFound) {
		return nil // It is made by its first message.
	}
	w.must(err)
	var all []letter
	for sequence := uint64(1); ; sequence++ {
		message, err := from.GetMsg(w.t.Context(), sequence, jetstream.WithGetMsgSubject(subject))
		if errors.Is(err, jetstream.ErrMsgNotFound) {
			return all
		}
		w.must(err)
		l := letter{header: message.Header}
		w.must(json.Unmarshal(message.Data, &l.note))
		all, sequence = append(all, l), message.Sequence
	}
}

func (w *world) jetStream() jetstream.JetStream {
	w.t.Helper()
	if w.js == nil {
		connection, err := nats.Connect("nats://" + w.brokerAddress)
		w.must(err)
		w.t.Cleanup(connection.Close)
		w.js, err = jetstream.New(connection)
		w.must(err)
	}
	return w.js
}
