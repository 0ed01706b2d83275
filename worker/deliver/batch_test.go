// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package deliver_test

import (
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"convoy.dev/convoy/worker/broker"
	"convoy.dev/convoy/worker/deliver"
	"convoy.dev/convoy/worker/key"
)

// listing is a client that sends lists, and what its handler was sent last.
func listing(t *testing.T, answer http.HandlerFunc) (client *deliver.Client, header func() http.Header, list func() []map[string]any) {
	t.Helper()
	var seen http.Header
	var body []byte
	_, server := serve(t, func(w http.ResponseWriter, r *http.Request) {
		var err error
		if body, err = io.ReadAll(r.Body); err != nil {
			t.Error(err)
		}
		seen = r.Header
		answer(w, r)
	})
	client = newClient(t, deliver.Config{URL: server.URL, Batches: true})
	return client, func() http.Header { return seen }, func() []map[string]any {
		t.Helper()
		var events []map[string]any
		decoder := json.NewDecoder(strings.NewReader(string(body)))
		decoder.UseNumber()
		if err := decoder.Decode(&events); err != nil {
			t.Fatalf("%v in %s", err, body)
		}
		return events
	}
}

func several(messages ...key.Message) *deliver.Call {
	c := call("", nil)
	for i, m := range messages {
		next := broker.Message{Message: m, Sequence: c.Message.Sequence}
		if i == 0 {
			c.Message = &next
			continue
		}
		next.Sequence += 8
		c.Rest = append(c.Rest, next)
	}
	return c
}

func TestABatchIsAListOfCloudEvents(t *testing.T) {
	client, header, list := listing(t, func(http.ResponseWriter, *http.Request) {})
	got := client.Deliver(t.Context(), several(
		key.Message{Data: []byte(`{"n": 9007199254740993}`), Subject: "orders.5", Timestamp: at, Shard: 1},
		key.Message{Data: []byte("grüße"), Headers: map[string][]string{"content-type": {"text/plain"}, "X-Tenant": {"acme", "b"}, "traceparent": {"00-1"}}},
		key.Message{Data: []byte("\xff"), Headers: map[string][]string{"Content-Type": {"application/json"}}},
		key.Message{Headers: map[string][]string{
			"ce-specversion": {"1.0"}, "ce-id": {"a%20b"}, "CE_source": {"100%"}, "ce-type": {"t"}, "ce-convoysequence": {"1"}, "ce-data": {"d"}, "ce-Bad-Name": {"x"},
		}},
		key.Message{Data: []byte(` {"specversion": "1.0", "id": "own", "convoysequence": "1", "data": [1]} `),
			Headers: map[string][]string{"Content-Type": {"application/cloudevents+json; charset=utf-8"}}},
		key.Message{Data: []byte(` { } `), Headers: map[string][]string{"Content-Type": {"application/cloudevents+json"}}},
	))
	if got.Kind != deliver.Done {
		t.Fatalf("outcome %+v", got)
	}
	for name, want := range map[string]string{
		"Content-Type": "application/cloudevents-batch+json", "Convoy-Key": "order%207", "Convoy-Lane": "5", "Convoy-Epoch": "589826",
		"Convoy-Sequence": "42", "Convoy-Attempt": "3", "Ce-Id": "", "Ce-Specversion": "",
	} {
		if header().Get(name) != want {
			t.Errorf("%s is %q, want %q", name, header().Get(name), want)
		}
	}
	described := func(of map[string]any) map[string]any {
		for name, value := range map[string]any{
			"specversion": "1.0", "id": "0-50", "source": "/namespaces/shop/convoypools/orders", "type": "dev.convoy.message",
			"convoysequence": "50", "convoyattempt": json.Number("1"),
		} {
			if _, own := of[name]; !own {
				of[name] = value
			}
		}
		return of
	}
	want := []map[string]any{
		described(map[string]any{
			"id": "1-42", "time": "2026-03-04T04:06:07.08Z", "subject": "orders.5", "datacontenttype": "application/json",
			"data": map[string]any{"n": json.Number("9007199254740993")}, "convoysequence": "42", "convoyattempt": json.Number("3"),
		}),
		described(map[string]any{"datacontenttype": "text/plain", "data": "grüße", "traceparent": "00-1", "convoyheaders": `{"X-Tenant":["acme","b"]}`}),
		described(map[string]any{"datacontenttype": "application/json", "data_base64": "/w=="}),
		{
			"specversion": "1.0", "id": "a b", "source": "100%", "type": "t", "datacontenttype": "application/octet-stream",
			"convoysequence": "50", "convoyattempt": json.Number("1"), "convoyheaders": `{"ce-Bad-Name":["x"],"ce-convoysequence":["1"],"ce-data":["d"]}`,
		},
		{"specversion": "1.0", "id": "own", "data": []any{json.Number("1")}, "convoysequence": "50", "convoyattempt": json.Number("1")},
		described(map[string]any{"datacontenttype": "application/cloudevents+json", "data": map[string]any{}}),
	}
	if diff := cmp.Diff(want, list()); diff != "" {
		t.Errorf("events (-want +got):\n%s", diff)
	}
}

