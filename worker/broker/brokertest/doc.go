// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

// Package brokertest tests brokers, and what stands above them.
//
// # Run
//
// Run holds an adapter against the contract of package broker: order, hand-overs clean and not, fences, refusals, claims,
// backlog, a broker that restarts, contexts that end. An adapter's test calls it with a Maker, which makes a broker of its
// own for each check. What differs between brokers is in Capabilities and in the Harness, so that no check asks which
// broker it has.
//
// # Memory
//
// Memory is a broker in memory that keeps the whole contract of package broker and can be told to fail: a call fails
// (Fail), its answer is lost after it was carried out (Fault.Late), it takes time (Delay), the broker is away (Stop,
// Start), retention takes messages (Trim).
package brokertest
