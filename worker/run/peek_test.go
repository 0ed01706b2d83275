// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package run_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"convoy.dev/convoy/api/v1alpha1"
	"convoy.dev/convoy/worker/deliver"
	"convoy.dev/convoy/worker/order"
)

// peek asks what the worker has of a key.
func (p *process) peek(key string) []v1alpha1.KeyPeek {
	p.w.t.Helper()
	answer := p.ask("?key=" + url.QueryEscape(key))
	var found []v1alpha1.KeyPeek
	if err := json.Unmarshal(answer.Body.Bytes(), &found); answer.Code != http.StatusOK || err != nil {
		p.w.t.Fatalf("%d %s: %v", answer.Code, answer.Body, err)
	}
	return found
}

func (p *process) ask(query string) *httptest.ResponseRecorder {
	answer := httptest.NewRecorder()
	p.worker.Peek(answer, httptest.NewRequestWithContext(p.w.t.Context(), http.MethodGet, v1alpha1.PeekPath+query, nil))
	return answer
}

// wantPeek compares times to the second, and whether there is one that a key goes on at.
func (p *process) wantPeek(key string, due bool, want ...v1alpha1.KeyPeek) {
	p.w.t.Helper()
	got := p.peek(key)
	for i := range got {
		if (got[i].Due != nil) != due {
			p.w.t.Errorf("key %s goes on at %v", key, got[i].Due)
		}
		if got[i].Due = nil; got[i].Since != nil {
			got[i].Since.Time = got[i].Since.Truncate(time.Second)
		}
	}
	if diff := cmp.Diff(want, got, cmpopts.EquateEmpty()); diff != "" {
		p.w.t.Errorf("of key %s is told (-want +got):\n%s", key, diff)
	}
}

func TestWhatAKeyDoesIsTold(t *testing.T) {
	story(t, 2, func(w *world) {
		w.failure = order.Park
		answers := map[string]deliver.Outcome{
			"slow": {Kind: deliver.Done}, "failing": {Kind: deliver.Failed, Detail: "the handler answered 503"},
			"wrong/&=#": {Kind: deliver.Failed, Permanent: true, Detail: "the handler answered 400"},
		}
		w.handler.does = func(k string, _ int, _ *deliver.Call) (time.Duration, deliver.Outcome) {
			if k == "slow" {
				return 5 * time.Second, answers[k]
			}
			return time.Millisecond, answers[k]
		}
		p := w.start()
		w.grant(1, 7, 0, 1)
		w.untilStates("0:Running 1:Running")
		w.publish(0, "slow", "slow", "wrong/&=#", "wrong/&=#")
		w.publish(1, "failing")
		began := metav1.NewMicroTime(time.Now())
		w.until("the messages are parked", func() bool {
			found := p.peek("wrong/&=#")
			return len(found) == 1 && found[0].Parked == 2
		})
		p.wantPeek("slow", false,
			v1alpha1.KeyPeek{Lane: 0, Epoch: 7, State: "Running", Since: &began, Attempts: 1, Messages: 2, Running: 1, Sequences: []int64{1, 2}})
		p.wantPeek("failing", true,
			v1alpha1.KeyPeek{Lane: 1, Epoch: 7, State: "Waiting", Attempts: 1, Messages: 1, Sequences: []int64{5}, Reason: "the handler answered 503"})
		p.wantPeek("wrong/&=#", false,
			v1alpha1.KeyPeek{Lane: 0, Epoch: 7, State: "Parked", Since: &began, Attempts: 1, Messages: 2, Parked: 2, Reason: "Rejected"})
		p.wantPeek("unknown", false)
		for _, query := range []string{"", "?key=a&key=b", "?ky=a"} {
			if answer := p.ask(query); answer.Code != http.StatusBadRequest {
				t.Errorf("%q is answered by %d %s", query, answer.Code, answer.Body)
			}
		}
		p.crash()
		if answer := p.ask("?key=slow"); answer.Code != http.StatusServiceUnavailable {
			t.Errorf("a worker that has ended answers %d %s", answer.Code, answer.Body)
		}
	})
}
