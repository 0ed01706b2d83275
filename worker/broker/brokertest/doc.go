// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

// Package brokertest tests brokers, and what stands above them.
//
// # Memory
//
// Memory is a broker in memory that keeps the whole contract of package broker and can be told to fail: a call fails
// (Fail), its answer is lost after it was carried out (Fault.Late), it takes time (Delay), the broker is away (Stop,
// Start), retention takes messages (Trim).
package brokertest
