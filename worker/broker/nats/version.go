// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package nats

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"convoy.dev/convoy/worker/broker"
)

// oldest is the first version of the servers that does what this package relies on. Before 2.11 several records cannot be
// read at once; 2.11.0 and 2.11.1 skip messages of a consumer with more than one subject; 2.11.4
// overlooks now and then that a write is conditional on the record of another subject, and then a fence does not hold.
// 2.12 is not asked for: without it routing to replicas is slow, and says so in the log.
var oldest = []int{2, 11, 8}

// recent says whether the server is new enough. It is asked after a request, when there is a connection.
func (c *connection) recent() error {
	version := c.ConnectedServerVersion()
	if version == "" || atLeast(version, oldest) {
		return nil
	}
	return &broker.PermanentError{
		Err:  fmt.Errorf("the NATS server has version %s", version),
		Mend: "run version 2.11.8 or newer: older ones cannot read several records at once, skip messages, or overlook the condition of a write",
	}
}

// atLeast compares versions such as 2.11.4, v2.12.0-RC.1 or 2.12. What it does not understand passes.
func atLeast(version string, least []int) bool {
	numbers, _, _ := strings.Cut(strings.TrimPrefix(version, "v"), "-")
	var is []int
	for part := range strings.SplitSeq(numbers, ".") {
		n, err := strconv.Atoi(part)
		if err != nil {
			return true
		}
		is = append(is, n)
	}
	return slices.Compare(is, least[:min(len(is), len(least))]) >= 0
}
