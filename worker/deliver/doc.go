// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

// Package deliver makes one call of the handler for one message or several of one key, over HTTP (Client) or in this process
// (Embedded), and says how it ended. Retries, waits and
// what becomes of a message that failed are worker/order's: nothing is called twice here.
//
// # Request
//
// POST, CloudEvents 1.0 in binary mode: the payload is the body, as it is, and the attributes are headers.
//
//	ce-specversion, ce-id, ce-source, ce-type, ce-time, ce-subject
//	convoy-key       the group key
//	convoy-lane      the lane's number
//	convoy-epoch     grows with each grant of the lane and each process of its worker
//	convoy-sequence  the message's place in its source shard; never changes
//	convoy-attempt   the number of this start of the message, from 1
//
// ce-id is shard-sequence, so that each repetition of a message has its id. A message that is a CloudEvent already keeps
// its own attributes (headers ce-NAME, or ce_NAME as Kafka has them), or its own envelope (content type
// application/cloudevents+...). Trace context (traceparent, tracestate, baggage) goes through as it is; every other header
// of the message comes as convoy-header-NAME, so that no message can set a header that means something to HTTP or to
// Convoy. Headers whose name HTTP cannot carry are left out. Values are percent-encoded as CloudEvents demands: every byte
// that is not printable ASCII, space, the quote, and the percent sign itself.
//
// The content type is the message's; if it says none, application/json for a body that begins and ends like a JSON object
// or array, and application/octet-stream for any other.
//
// # Outcome
//
//	Done      2xx.
//	Failed    any other answer. Permanent: 400, 410, 413, 415, 422, or the header convoy-outcome: reject, whatever the status.
//	TimedOut  no answer, or not the whole of it, and at least a part of the request was written: the handler may be at work.
//	Unsent    nothing was written: the connection was refused, or never came to be.
//
// Which of the last two it is, is known and not guessed: the connection counts its writes, and the client closes it before
// it gives a call up, so that nothing can be written afterwards. An answer counts when it is whole, up to 64 KiB: a handler
// that sends a status and then goes on working has not answered. Redirects are failures. Retry-After is read in seconds
// and as a date, up to an hour.
//
// The deadline counts from the instant at which a connection is there, so that the handler has its whole time.
//
// # Batches
//
// Where delivery.batch.maxMessages is above 1 every call carries a list, also of one message: content type
// application/cloudevents-batch+json, one JSON event for each message, in order. The headers above say what the first one
// has. Each event has
//
//	convoysequence   the message's sequence, as a string
//	convoyattempt    the number of this start of the message
//	convoyheaders    the message's own headers, a JSON object of lists in a string; absent if it has none
//	traceparent, tracestate, baggage, and the message's own attributes if it is a CloudEvent
//	data             a JSON payload as it is, a text as a string; anything else is data_base64
//
// The reply says how many messages, from the first on, are completed: convoy-completed: n. What is left has failed as the
// status says; on a 2xx it is tried again. Without that header 2xx completes all, and anything else none: so does a handler
// that knows nothing of it. One that cannot read lists answers 415, and then no message of the pool is completed; a pool that
// has such a handler keeps maxMessages at 1. A number above the list's length, or what is no number, completes none.
//
// After a failure the message at fault is sent again in a list by itself, and only then concluded.
//
// # In this process
//
// The same outcomes: what a Func returns is Done or Failed, a panic is Failed and logged with its stack, and a call that has
// not returned half a second after its context has ended is TimedOut. A key is never called beside itself: while such a call
// goes on, later ones of its key wait, and fail when their own time is over.
//
// # Why net/http and not the CloudEvents SDK
//
// The SDK is alive, and builds an event, a message and a binding for each call, with a validation and a reflection of every
// attribute. Binary mode is a dozen headers, which are written here. net/http is kept
// for what is hard in HTTP: reuse of connections, chunks, 1xx. Connections idle for a second are closed by this side: the
// handler's server closes them after two to five in common frameworks, and a call that is written at that instant cannot be
// told from one that the handler took and died of, so that its key would be held for the whole time-out.
package deliver
