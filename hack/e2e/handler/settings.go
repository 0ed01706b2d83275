// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package handler

import (
	"errors"
	"fmt"
	"net"
	"strconv"
	"time"
)

// Settings are what a handler is started with. Each comes from the environment variable named.
type Settings struct {
	// Address is where to listen: HANDLER_HOST (default: every address) and HANDLER_PORT (default 8080).
	Address string
	// Pod is the pod's name: POD_NAME.
	Pod string
	// Collector is where to report, host:port: HANDLER_COLLECTOR.
	Collector string
	// Work is how long a call works on average; each takes between half and one and a half of it:
	// HANDLER_WORK_MILLISECONDS (default 5).
	Work time.Duration
	// CallTime is the longest that a call works, HANDLER_CALL_SECONDS (default 30): the pool's timeoutSeconds.
	CallTime time.Duration
	// FailuresPerMille is how many of a thousand calls fail: HANDLER_FAILURES_PER_MILLE (default 0).
	FailuresPerMille int
	// IgnoreTerm says that SIGTERM is ignored: HANDLER_IGNORE_TERM=true.
	IgnoreTerm bool
}

// ReadSettings reads the environment with lookup, which is os.Getenv.
func ReadSettings(lookup func(string) string) (Settings, error) {
	number := func(name string, otherwise int) (int, error) {
		text := lookup(name)
		if text == "" {
			return otherwise, nil
		}
		n, err := strconv.Atoi(text)
		if err != nil || n < 0 {
			return 0, fmt.Errorf("reading %s=%q: want a number from 0", name, text)
		}
		return n, nil
	}
	port, errPort := number("HANDLER_PORT", 8080)
	work, errWork := number("HANDLER_WORK_MILLISECONDS", 5)
	callTime, errCallTime := number("HANDLER_CALL_SECONDS", 30)
	failures, errFailures := number("HANDLER_FAILURES_PER_MILLE", 0)
	s := Settings{
		Address:          net.JoinHostPort(lookup("HANDLER_HOST"), strconv.Itoa(port)),
		Pod:              lookup("POD_NAME"),
		Collector:        lookup("HANDLER_COLLECTOR"),
		Work:             time.Duration(work) * time.Millisecond,
		CallTime:         time.Duration(callTime) * time.Second,
		FailuresPerMille: failures,
		IgnoreTerm:       lookup("HANDLER_IGNORE_TERM") == "true",
	}
	return s, errors.Join(errPort, errWork, errCallTime, errFailures, s.validate())
}

func (s Settings) validate() error {
	if s.Pod == "" || s.Collector == "" {
		return errors.New("POD_NAME or HANDLER_COLLECTOR is empty: a handler tells who it is, and whom it tells")
	}
	return nil
}
