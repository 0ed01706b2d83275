// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package tracing

import (
	"context"
	"strings"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/trace"

	"convoy.dev/convoy/worker/deliver"
)

// propagator reads and writes the headers of W3C Trace Context.
var propagator propagation.TraceContext

// headers are a message's headers as a carrier: names are compared without case, as brokers spell them as they like.
type headers map[string][]string

// Get implements propagation.TextMapCarrier.
func (h headers) Get(name string) string {
	for own, values := range h {
		if len(values) > 0 && strings.EqualFold(own, name) {
			return values[0]
		}
	}
	return ""
}

// Set implements propagation.TextMapCarrier; nothing is written to a message.
func (h headers) Set(string, string) {}

// Keys implements propagation.TextMapCarrier.
func (h headers) Keys() []string { return nil }

// Attempt makes a call within a span: deliver is called with the span's context, and with a call whose headers carry it.
func (t *Tracer) Attempt(ctx context.Context, call *deliver.Call, run func(context.Context, *deliver.Call) deliver.Outcome) deliver.Outcome {
	began := time.Now()
	parent := propagator.Extract(ctx, headers(call.Message.Headers))
	about := t.about(call)
	if taken := call.Message.Timestamp; call.Attempt == 1 && !taken.IsZero() && taken.Before(began) {
		_, wait := t.spans.Start(parent, "convoy wait", trace.WithTimestamp(taken), trace.WithAttributes(about...), trace.WithSpanKind(trace.SpanKindConsumer))
		wait.End(trace.WithTimestamp(began))
	}
	ctx, span := t.spans.Start(parent, "convoy deliver", trace.WithTimestamp(began), trace.WithAttributes(about...),
		trace.WithSpanKind(trace.SpanKindConsumer), trace.WithLinks(links(ctx, call)...))
	defer span.End()
	traced := *call
	carrier := propagation.MapCarrier{}
	propagator.Inject(ctx, carrier)
	traced.TraceParent, traced.TraceState = carrier["traceparent"], carrier["tracestate"]
	outcome := run(ctx, &traced)
	span.SetAttributes(attribute.String("convoy.outcome", outcome.Kind.String()))
	if outcome.Kind != deliver.Done {
		span.SetAttributes(attribute.Int("convoy.completed", outcome.Completed), attribute.Bool("convoy.permanent", outcome.Permanent))
		span.SetStatus(codes.Error, outcome.Kind.String())
	}
	return outcome
}

// about are the attributes of a call.
func (t *Tracer) about(call *deliver.Call) []attribute.KeyValue {
	return []attribute.KeyValue{
		t.pool, attribute.Int64("convoy.lane", int64(call.Lane)), attribute.Int64("convoy.sequence", int64(call.Message.Sequence)),
		attribute.Int64("convoy.epoch", call.Epoch), attribute.Int64("convoy.attempt", int64(call.Attempt)), attribute.Int("convoy.messages", call.Len()),
	}
}

// links are the traces of the messages that follow the first.
func links(ctx context.Context, call *deliver.Call) []trace.Link {
	var found []trace.Link
	for i := range call.Rest {
		if of := trace.SpanContextFromContext(propagator.Extract(ctx, headers(call.Rest[i].Headers))); of.IsValid() {
			found = append(found, trace.Link{SpanContext: of})
		}
	}
	return found
}
