// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

// Package tracing continues the trace context of messages through a worker, by OpenTelemetry. It is off unless the standard
// variables name where spans go, and then costs a call nothing:
//
//	OTEL_EXPORTER_OTLP_ENDPOINT or OTEL_EXPORTER_OTLP_TRACES_ENDPOINT   turns it on: OTLP over HTTP, such as http://collector:4318
//	OTEL_SDK_DISABLED=true, OTEL_TRACES_EXPORTER=none                   turn it off all the same
//	OTEL_SERVICE_NAME, OTEL_RESOURCE_ATTRIBUTES, OTEL_TRACES_SAMPLER, OTEL_BSP_..., OTEL_EXPORTER_OTLP_...   as everywhere
//
// # Spans
//
// A message's header traceparent is the parent of everything; it goes through routing and the lane as it is. A message without
// one begins a trace of its own, as the sampler says.
//
//	convoy wait     from when the source took the message until its first call: routing, the lane, the key's turn
//	convoy deliver  one attempt: a call of the handler. Of several messages it has the first one's trace, and links to the rest
//
// The handler gets the attempt's context: over HTTP as the headers traceparent and tracestate, in Go as its own context. What
// lies between two attempts is the key's backoff.
//
// Attributes are the pool, lane, sequence, epoch, attempt, number of messages and outcome. Nothing of a message is in a span:
// no key, no header, no payload.
//
// # Failures
//
// Spans that the collector does not take are dropped, and the log says so once in a while; no message waits for it.
package tracing
