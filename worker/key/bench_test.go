// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package key

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
	"time"
)

// order is a message of about 1 KiB with 20 fields, as a shop would send it.
func order() Message {
	var body strings.Builder
	body.WriteString(`{"order_id": 9007199254740993, "tenant": "acme", "customer": {"id": 42, "name": "A. Person"}`)
	for i := range 20 {
		fmt.Fprintf(&body, `, "field_%02d": "a value of some length, number %d"`, i, i)
	}
	body.WriteString(`}`)
	return Message{
		Key:       []byte("order-1042"),
		Headers:   map[string][]string{"order-id": {"order-1042"}, "content-type": {"application/json"}},
		Subject:   "orders.eu.1042.created",
		Data:      []byte(body.String()),
		Timestamp: time.Unix(1_700_000_000, 0).UTC(),
	}
}

func BenchmarkEval(b *testing.B) {
	large := order()
	large.Data = append(bytes.TrimSuffix(large.Data, []byte("}")), `,"attachment": "`+strings.Repeat("x", 1<<20)+`"}`...)
	for _, run := range []struct {
		name, expression string
		message          Message
	}{
		{"native key", `key`, order()},
		{"header", `headers["order-id"]`, order()},
		{"part of the subject", `subject.split(".")[2]`, order()},
		{"field of the body", `body.order_id`, order()},
		{"nested field of the body", `body.customer.id`, order()},
		{"two fields of the body", `body.tenant + "/" + string(body.order_id)`, order()},
		{"field or default", `has(body.order_id) ? body.order_id : key`, order()},
		{"field of a body of 1 MiB", `body.order_id`, large},
	} {
		b.Run(run.name, func(b *testing.B) {
			expression, err := Compile(run.expression)
			if err != nil {
				b.Fatal(err)
			}
			b.ReportAllocs()
			for b.Loop() {
				if _, err := expression.Eval(run.message); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkLookup holds expressions that only look a value up against CEL on the same messages, turn by turn in one run:
// times-faster is CEL's time divided by that of Eval. Each
// time is the least of all rounds, which a busy machine disturbs least.
func BenchmarkLookup(b *testing.B) {
	for _, expression := range []string{`key`, `subject`, `headers["order-id"]`, `body.order_id`, `body.tenant`, `body.customer.id`} {
		b.Run(expression, func(b *testing.B) {
			compiled, err := Compile(expression)
			if err != nil {
				b.Fatal(err)
			}
			message := order()
			slow, fast := time.Hour, time.Hour
			for b.Loop() {
				slow = min(slow, timed(b, message, compiled.evaluate))
				fast = min(fast, timed(b, message, compiled.Eval))
			}
			b.ReportMetric(float64(fast.Nanoseconds())/timedCalls, "ns/eval")
			b.ReportMetric(float64(slow.Nanoseconds())/timedCalls, "ns/cel")
			b.ReportMetric(float64(slow)/float64(fast), "times-faster")
			b.ReportMetric(0, "ns/op")
		})
	}
}

const timedCalls = 100

func timed(b *testing.B, message Message, evaluate func(Message) (string, error)) time.Duration {
	b.Helper()
	before := b.Elapsed()
	for range timedCalls {
		if _, err := evaluate(message); err != nil {
			b.Fatal(err)
		}
	}
	return b.Elapsed() - before
}

// BenchmarkMaxCost is the time of the most costly evaluation: one that is stopped.
func BenchmarkMaxCost(b *testing.B) {
	expression, err := Compile(`body.exists(x, x == "none") ? "yes" : "no"`)
	if err != nil {
		b.Fatal(err)
	}
	message := Message{Data: []byte("[" + strings.Repeat(`"element",`, 1_000_000) + `"last"]`)}
	for b.Loop() {
		if _, err := expression.Eval(message); err == nil {
			b.Fatal("it was not stopped")
		}
	}
}

func BenchmarkCompile(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Compile(`has(body.order_id) ? string(body.order_id) : headers["order-id"]`); err != nil {
			b.Fatal(err)
		}
	}
}
