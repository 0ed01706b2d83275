// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package faults

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"sync/atomic"
	"testing"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"convoy.dev/convoy/api/v1alpha1"
	"convoy.dev/convoy/hack/e2e/publish"
)

const (
	// attempts is the pool's maxAttempts.
	attempts = 3
	keys     = 16
	// bad is the key of a message that harms.
	bad = "key-3"
	// others is how many messages follow the one that harms.
	others = 5
)

func deadLetters(s *v1alpha1.WorkerSettings) {
	kind, most, backoff := v1alpha1.FailureDeadLetter, int32(attempts), int32(10)
	s.Key.Expression = "body.key"
	s.Delivery.OnFailure = &v1alpha1.OnFailure{Type: &kind}
	s.Delivery.Retry = &v1alpha1.Retry{MaxAttempts: &most, InitialBackoffMilliseconds: &backoff, MaxBackoffMilliseconds: &backoff}
}

// A message that kills its worker each time is recognised across processes, run alone, and dead-lettered; the worker lives
// on, and every other message is completed. The first start may be one of those that nobody has recorded.
func TestAMessageThatKillsItsWorker(t *testing.T) {
	w := newWorld(t)
	begun, dead := make(chan struct{}), make(chan struct{})
	d := newDesk(t, func(_ *place, m note) int {
		if m == (note{bad, 1}) {
			begun <- struct{}{}
			<-dead
		}
		return http.StatusOK
	})
	p := w.newPlace(0, deadLetters)
	d.serve(p)
	w.sendNotes(1 + others)
	p.worker.start()
	w.deal()
	w.until("every other message is completed", func() bool {
		select {
		case <-begun:
			p.worker.kill()
			dead <- struct{}{}
			p.worker.start()
		default:
		}
		return d.finished(1 + others)
	})
	if got := d.calls(bad, 1); got < attempts || got > attempts+1 {
		t.Errorf("the message that kills was begun %d times, want %d, or one more", got, attempts)
	}
	if letters := w.letters(); len(letters) != 1 || letters[0].note != (note{bad, 1}) {
		t.Errorf("dead letters %+v, want the message that kills", letters)
	} else if got := letters[0].header.Get("Convoy-Attempts"); got != strconv.Itoa(attempts) {
		t.Errorf("its dead letter says %s attempts, want %d", got, attempts)
	}
}

// A worker that stood still while it was told to give a message up goes on as if nothing had been. By then the message has
// succeeded elsewhere. What it writes counts for nothing.
func TestAZombieDeadLetters(t *testing.T) {
	w := newWorld(t)
	frozen, thawed := make(chan struct{}), make(chan struct{})
	var once atomic.Bool
	d := newDesk(t, nil)
	d.answer = func(at *place, m note) int {
		if m != (note{bad, 1}) || at != w.places[0] || !once.CompareAndSwap(false, true) {
			return http.StatusOK
		}
		at.worker.freeze()
		close(frozen)
		<-thawed
		return http.StatusBadRequest // Permanent: a dead letter.
	}
	zombie, other := w.newPlace(0, deadLetters), w.newPlace(1, deadLetters)
	d.serve(zombie)
	d.serve(other)
	w.sendNotes(1)
	zombie.worker.start()
	other.worker.start()
	for lane := range int32(lanes) {
		w.grant(zombie, false, lane)
	}
	<-frozen
	taken := w.seize(zombie, other)
	// The call of the zombie is over by the contract when the quarantine is; the desk would take it for an overlap.
	d.forget(bad)
	w.sendNotes(others)
	w.until("the lanes run elsewhere", func() bool { return w.runs(other, taken...) && d.finished(1+others) })
	close(thawed)
	zombie.worker.thaw()
	w.tell(zombie)
	w.until("the zombie lets go", func() bool { return w.released(zombie, taken) })
	w.move(other, zombie, taken...)
	w.sendNotes(others)
	w.until("every message is completed", func() bool { return d.finished(1 + others + others) })
	for key := range keys {
		for sent := 2; sent <= 1+2*others; sent++ {
			if name := fmt.Sprintf("key-%d", key); d.calls(name, sent) != 1 {
				t.Errorf("message %d of %s was begun %d times, want once", sent, name, d.calls(name, sent))
			}
		}
	}
	if letters := w.letters(); len(letters) > 0 {
		t.Errorf("dead letters %+v, of a message that succeeded", letters)
	}
}

// forget drops a call that is over by the contract though it goes on.
func (d *desk) forget(key string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.file(key).running = false
}

// finished says whether the last of so many messages of every key succeeded.
func (d *desk) finished(sent int) bool {
	for key := range keys {
		if d.done(fmt.Sprintf("key-%d", key)) < sent {
			return false
		}
	}
	return true
}

// sendNotes publishes the next messages of each key.
func (w *world) sendNotes(each int) {
	w.t.Helper()
	js := w.jetStream()
	_, err := js.CreateOrUpdateStream(w.t.Context(), jetstream.StreamConfig{Name: publish.Stream, Subjects: []string{"orders.*.*"}})
	w.must(err)
	for range each {
		w.notes++
		for key := range keys {
			m := note{fmt.Sprintf("key-%d", key), w.notes}
			data, err := json.Marshal(m)
			w.must(err)
			_, err = js.Publish(w.t.Context(), publish.Subject(m.Key, lanes), data)
			w.must(err)
		}
	}
}

type letter struct {
	note
	header nats.Header
}

// letters are the dead letters that there are.
func (w *world) letters() []letter {
	w.t.Helper()
	js := w.jetStream()
	stream, err := js.Stream(w.t.Context(), "convoy_default_orders_dead")
	if errors.Is(err, jetstream.ErrStreamNotFound) {
		return nil // It is made by the first one.
	}
	w.must(err)
	info, err := stream.Info(w.t.Context())
	w.must(err)
	var all []letter
	for sequence := info.State.FirstSeq; sequence <= info.State.LastSeq; sequence++ {
		message, err := stream.GetMsg(w.t.Context(), sequence)
		w.must(err)
		l := letter{header: message.Header}
		w.must(json.Unmarshal(message.Data, &l.note))
		all = append(all, l)
	}
	return all
}

func (w *world) jetStream() jetstream.JetStream {
	w.t.Helper()
	connection, err := nats.Connect("nats://" + w.brokerAddress)
	w.must(err)
	w.t.Cleanup(connection.Close)
	js, err := jetstream.New(connection)
	w.must(err)
	return js
}
