// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

// Package tracing continues the trace context of messages through a worker, by OpenTelemetry. It is off unless the standard
// variables name where spans go, and then costs a message nothing:
//
//	OTEL_EXPORTER_OTLP_ENDPOINT or OTEL_EXPORTER_OTLP_TRACES_ENDPOINT   turns it on: OTLP over HTTP, such as http://collector:4318
//	OTEL_SDK_DISABLED=true, OTEL_TRACES_EXPORTER=none                   turn it off all the same
//	OTEL_SERVICE_NAME, OTEL_RESOURCE_ATTRIBUTES, OTEL_TRACES_SAMPLER, OTEL_BSP_..., OTEL_EXPORTER_OTLP_...   as everywhere
//
// # Spans
//
// A message's header traceparent is the parent of everything; it goes through routing and the lane as it is. A message without
// one begins a trace of its own, as the sampler says. In a Routed lane the span of its routing goes with the message, in a field
// of its own, and is the parent of the others; a message is routed again, in a span more, when nobody knows whether it came into
// its lane.
//
//	convoy route    from when the source took the message until it was placed in a lane
//	convoy wait     from then until its first call: the lane, the key's turn. In a Native lane, from when the source took it
//	convoy deliver  one attempt: a call of the handler. Of several messages it has the first one's trace, and links to the rest
//
// The handler gets the attempt's context: over HTTP as the headers traceparent and tracestate, in Go as its own context. What
// lies between two attempts is the key's backoff.
//
// Attributes are the pool, lane and sequence; of wait and deliver also the epoch, attempt and number of messages, of deliver the
// outcome. Nothing of a message is in a span: no key, no header, no payload.
//
// # Failures
//
// Spans that the collector does not take are dropped, and the log says so once in a while; no message waits for it.
package tracing