func TestABatchOfOneIsAList(t *testing.T) {
	client, _, list := listing(t, func(http.ResponseWriter, *http.Request) {})
	client.Deliver(t.Context(), call(`{}`, nil))
	if got := list(); len(got) != 1 || got[0]["convoysequence"] != "42" {
		t.Errorf("%v", got)
	}
}

func TestTheReplySaysHowManyCompleted(t *testing.T) {
	for _, c := range []struct {
		name      string
		status    int
		completed string
		want      deliver.Outcome
	}{
		{"all, as a handler that says nothing", 200, "", deliver.Outcome{Kind: deliver.Done}},
		{"none, as a handler that says nothing", 500, "", deliver.Outcome{Kind: deliver.Failed}},
		{"none, and never", 415, "", deliver.Outcome{Kind: deliver.Failed, Permanent: true}},
		{"all of them", 200, "3", deliver.Outcome{Kind: deliver.Done}},
		{"all, whatever the status", 500, "3", deliver.Outcome{Kind: deliver.Done}},
		{"some", 200, " 2", deliver.Outcome{Kind: deliver.Failed, Completed: 2, RetryAfter: 7 * time.Second}},
		{"none", 204, "0", deliver.Outcome{Kind: deliver.Failed, RetryAfter: 7 * time.Second}},
		{"some, and then a failure", 503, "1", deliver.Outcome{Kind: deliver.Failed, Completed: 1, RetryAfter: 7 * time.Second}},
		{"some, and then one that is refused", 422, "1", deliver.Outcome{Kind: deliver.Failed, Completed: 1, Permanent: true}},
		{"more than there are", 200, "4", deliver.Outcome{Kind: deliver.Failed}},
		{"fewer than none", 200, "-1", deliver.Outcome{Kind: deliver.Failed}},
		{"no number", 200, "all", deliver.Outcome{Kind: deliver.Failed}},
	} {
		t.Run(c.name, func(t *testing.T) {
			client, _, _ := listing(t, func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Convoy-Completed", c.completed)
				if c.want.RetryAfter > 0 {
					w.Header().Set("Retry-After", "7")
				}
				w.WriteHeader(c.status)
			})
			got := client.Deliver(t.Context(), several(key.Message{}, key.Message{}, key.Message{}))
			if (got.Detail == "") != (got.Kind == deliver.Done) {
				t.Errorf("detail %q", got.Detail)
			}
			if got.Detail = ""; got != c.want {
				t.Errorf("got %+v, want %+v", got, c.want)
			}
		})
	}
}

// A handler that is sent single messages is not asked how many.
func TestASingleMessageIsCompletedByItsStatus(t *testing.T) {
	client, _ := serve(t, func(w http.ResponseWriter, _ *http.Request) { w.Header().Set("Convoy-Completed", "0") })
	if got := client.Deliver(t.Context(), call("{}", nil)); got.Kind != deliver.Done {
		t.Errorf("outcome %+v", got)
	}
}
