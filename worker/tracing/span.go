// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package tracing

import (
	"context"
	"strconv"
	"strings"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/trace"

	"convoy.dev/convoy/worker/broker"
	"convoy.dev/convoy/worker/deliver"
)

// propagator reads and writes the headers of W3C Trace Context.
var propagator propagation.TraceContext

const (
	headerParent = "traceparent"
	headerState  = "tracestate"
)

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

// parentOf is the context that a message's spans are below, and when the wait for its first call began. A routed message has
// both with it: traceparent and Unix time in nanoseconds.
func parentOf(ctx context.Context, m *broker.Message) (parent context.Context, since time.Time) {
	traceParent, end, routed := strings.Cut(m.Trace, " ")
	at, err := strconv.ParseInt(end, 10, 64)
	if !routed || err != nil {
		return propagator.Extract(ctx, headers(m.Headers)), m.Timestamp
	}
	carrier := propagation.MapCarrier{headerParent: traceParent, headerState: headers(m.Headers).Get(headerState)}
	return propagator.Extract(ctx, carrier), time.Unix(0, at)
}

// Route makes the span of a message's routing, which is over when it is placed in a lane, and returns the Trace that goes with it.
func (t *Tracer) Route(ctx context.Context, m *broker.Message, lane int32) (carried string) {
	now, parent := time.Now(), propagator.Extract(ctx, headers(m.Headers))
	began := now
	if taken := m.Timestamp; !taken.IsZero() && taken.Before(now) {
		began = taken
	}
	ctx, span := t.spans.Start(parent, "convoy route", trace.WithTimestamp(began), trace.WithAttributes(t.pool, laneOf(lane), sequenceOf(m)))
	span.End(trace.WithTimestamp(now))
	carrier := propagation.MapCarrier{}
	propagator.Inject(ctx, carrier)
	return carrier[headerParent] + " " + strconv.FormatInt(now.UnixNano(), 10)
}

func laneOf(lane int32) attribute.KeyValue { return attribute.Int64("convoy.lane", int64(lane)) }

func sequenceOf(m *broker.Message) attribute.KeyValue {
	return attribute.Int64("convoy.sequence", int64(m.Sequence))
}

// Attempt makes a call within a span: deliver is called with the span's context, and with a call whose headers carry it.
func (t *Tracer) Attempt(ctx context.Context, call *deliver.Call, run func(context.Context, *deliver.Call) deliver.Outcome) deliver.Outcome {
	began := time.Now()
	parent, since := parentOf(ctx, call.Message)
	about := t.about(call)
	if call.Attempt == 1 && !since.IsZero() && since.Before(began) {
		_, wait := t.spans.Start(parent, "convoy wait", trace.WithTimestamp(since), trace.WithAttributes(about...), trace.WithSpanKind(trace.SpanKindConsumer))
		wait.End(trace.WithTimestamp(began))
	}
	ctx, span := t.spans.Start(parent, "convoy deliver", trace.WithTimestamp(began), trace.WithAttributes(about...),
		trace.WithSpanKind(trace.SpanKindConsumer), trace.WithLinks(links(ctx, call)...))
	defer span.End()
	traced := *call
	carrier := propagation.MapCarrier{}
	propagator.Inject(ctx, carrier)
	traced.TraceParent, traced.TraceState = carrier[headerParent], carrier[headerState]
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
		t.pool, laneOf(call.Lane), sequenceOf(call.Message),
		attribute.Int64("convoy.epoch", call.Epoch), attribute.Int64("convoy.attempt", int64(call.Attempt)), attribute.Int("convoy.messages", call.Len()),
	}
}

// links are the traces of the messages that follow the first.
func links(ctx context.Context, call *deliver.Call) []trace.Link {
	var found []trace.Link
	for i := range call.Rest {
		parent, _ := parentOf(ctx, &call.Rest[i])
		if of := trace.SpanContextFromContext(parent); of.IsValid() {
			found = append(found, trace.Link{SpanContext: of})
		}
	}
	return found
}
