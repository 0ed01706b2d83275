// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package run_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"

	"convoy.dev/convoy/worker/deliver"
	"convoy.dev/convoy/worker/key"
	"convoy.dev/convoy/worker/order"
	"convoy.dev/convoy/worker/tracing"
)

const publisherTrace, publisherSpan = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"

// sendTraced appends the first message of a key, within a span of its publisher.
func (w *world) sendTraced(k string) {
	w.next[k]++
	w.broker.Send(key.Message{
		Data: []byte(`{"k": "` + k + `", "n": 1}`), Timestamp: time.Now(),
		Headers: map[string][]string{"traceparent": {"00-" + publisherTrace + "-" + publisherSpan + "-01"}},
	})
}

// The trace of a message goes through routing, the lane, its attempts, the park and a release.
func TestATraceGoesThroughTheWorker(t *testing.T) {
	recorder := tracetest.NewInMemoryExporter()
	parking(t, 2, func(w *world, bad map[string]bool) {
		w.routing.Lanes, w.routing.MaxBacklog = 2, 1000
		w.tracer = tracing.With(sdktrace.NewTracerProvider(sdktrace.WithSyncer(recorder)), "shop/orders")
		w.handler.set(func() { bad["a"] = true })
		w.start()
		w.grantAll(1, 1, 0, 1)
		w.sendTraced("a")
		w.until("it is parked", func() bool { return len(w.broker.Parked(0))+len(w.broker.Parked(1)) == 1 })
		w.handler.set(func() { clear(bad) })
		w.api.order(releases("one"))
		w.allDone()
	})
	var names []string
	spans := recorder.GetSpans()
	route := spans[0].SpanContext.SpanID().String()
	for i, span := range spans {
		names = append(names, span.Name)
		parent := route
		if i == 0 {
			parent = publisherSpan
		}
		if span.SpanContext.TraceID().String() != publisherTrace || span.Parent.SpanID().String() != parent {
			t.Errorf("%s is of the trace %s, below %s", span.Name, span.SpanContext.TraceID(), span.Parent.SpanID())
		}
	}
	// The first call comes in the instant of routing, the second one after a wait in the park.
	if diff := cmp.Diff([]string{"convoy route", "convoy deliver", "convoy wait", "convoy deliver"}, names); diff != "" {
		t.Errorf("spans (-want +got):\n%s", diff)
	}
}

// A worker without a tracer says nothing to the lanes.
func TestWithoutATracerNothingIsCarried(t *testing.T) {
	routed(t, 1, func(w *world) {
		w.failure = order.Block
		w.handler.does = func(_ string, _ int, c *deliver.Call) (time.Duration, deliver.Outcome) {
			if c.Message.Trace != "" || c.TraceParent != "" {
				w.t.Errorf("the call carries %q, %q", c.Message.Trace, c.TraceParent)
			}
			return 0, deliver.Outcome{Kind: deliver.Done}
		}
		w.start()
		w.grantAll(1, 1, 0)
		w.sendTraced("a")
		w.allDone()
	})
}
