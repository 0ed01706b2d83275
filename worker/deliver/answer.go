// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package deliver

import (
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"
)

const (
	headerOutcome   = "Convoy-Outcome"
	headerCompleted = "Convoy-Completed"
	outcomeReject   = "reject"
	// maxRetryAfter bounds the wait that a handler can ask for.
	maxRetryAfter = time.Hour
)

// judge says what a whole answer means.
func judge(answer *http.Response, now time.Time) Outcome {
	rejected := strings.EqualFold(strings.TrimSpace(answer.Header.Get(headerOutcome)), outcomeReject)
	if answer.StatusCode/100 == 2 && !rejected {
		return Outcome{Kind: Done}
	}
	out := Outcome{Kind: Failed, Permanent: rejected || permanent(answer.StatusCode), Detail: "the handler answered " + answer.Status}
	if rejected {
		out.Detail += ", convoy-outcome: reject"
	}
	if !out.Permanent {
		out.RetryAfter = retryAfter(answer.Header.Get("Retry-After"), now)
	}
	return out
}

// judgeBatch says what a whole answer to a list of messages means. Without the header convoy-completed it is about all of
// them: a handler that answers 2xx has completed all, one that answers anything else none. What the header says counts,
// whatever the status; what is left has failed as the status says.
func judgeBatch(answer *http.Response, messages int, now time.Time) Outcome {
	out := judge(answer, now)
	said := strings.TrimSpace(answer.Header.Get(headerCompleted))
	if said == "" {
		return out
	}
	completed, err := strconv.ParseUint(said, 10, 31)
	switch {
	case err != nil || int(completed) > messages:
		return Outcome{Kind: Failed, Detail: fmt.Sprintf("the handler answered %s, convoy-completed: %.20q, which is not a number from 0 to %d",
			answer.Status, said, messages)}
	case int(completed) == messages:
		return Outcome{Kind: Done}
	}
	if out.Kind == Done {
		out = Outcome{Kind: Failed, RetryAfter: retryAfter(answer.Header.Get("Retry-After"), now), Detail: "the handler answered " + answer.Status}
	}
	out.Completed = int(completed)
	out.Detail += fmt.Sprintf(", convoy-completed: %d of %d", completed, messages)
	return out
}

// permanent are the statuses that blame the message and not the moment.
func permanent(status int) bool {
	switch status {
	case http.StatusBadRequest, http.StatusGone, http.StatusRequestEntityTooLarge, http.StatusUnsupportedMediaType,
		http.StatusUnprocessableEntity:
		return true
	}
	return false
}

// retryAfter reads the header of RFC 9110, section 10.2.3: seconds or a date. What is neither asks for nothing.
func retryAfter(value string, now time.Time) time.Duration {
	if value == "" {
		return 0
	}
	if seconds, err := strconv.ParseUint(value, 10, 32); err == nil {
		return min(time.Duration(seconds)*time.Second, maxRetryAfter)
	}
	if at, err := http.ParseTime(value); err == nil {
		return min(max(at.Sub(now), 0), maxRetryAfter)
	}
	return 0
}
