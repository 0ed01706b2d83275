// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package faults

import (
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"strconv"
	"sync"
	"testing"
)

// desk is the handler of every place in the test's own process: it works as a story says, and checks order itself.
type desk struct {
	t *testing.T
	// answer is what a story does with a message, beyond counting it.
	answer func(at *place, m note) (status int)

	mu   sync.Mutex
	keys map[string]*file
}

// note is a message. Sent counts the messages of a key from 1.
type note struct {
	Key  string `json:"key"`
	Sent int    `json:"sent"`
}

// file is what a desk has of a key.
type file struct {
	running bool
	// begun and done are the last messages that were begun, and answered with success; calls is how often each was begun.
	begun, done int
	calls       map[int]int
}

func newDesk(t *testing.T, answer func(*place, note) int) *desk {
	t.Helper()
	return &desk{t: t, answer: answer, keys: map[string]*file{}}
}

// serve opens the desk at a place, until the test ends.
func (d *desk) serve(p *place) {
	d.t.Helper()
	listener, err := (&net.ListenConfig{}).Listen(d.t.Context(), "tcp", net.JoinHostPort(p.address, strconv.Itoa(handlerPort)))
	if err != nil {
		d.t.Fatal(err)
	}
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var m note
		if err := json.NewDecoder(r.Body).Decode(&m); err != nil {
			d.t.Errorf("reading a message: %v", err)
		}
		d.begin(m)
		status := d.answer(p, m)
		d.end(m, status)
		w.WriteHeader(status)
	}))
	if err := server.Listener.Close(); err != nil {
		d.t.Fatal(err)
	}
	server.Listener = listener
	server.Start()
	d.t.Cleanup(server.Close)
}

func (d *desk) begin(m note) {
	d.mu.Lock()
	defer d.mu.Unlock()
	f := d.file(m.Key)
	if f.running {
		d.t.Errorf("%+v began while another of its key ran", m)
	}
	if m.Sent > f.begun+1 {
		d.t.Errorf("%+v began after %d", m, f.begun)
	}
	f.running, f.begun = true, m.Sent
	f.calls[m.Sent]++
}

func (d *desk) end(m note, status int) {
	d.mu.Lock()
	defer d.mu.Unlock()
	f := d.file(m.Key)
	f.running = false
	if status == http.StatusOK {
		f.done = max(f.done, m.Sent)
	}
}

func (d *desk) file(key string) *file {
	if d.keys[key] == nil {
		d.keys[key] = &file{calls: map[int]int{}}
	}
	return d.keys[key]
}

// done says which message of a key was the last to succeed, and calls how often one was begun.
func (d *desk) done(key string) int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.file(key).done
}

func (d *desk) calls(key string, sent int) int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.file(key).calls[sent]
}

// forget drops a call that is over by the contract though it goes on.
func (d *desk) forget(key string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.file(key).running = false
}

// finished says whether the last of so many messages of every key succeeded, finishedBut of every other key.
func (d *desk) finished(sent int) bool { return d.finishedBut(sent, "") }

func (d *desk) finishedBut(sent int, but string) bool {
	for key := range keys {
		if name := fmt.Sprintf("key-%d", key); name != but && d.done(name) < sent {
			return false
		}
	}
	return true
}

// begunOnce checks that each of these messages of a key was begun once.
func (d *desk) begunOnce(key string, from, to int) {
	d.t.Helper()
	for sent := from; sent <= to; sent++ {
		if n := d.calls(key, sent); n != 1 {
			d.t.Errorf("message %d of %s was begun %d times, want once", sent, key, n)
		}
	}
}
