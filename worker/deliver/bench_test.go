// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package deliver_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"convoy.dev/convoy/worker/deliver"
)

// BenchmarkDeliver is the cost of a call over loopback, client and server in one process; /bare is the same with nothing
// but net/http.
func BenchmarkDeliver(b *testing.B) {
	server := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	defer server.Close()
	data := `{"order_id": "` + strings.Repeat("7", 240) + `"}`
	b.Run("call", func(b *testing.B) {
		client, err := deliver.New(deliver.Config{URL: server.URL, Source: "/bench", Timeout: 30 * time.Second, Connections: 64})
		if err != nil {
			b.Fatal(err)
		}
		defer client.Close()
		c := call(data, nil)
		b.ReportAllocs()
		b.SetParallelism(16)
		b.RunParallel(func(pb *testing.PB) {
			for pb.Next() {
				if got := client.Deliver(b.Context(), c); got.Kind != deliver.Done {
					b.Error(got)
				}
			}
		})
	})
	b.Run("bare", func(b *testing.B) {
		client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 64}}
		defer client.CloseIdleConnections()
		b.ReportAllocs()
		b.SetParallelism(16)
		b.RunParallel(func(pb *testing.PB) {
			for pb.Next() {
				request, err := http.NewRequestWithContext(b.Context(), http.MethodPost, server.URL, strings.NewReader(data))
				if err != nil {
					b.Error(err)
					return
				}
				answer, err := client.Do(request)
				if err != nil {
					b.Error(err)
					return
				}
				if err := answer.Body.Close(); err != nil {
					b.Error(err)
				}
			}
		})
	})
}
