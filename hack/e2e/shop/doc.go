// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

// Package shop is the example that the demo and the end-to-end story run: the life of an order, as a table of
// transitions, and a stream of events of many orders.
//
//	Created --> Paid --> Packed --> Shipped --> Delivered --> Refunded
//	   |         |         |                                   ^
//	   +---------+---------+--> Cancelled ---------------------+
//
// Contract: a [Stream] with one seed is one sequence of events, each of them possible after the one before it of the same
// order. So a handler that gets an order's events in their order never meets an impossible transition, and one that
// gets them in another order soon does. An order that has come to its end is created again: a popular order makes a
// long convoy.
//
// The package is pure: it has neither clock nor I/O, and chance comes from the seed.
package shop
