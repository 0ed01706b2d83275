// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

// Package handler is the handler of the demo and the end-to-end story: a shop that takes orders through their lives. It
// knows nothing of Convoy but the HTTP contract: one CloudEvent in binary mode per call, and the headers convoy-key,
// convoy-lane, convoy-epoch, convoy-sequence and convoy-attempt.
//
// Contract: each call is reported to a collector (package collect), which is the shop's database too: it answers a start
// with the state of the order. A message that was completed before is answered with success and not done again. A
// transition that is impossible is reported and refused with 422, and so is an order that the collector does not take. A call that belongs to the past is refused with 409.
// Work that fails, as a setting says, is answered with 503; so is every call while the collector is away, because nobody
// would see it. A call stops working when its request ends or its time is over.
//
// Settings come from the environment; [Settings] has them. To be a bad neighbour, a handler can ignore SIGTERM.
package handler
