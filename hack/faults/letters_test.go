// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package faults

import (
	"net/http"
	"strconv"
	"testing"

	"convoy.dev/convoy/api/v1alpha1"
)

// attempts is the pool's maxAttempts.
const attempts = 3

func deadLetters(s *v1alpha1.WorkerSettings) {
	kind, most, backoff := v1alpha1.FailureDeadLetter, int32(attempts), int32(10)
	byKey(s)
	s.Delivery.OnFailure = &v1alpha1.OnFailure{Type: &kind}
	s.Delivery.Retry = &v1alpha1.Retry{MaxAttempts: &most, InitialBackoffMilliseconds: &backoff, MaxBackoffMilliseconds: &backoff}
}

// A message that kills its worker each time is recognised across processes, run alone, and dead-lettered; the worker lives
// on, and every other message is completed. The first start may be one of those that nobody has recorded.
func TestAMessageThatKillsItsWorker(t *testing.T) {
	w := newWorld(t, v1alpha1.LanesRouted)
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
	if letters := w.stored(deadStream, ">"); len(letters) != 1 || letters[0].note != (note{bad, 1}) {
		t.Errorf("dead letters %+v, want the message that kills", letters)
	} else if got := letters[0].header.Get("Convoy-Attempts"); got != strconv.Itoa(attempts) {
		t.Errorf("its dead letter says %s attempts, want %d", got, attempts)
	}
}
