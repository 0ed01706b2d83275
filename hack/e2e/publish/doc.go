// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

// Package publish puts the orders' events of package shop into a JetStream stream, with the subject orders.<order>. On demand
// the stream is partitioned by order, as a producer for Native lanes does it: the subject orders.<lane>.<order> carries the
// number of the lane, which is Convoy's own hash of the key, so that all events of an order are in one lane.
//
// Contract: [Publisher.Run] publishes at a rate until its context ends, tells of each event before it is published, and
// returns when the stream has taken all of them. Events of one order are in the stream in the order of their numbers,
// because one connection carries them all and nothing is published again. Failures: an event that the stream does
// not take ends Run with an error: the events after it would have a gap.
package publish
