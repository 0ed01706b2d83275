// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package handler

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"strconv"
	"time"

	"convoy.dev/convoy/hack/e2e/checker"
	"convoy.dev/convoy/hack/e2e/collect"
	"convoy.dev/convoy/hack/e2e/shop"
)

// maxBody bounds a message; an event has some 70 bytes.
const maxBody = 1 << 16

// Handler takes orders through their lives.
type Handler struct {
	settings  Settings
	collector *collect.Client
}

// New makes a handler that reports to the collector.
func New(settings Settings, collector *collect.Client) *Handler {
	return &Handler{settings: settings, collector: collector}
}

// ServeHTTP works on one message.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	call, err := h.read(r)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	ctx, cancel := context.WithTimeout(r.Context(), h.settings.CallTime)
	defer cancel()
	status, words := h.work(ctx, call)
	w.WriteHeader(status)
	fmt.Fprintln(w, words)
}

// work reports the call, does what it asks for, and says how to answer.
func (h *Handler) work(ctx context.Context, call checker.Call) (status int, words string) {
	ctx, reported, err := h.collector.Start(ctx, call)
	if err != nil {
		return http.StatusServiceUnavailable, err.Error()
	}
	outcome := h.outcome(ctx, call.Event, reported.Decision)
	taken, err := reported.End(outcome)
	switch {
	case err != nil:
		return http.StatusServiceUnavailable, err.Error()
	case !taken:
		return http.StatusConflict, "this call is one of the past"
	case outcome == checker.Rejected:
		return http.StatusUnprocessableEntity, "the shop does not take this order as things are"
	case outcome == checker.Impossible:
		return http.StatusUnprocessableEntity, fmt.Sprintf("an order that is %q cannot become %q", reported.State, call.Event.State)
	case outcome == checker.Failed:
		return http.StatusServiceUnavailable, "try again"
	}
	return http.StatusOK, "done"
}

func (h *Handler) outcome(ctx context.Context, event shop.Event, decision checker.Decision) checker.Outcome {
	switch {
	case decision.Refuse:
		return checker.Failed
	case decision.Repeat:
		return checker.Done
	case decision.Reject:
		return checker.Rejected
	case !shop.Possible(decision.State, event.State):
		return checker.Impossible
	case !h.toil(ctx), rand.IntN(1000) < h.settings.FailuresPerMille:
		return checker.Failed
	}
	return checker.Done
}

// toil takes the time that work takes, and reports whether it came to its end.
func (h *Handler) toil(ctx context.Context) bool {
	half := h.settings.Work / 2
	timer := time.NewTimer(half + rand.N(2*half+1))
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// read takes the call from a request.
func (h *Handler) read(r *http.Request) (checker.Call, error) {
	call := checker.Call{Pod: h.settings.Pod, Key: r.Header.Get("convoy-key")}
	lane, errLane := strconv.ParseInt(r.Header.Get("convoy-lane"), 10, 32)
	epoch, errEpoch := strconv.ParseUint(r.Header.Get("convoy-epoch"), 10, 64)
	sequence, errSequence := strconv.ParseUint(r.Header.Get("convoy-sequence"), 10, 64)
	attempt, errAttempt := strconv.ParseUint(r.Header.Get("convoy-attempt"), 10, 32)
	call.Lane, call.Epoch, call.Sequence, call.Attempt = int32(lane), epoch, sequence, uint32(attempt)
	body, errBody := io.ReadAll(io.LimitReader(r.Body, maxBody))
	errEvent := json.Unmarshal(body, &call.Event)
	if err := errors.Join(errLane, errEpoch, errSequence, errAttempt, errBody, errEvent); err != nil {
		return checker.Call{}, fmt.Errorf("reading a call: %w", err)
	}
	switch {
	case r.Header.Get("ce-specversion") != "1.0" || r.Header.Get("ce-id") == "" || r.Header.Get("ce-source") == "" || r.Header.Get("ce-type") == "":
		return checker.Call{}, errors.New("reading a call: it is no CloudEvent 1.0 in binary mode")
	case call.Key != call.Event.Order:
		return checker.Call{}, fmt.Errorf("reading a call: its key is %q and the order's name %q", call.Key, call.Event.Order)
	}
	return call, nil
}
