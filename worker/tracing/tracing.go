// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package tracing

import (
	"context"
	"fmt"
	"strings"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	"go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	semconv "go.opentelemetry.io/otel/semconv/v1.37.0"
	"go.opentelemetry.io/otel/trace"
)

// Config is what a Tracer is made with.
type Config struct {
	// Getenv reads the environment, to see whether tracing is on. The SDK reads the rest of it by itself.
	Getenv func(name string) string
	// Pool is namespace/name; Version is the program's.
	Pool, Version string
}

// Tracer makes the spans of one worker. A nil one makes none.
type Tracer struct {
	spans    trace.Tracer
	pool     attribute.KeyValue
	shutdown func(context.Context) error
}

// FromEnvironment makes a tracer, or none when tracing is off.
func FromEnvironment(ctx context.Context, c Config) (*Tracer, error) {
	if !enabled(c.Getenv) {
		return nil, nil
	}
	exporter, err := otlptracehttp.New(ctx)
	if err != nil {
		return nil, fmt.Errorf("making the exporter of spans: %w", err)
	}
	about, err := resource.New(ctx,
		resource.WithAttributes(semconv.ServiceName("convoy-worker"), semconv.ServiceVersion(c.Version)),
		resource.WithTelemetrySDK(), resource.WithFromEnv())
	if err != nil {
		return nil, fmt.Errorf("describing the source of spans: %w", err)
	}
	return With(sdktrace.NewTracerProvider(sdktrace.WithBatcher(exporter), sdktrace.WithResource(about)), c.Pool), nil
}

// With makes a tracer of a provider, which it shuts down when it is closed.
func With(provider *sdktrace.TracerProvider, pool string) *Tracer {
	return &Tracer{spans: provider.Tracer("convoy.dev/convoy/worker"), pool: attribute.String("convoy.pool", pool), shutdown: provider.Shutdown}
}

func enabled(getenv func(string) string) bool {
	if strings.EqualFold(getenv("OTEL_SDK_DISABLED"), "true") || getenv("OTEL_TRACES_EXPORTER") == "none" {
		return false
	}
	return getenv("OTEL_EXPORTER_OTLP_ENDPOINT") != "" || getenv("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT") != ""
}

// Close sends what is left, as long as ctx lasts.
func (t *Tracer) Close(ctx context.Context) error {
	if t == nil {
		return nil
	}
	return t.shutdown(ctx)
}
