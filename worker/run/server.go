// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package run

import (
	"fmt"
	"net/http"
	"time"
)

const (
	// stallLimit is how long the loop may not turn before the process counts as stalled and is restarted. Nothing that the
	// loop does waits for anybody.
	stallLimit = 30 * time.Second
	// termination is how long the drained endpoint waits for SIGTERM before it says that there is nothing to wait for. When
	// a pod is deleted the kubelet calls the hooks of the other containers and signals this one at the same time, in no
	// order; answered at once, a hook that came first would let the handler be stopped before the drain.
	termination = 2 * time.Second
)

// Healthz answers a liveness probe: whether this process's own loop turns. The handler, the broker and the API server have
// no part in it, because a restart would mend none of them.
func (w *Worker) Healthz(out http.ResponseWriter, _ *http.Request) {
	if gap := w.now().Sub(w.origin) - time.Duration(w.beat.Load()); gap > stallLimit {
		http.Error(out, fmt.Sprintf("the loop has not turned for %v", gap), http.StatusServiceUnavailable)
		return
	}
	fmt.Fprintln(out, "the loop turns")
}

// Readyz answers a readiness probe: whether the worker is configured, which it is once it runs, and the handler has
// accepted a connection once. The broker and the API server have no part in it.
func (w *Worker) Readyz(out http.ResponseWriter, _ *http.Request) {
	if !w.ready.raised() {
		http.Error(out, "the handler has not accepted a connection yet", http.StatusServiceUnavailable)
		return
	}
	fmt.Fprintln(out, "the handler has accepted a connection")
}

// Drained is for the preStop hooks of the pod's other containers: it answers when the worker has drained. Unless the
// worker is told to stop there is nothing to wait for: such a hook also runs when its own container alone is restarted.
func (w *Worker) Drained(out http.ResponseWriter, r *http.Request) {
	unasked := time.NewTimer(termination)
	defer unasked.Stop()
	select {
	case <-w.stopping.c:
	case <-unasked.C:
		fmt.Fprintln(out, "the worker goes on")
		return
	case <-r.Context().Done():
		return
	}
	select {
	case <-w.drained.c:
		fmt.Fprintln(out, "drained")
	case <-r.Context().Done():
	}
}
