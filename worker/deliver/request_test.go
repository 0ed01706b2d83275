// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package deliver_test

import (
	"io"
	"net/http"
	"testing"

	"github.com/google/go-cmp/cmp"

	"convoy.dev/convoy/worker/deliver"
)

// seen makes one call and returns what the handler saw of it.
func seen(t *testing.T, c *deliver.Call) (header http.Header, body string) {
	t.Helper()
	client, _ := serve(t, func(w http.ResponseWriter, r *http.Request) {
		header = r.Header
		data, err := io.ReadAll(r.Body)
		if err != nil || r.Method != http.MethodPost || r.URL.Path != "/events" {
			t.Errorf("%s %s, reading the body: %v", r.Method, r.URL, err)
		}
		body = string(data)
		w.WriteHeader(http.StatusNoContent)
	})
	if got := client.Deliver(t.Context(), c); got.Kind != deliver.Done {
		t.Fatalf("outcome %v: %s", got.Kind, got.Detail)
	}
	header.Del("Content-Length")
	header.Del("User-Agent")
	header.Del("Accept-Encoding")
	return header, body
}

func TestAMessageIsACloudEvent(t *testing.T) {
	header, body := seen(t, call(`{"a": 1}`, nil))
	want := http.Header{
		"Content-Type":    {"application/json"},
		"Ce-Specversion":  {"1.0"},
		"Ce-Id":           {"1-42"},
		"Ce-Source":       {"/namespaces/shop/convoypools/orders"},
		"Ce-Type":         {"dev.convoy.message"},
		"Ce-Time":         {"2026-03-04T04:06:07.08Z"},
		"Ce-Subject":      {"orders.5.new"},
		"Convoy-Key":      {"order%207"},
		"Convoy-Lane":     {"5"},
		"Convoy-Epoch":    {"589826"},
		"Convoy-Sequence": {"42"},
		"Convoy-Attempt":  {"3"},
	}
	if diff := cmp.Diff(want, header); diff != "" {
		t.Errorf("headers (-want +got):\n%s", diff)
	}
	if body != `{"a": 1}` {
		t.Errorf("body %q", body)
	}
}

func TestNoMessageSetsAHeaderThatMeansSomething(t *testing.T) {
	header, _ := seen(t, call("x", map[string][]string{
		"Host": {"evil"}, "Transfer-Encoding": {"chunked"}, "Convoy-Key": {"other"}, "Idempotency-Key": {"1"},
		"Trace-Id": {"ä\r\nX: y", "second"}, "not a token": {"gone"}, "Ce-Id": {"no event without specversion"},
	}))
	want := map[string][]string{
		"Convoy-Key":                       {"order%207"},
		"Ce-Id":                            {"1-42"},
		"Convoy-Header-Host":               {"evil"},
		"Convoy-Header-Transfer-Encoding":  {"chunked"},
		"Convoy-Header-Convoy-Key":         {"other"},
		"Convoy-Header-Idempotency-Key":    {"1"},
		"Convoy-Header-Trace-Id":           {"%C3%A4%0D%0AX:%20y", "second"},
		"Convoy-Header-Ce-Id":              {"no%20event%20without%20specversion"},
		"Idempotency-Key":                  nil,
		"X":                                nil,
		"Convoy-Header-Not A Token":        nil,
		"Convoy-Header-Content-Type":       nil,
		"Convoy-Header-Convoy-Header-Host": nil,
	}
	for name, values := range want {
		if diff := cmp.Diff(values, header[name]); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

func TestACloudEventKeepsItsAttributes(t *testing.T) {
	for _, c := range []struct{ name, prefix string }{{"NATS", "ce-"}, {"Kafka", "ce_"}} {
		t.Run(c.name, func(t *testing.T) {
			header, _ := seen(t, call("x", map[string][]string{
				c.prefix + "specversion": {"1.0"}, c.prefix + "id": {"own"}, c.prefix + "source": {"/own"}, c.prefix + "type": {"own.type"},
				"content-type": {"text/plain"}, "traceparent": {"00-abc-def-01"},
			}))
			want := map[string][]string{
				"Ce-Id": {"own"}, "Ce-Source": {"/own"}, "Ce-Type": {"own.type"}, "Ce-Specversion": {"1.0"}, "Ce-Time": nil, "Ce-Subject": nil,
				"Content-Type": {"text/plain"}, "Traceparent": {"00-abc-def-01"},
			}
			for name, values := range want {
				if diff := cmp.Diff(values, header[name]); diff != "" {
					t.Errorf("%s (-want +got):\n%s", name, diff)
				}
			}
		})
	}
}

func TestAnEnvelopeIsNotWrappedAgain(t *testing.T) {
	header, _ := seen(t, call(`{"specversion":"1.0"}`, map[string][]string{"Content-Type": {"application/cloudevents+json"}}))
	if header.Get("Ce-Specversion") != "" || header.Get("Content-Type") != "application/cloudevents+json" {
		t.Errorf("headers %v", header)
	}
}

func TestTheContentTypeOfAMessageThatSaysNone(t *testing.T) {
	for body, want := range map[string]string{
		`{"a":1}`: "application/json", " [1] \n": "application/json", "": "application/octet-stream",
		"{": "application/octet-stream", "7": "application/octet-stream", "{]": "application/octet-stream",
	} {
		if header, _ := seen(t, call(body, nil)); header.Get("Content-Type") != want {
			t.Errorf("body %q: %s, want %s", body, header.Get("Content-Type"), want)
		}
	}
}

// A traced call has a context of its own, in place of the message's.
func TestACallsOwnTraceGoesBeforeTheMessages(t *testing.T) {
	c := call("{}", map[string][]string{"traceparent": {"00-1"}, "TraceState": {"a=b"}, "baggage": {"c=d"}})
	c.TraceParent = "00-2"
	header, _ := seen(t, c)
	if header.Get("Traceparent") != "00-2" || header["Tracestate"] != nil || header.Get("Baggage") != "c=d" {
		t.Errorf("%v", header)
	}
	c.TraceState = "e=f"
	if header, _ = seen(t, c); header.Get("Tracestate") != "e=f" || len(header["Traceparent"]) != 1 {
		t.Errorf("%v", header)
	}
}
