// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

// Package key evaluates a pool's key expression: CEL, from a message to its key. The operator compiles expressions to
// tell a user what is wrong with them, the worker evaluates them on each message it routes; both do it here.
//
// # Contract
//
// Compile checks an expression once and refuses what can never give a key, in words for a condition (*CompileError: line,
// column, problem, mend). Eval gives the key of one message, or a *NoKeyError that says why there is none; what becomes
// of that message is not decided here. An Expression is immutable and safe for concurrent use. One message has one key,
// in every process and at every time: nothing depends on a clock, on chance or on the order of a map.
//
// # Variables
//
//	key        string               the native key; "" if there is none
//	headers    map(string, string)  names are case-sensitive; of a header that occurs more than once the first value
//	subject    string               NATS subject, Kafka topic
//	body       dyn                  the payload as JSON; null if the payload is empty
//	data       bytes                the payload as it is
//	timestamp  a timestamp          when the source took the message
//	shard      int                  the source's ordered input, from 0
//
// Beside CEL's standard functions there are those on strings, base64, regex and optional values, in fixed versions.
//
// headers gives one string and not a list, because that is what a header is to nearly everybody, and what the clients of
// NATS and Kafka return when asked for one. Native keys and headers of Kafka are bytes: they appear as strings that need
// not be UTF-8, and bytes(key) is what they are.
//
// # Keys
//
// A key is UTF-8 text of 1 to MaxLength bytes. Each type of value has one text for each value:
//
//	string     as it is, if it is UTF-8
//	int, uint  decimal: 42, -7
//	bool       true, false
//	bytes      base64, as base64.encode(value) in CEL: keys travel in headers and JSON, which raw bytes would not survive
//
// Texts of different types may meet: 42 and "42" are one key. That merges convoys and breaks no order, and a producer
// that changes from one to the other keeps its keys.
//
// An empty string or bytes is no key but a missing one: it is what an unset field of a producer looks like, and would put
// all such messages into one convoy. Who wants that writes body.a == "" ? "none" : body.a.
//
// A double is never a key: a number with a fraction, with an exponent, or an integer beyond 64 bits. Its text would depend
// on the library that wrote it, and neighbours merge above 2^53. string(x) of a double is a string, and does merge.
//
// # JSON
//
// The body is checked and parsed when the expression comes to use it, and decoded only where it is looked into. Integers
// are exact: int, or uint above 9223372036854775807. -0 is 0. Of several members with one name the last one counts, as in
// nearly every JSON library. JSON objects are gone through in the order of their names. Text that is not UTF-8 does no
// harm where the key does not come from it, and is never replaced: two keys stay two. A body nested more than 10,000 deep
// counts as no JSON.
//
// # Costs
//
// An expression whose estimated cost on an ordinary message is above MaxCost is refused by Compile; an evaluation that
// exceeds it is stopped. Beside that, a use of the body costs time in proportion to its length, and memory only in
// proportion to what is looked at.
//
// # Look-ups
//
// An expression that names one value and does nothing else (key, subject, headers["a"], body, body.a.b) is recognised when it
// is compiled, and answered without CEL: a body is gone through once, which checks it and finds the value. A look-up only
// ever says what the key is. A message that gives none, or is nested more than 100 deep, goes to CEL, so that limits,
// reasons and their words are CEL's; tests hold both against each other on every table and on random bodies.
//
// # Failures
//
// Absent, null and empty values are ErrMissing. Everything else that gives no key has a Reason of its own. Texts of errors
// name the expression and types, never content of the message; CEL's own words, which may, are behind errors.Unwrap.
package key
