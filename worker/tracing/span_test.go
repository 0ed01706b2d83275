// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package tracing_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	"go.opentelemetry.io/otel/trace"

	"convoy.dev/convoy/worker/broker"
	"convoy.dev/convoy/worker/deliver"
	"convoy.dev/convoy/worker/key"
	"convoy.dev/convoy/worker/tracing"
)

const (
	traceID     = "0af7651916cd43dd8448eb211c80319c"
	traceParent = "00-" + traceID + "-b7ad6b7169203331-01"
	otherTrace  = "1af7651916cd43dd8448eb211c80319c"
)

// traced makes one attempt of a call, and returns what it was called with and the spans that came of it.
func traced(t *testing.T, call *deliver.Call, answer deliver.Outcome) (seen deliver.Call, inContext trace.SpanContext, spans tracetest.SpanStubs) {
	t.Helper()
	recorder := tracetest.NewInMemoryExporter()
	tracer := tracing.With(sdktrace.NewTracerProvider(sdktrace.WithSyncer(recorder)), "shop/orders")
	got := tracer.Attempt(t.Context(), call, func(ctx context.Context, c *deliver.Call) deliver.Outcome {
		seen, inContext = *c, trace.SpanContextFromContext(ctx)
		return answer
	})
	if got != answer {
		t.Errorf("the outcome became %+v", got)
	}
	spans = recorder.GetSpans()
	if err := tracer.Close(t.Context()); err != nil {
		t.Error(err)
	}
	return seen, inContext, spans
}

func message(headers map[string][]string) *broker.Message {
	return &broker.Message{
		Message:  key.Message{Data: []byte("secret"), Headers: headers, Subject: "secret", Timestamp: time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)},
		Sequence: 42,
	}
}

func TestAnAttemptContinuesTheMessagesTrace(t *testing.T) {
	call := &deliver.Call{Key: "secret", Lane: 5, Epoch: 9, Attempt: 1, Message: message(map[string][]string{"TraceParent": {traceParent}, "tracestate": {"a=b"}})}
	seen, inContext, spans := traced(t, call, deliver.Outcome{Kind: deliver.Done})
	if len(spans) != 2 || spans[0].Name != "convoy wait" || spans[1].Name != "convoy deliver" {
		t.Fatalf("spans %v", spans)
	}
	for _, span := range spans {
		if span.SpanContext.TraceID().String() != traceID || span.Parent.SpanID().String() != "b7ad6b7169203331" {
			t.Errorf("%s is of trace %s, below %s", span.Name, span.SpanContext.TraceID(), span.Parent.SpanID())
		}
	}
	if wait := spans[0].EndTime.Sub(spans[0].StartTime); wait < time.Minute || spans[0].EndTime.After(spans[1].StartTime) {
		t.Errorf("the wait of %v ends at %v, the attempt begins at %v", wait, spans[0].EndTime, spans[1].StartTime)
	}
	want := fmt.Sprintf("00-%s-%s-01", traceID, spans[1].SpanContext.SpanID())
	if seen.TraceParent != want || seen.TraceState != "a=b" || inContext.SpanID() != spans[1].SpanContext.SpanID() {
		t.Errorf("the handler is called with %q, %q and the context of %s; want %q", seen.TraceParent, seen.TraceState, inContext.SpanID(), want)
	}
	if call.TraceParent != "" || call.Message.Headers["TraceParent"][0] != traceParent {
		t.Error("the call was changed")
	}
	attributes := map[string]string{}
	for _, a := range spans[1].Attributes {
		attributes[string(a.Key)] = a.Value.String()
	}
	if diff := cmp.Diff(map[string]string{
		"convoy.pool": "shop/orders", "convoy.lane": "5", "convoy.sequence": "42", "convoy.epoch": "9", "convoy.attempt": "1", "convoy.messages": "1",
		"convoy.outcome": "Done",
	}, attributes); diff != "" {
		t.Errorf("attributes (-want +got):\n%s", diff)
	}
}

// A routed message's spans are below that of its routing, and the wait begins where that ends.
func TestAnAttemptContinuesTheRouting(t *testing.T) {
	routed := message(map[string][]string{"traceparent": {traceParent}, "tracestate": {"a=b"}})
	recorder := tracetest.NewInMemoryExporter()
	tracer := tracing.With(sdktrace.NewTracerProvider(sdktrace.WithSyncer(recorder)), "shop/orders")
	routed.Trace = tracer.Route(t.Context(), routed, 5)
	route := recorder.GetSpans()[0]
	if err := tracer.Close(t.Context()); err != nil {
		t.Error(err)
	}
	if route.Name != "convoy route" || route.Parent.SpanID().String() != "b7ad6b7169203331" || !route.StartTime.Equal(routed.Timestamp) {
		t.Errorf("routing is %+v", route)
	}
	seen, _, spans := traced(t, &deliver.Call{Lane: 5, Attempt: 1, Message: routed}, deliver.Outcome{Kind: deliver.Done})
	if len(spans) != 2 || spans[0].Name != "convoy wait" || !spans[0].StartTime.Equal(route.EndTime) {
		t.Fatalf("spans %+v, routing ends at %v", spans, route.EndTime)
	}
	for _, span := range spans {
		if span.SpanContext.TraceID().String() != traceID || span.Parent.SpanID() != route.SpanContext.SpanID() {
			t.Errorf("%s is of trace %s, below %s", span.Name, span.SpanContext.TraceID(), span.Parent.SpanID())
		}
	}
	if seen.TraceState != "a=b" || routed.Headers["traceparent"][0] != traceParent {
		t.Errorf("the handler is called with the state %q, the message has %v", seen.TraceState, routed.Headers)
	}
	batch := &deliver.Call{Attempt: 1, Message: message(nil), Rest: []broker.Message{*routed}}
	if _, _, spans := traced(t, batch, deliver.Outcome{Kind: deliver.Done}); spans[1].Links[0].SpanContext.SpanID() != route.SpanContext.SpanID() {
		t.Errorf("links %+v", spans[1].Links)
	}
}

