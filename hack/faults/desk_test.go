// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package faults

import (
	"encoding/json"
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
	// done is the last message that was answered with success, calls how often each was begun.
	done  int
	calls map[int]int
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
	f.running = true
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
