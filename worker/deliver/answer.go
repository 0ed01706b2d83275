// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package deliver

import (
	"net/http"
	"strconv"
	"strings"
	"time"
)

const (
	headerOutcome = "Convoy-Outcome"
	outcomeReject = "reject"
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