// What another program has put in the place of the router's word is not obeyed.
func TestATraceThatNobodyRoutedIsIgnored(t *testing.T) {
	for _, carried := range []string{"nonsense", traceParent, traceParent + " soon"} {
		m := message(map[string][]string{"traceparent": {traceParent}})
		m.Trace = carried
		_, _, spans := traced(t, &deliver.Call{Attempt: 1, Message: m}, deliver.Outcome{Kind: deliver.Done})
		if len(spans) != 2 || spans[0].Parent.SpanID().String() != "b7ad6b7169203331" || !spans[0].StartTime.Equal(m.Timestamp) {
			t.Errorf("%q: spans %+v", carried, spans)
		}
	}
}

func TestLaterAttemptsWaitNoMore(t *testing.T) {
	call := &deliver.Call{Key: "secret", Attempt: 2, Message: message(map[string][]string{"traceparent": {traceParent}})}
	_, _, spans := traced(t, call, deliver.Outcome{Kind: deliver.Failed, Permanent: true, Detail: "secret"})
	if len(spans) != 1 || spans[0].Name != "convoy deliver" || spans[0].Status.Description != "Failed" {
		t.Errorf("spans %+v", spans)
	}
	if strings.Contains(fmt.Sprintf("%+v", spans), "secret") {
		t.Errorf("a span tells of the message: %+v", spans)
	}
}

func TestABatchLinksToItsMessages(t *testing.T) {
	call := &deliver.Call{
		Attempt: 1, Message: message(map[string][]string{"traceparent": {traceParent}}),
		Rest: []broker.Message{*message(map[string][]string{"traceparent": {strings.Replace(traceParent, traceID, otherTrace, 1)}}), *message(nil)},
	}
	_, _, spans := traced(t, call, deliver.Outcome{Kind: deliver.Done})
	links := spans[len(spans)-1].Links
	if len(links) != 1 || links[0].SpanContext.TraceID().String() != otherTrace {
		t.Errorf("links %+v", links)
	}
}

func TestAMessageWithoutATraceBeginsOne(t *testing.T) {
	seen, _, spans := traced(t, &deliver.Call{Attempt: 2, Message: message(map[string][]string{"traceparent": {"nonsense"}})}, deliver.Outcome{Kind: deliver.Done})
	if len(spans) != 1 || spans[0].Parent.IsValid() || !strings.Contains(seen.TraceParent, spans[0].SpanContext.TraceID().String()) {
		t.Errorf("called with %q; spans %+v", seen.TraceParent, spans)
	}
}

func TestTheEnvironmentTurnsItOn(t *testing.T) {
	for _, c := range []struct {
		on          bool
		environment map[string]string
	}{
		{false, nil},
		{false, map[string]string{"OTEL_SERVICE_NAME": "orders"}},
		{true, map[string]string{"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:1"}},
		{true, map[string]string{"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "http://127.0.0.1:1/v1/traces"}},
		{false, map[string]string{"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:1", "OTEL_SDK_DISABLED": "True"}},
		{false, map[string]string{"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:1", "OTEL_TRACES_EXPORTER": "none"}},
	} {
		tracer, err := tracing.FromEnvironment(t.Context(), tracing.Config{Getenv: func(name string) string { return c.environment[name] }, Pool: "shop/orders"})
		if err != nil || (tracer != nil) != c.on {
			t.Errorf("%v: %v, %v", c.environment, tracer, err)
		}
		if err := tracer.Close(t.Context()); err != nil {
			t.Errorf("%v: %v", c.environment, err)
		}
	}
}

// Spans come to a collector, named by the standard variables.
func TestSpansAreSent(t *testing.T) {
	var sent atomic.Int32
	collector := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil || r.URL.Path != "/v1/traces" || !strings.Contains(string(body), "convoy deliver") || strings.Contains(string(body), "secret") {
			t.Errorf("%s: %q, %v", r.URL, body, err)
		}
		sent.Add(1)
	}))
	defer collector.Close()
	t.Setenv("OTEL_EXPORTER_OTLP_ENDPOINT", collector.URL)
	tracer, err := tracing.FromEnvironment(t.Context(), tracing.Config{Getenv: os.Getenv, Pool: "shop/orders", Version: "v1"})
	if err != nil {
		t.Fatal(err)
	}
	tracer.Attempt(t.Context(), &deliver.Call{Key: "secret", Attempt: 1, Message: message(nil)}, func(context.Context, *deliver.Call) deliver.Outcome {
		return deliver.Outcome{Kind: deliver.Done}
	})
	if err := tracer.Close(t.Context()); err != nil || sent.Load() != 1 {
		t.Errorf("%d requests, %v", sent.Load(), err)
	}
}
