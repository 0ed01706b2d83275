// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package process

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strconv"
	"sync"
	"testing"
	"time"
)

// handler is the user's process. It works on a call to its end though nobody listens any more, and checks that keys come
// alone and in order.
type handler struct {
	t      *testing.T
	server *httptest.Server
	lock   sync.Mutex
	keys   map[string]*convoy
	calls  int
}

type convoy struct {
	running bool
	done    int
	epoch   uint64
}

type message struct {
	Key    string `json:"key"`
	Number int    `json:"number"`
}

// work is how long the handler works on a call.
const work = 20 * time.Millisecond

func newHandler(t *testing.T) *handler {
	t.Helper()
	h := &handler{t: t, keys: map[string]*convoy{}}
	h.server = httptest.NewServer(http.HandlerFunc(h.serve))
	t.Cleanup(h.server.Close)
	return h
}

func (h *handler) serve(_ http.ResponseWriter, r *http.Request) {
	var m message
	if err := json.NewDecoder(r.Body).Decode(&m); err != nil || r.Header.Get("Convoy-Key") != m.Key {
		h.t.Errorf("a message of key %q came as one of %q: %v", m.Key, r.Header.Get("Convoy-Key"), err)
	}
	epoch, err := strconv.ParseUint(r.Header.Get("Convoy-Epoch"), 10, 64)
	if err != nil {
		h.t.Errorf("reading the epoch: %v", err)
	}
	h.begin(m, epoch)
	<-time.After(work)
	h.end(m)
}

func (h *handler) begin(m message, epoch uint64) {
	h.lock.Lock()
	defer h.lock.Unlock()
	h.calls++
	c := h.keys[m.Key]
	if c == nil {
		c = &convoy{}
		h.keys[m.Key] = c
	}
	switch {
	case c.running:
		h.t.Errorf("message %d of key %s starts while another of it runs", m.Number, m.Key)
	case m.Number > c.done+1:
		h.t.Errorf("message %d of key %s comes after %d", m.Number, m.Key, c.done)
	case epoch < c.epoch:
		h.t.Errorf("message %d of key %s comes with epoch %d after %d", m.Number, m.Key, epoch, c.epoch)
	}
	c.running, c.epoch = true, epoch
}

func (h *handler) end(m message) {
	h.lock.Lock()
	defer h.lock.Unlock()
	c := h.keys[m.Key]
	c.running, c.done = false, max(c.done, m.Number)
}

// count is how many calls there were, and how many messages are completed.
func (h *handler) count() (calls, completed int) {
	h.lock.Lock()
	defer h.lock.Unlock()
	for _, c := range h.keys {
		completed += c.done
	}
	return h.calls, completed
}
