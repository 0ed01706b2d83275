// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package shop

import "slices"

// State is where an order stands. An event has the name of the state that it leads to.
type State string

const (
	// None is an order that nobody has placed yet.
	None State = ""
	// Created is placed.
	Created State = "Created"
	// Paid has been paid for.
	Paid State = "Paid"
	// Packed is in its box.
	Packed State = "Packed"
	// Shipped is on its way, and can no longer be cancelled.
	Shipped State = "Shipped"
	// Delivered has arrived.
	Delivered State = "Delivered"
	// Cancelled was given up before it was shipped.
	Cancelled State = "Cancelled"
	// Refunded has its money back.
	Refunded State = "Refunded"
)

// follows are the states that may follow each state. The first is the usual one.
var follows = map[State][]State{
	None:      {Created},
	Created:   {Paid, Cancelled},
	Paid:      {Packed, Cancelled},
	Packed:    {Shipped, Cancelled},
	Shipped:   {Delivered},
	Delivered: {Created, Refunded},
	Cancelled: {Refunded},
	Refunded:  {Created},
}

// Possible reports whether an order may go from one state to the other.
func Possible(from, to State) bool { return slices.Contains(follows[from], to) }
