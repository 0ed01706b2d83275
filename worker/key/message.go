// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package key

import (
	"time"

	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"
	"cel.dev/cel-go/interpreter"
)

// Message is what an expression can see of a message. Eval only reads it.
type Message struct {
	// Key is the native key: a Kafka record's key. Empty if the source has none (NATS) or the message has none. Variable
	// key, a string, empty if there is none.
	Key []byte
	// Headers are the headers by name, as the source spells it: names are case-sensitive, as they are in NATS and Kafka.
	// Variable headers, a map of strings: of a header that occurs more than once it has the first value, so an adapter
	// puts first what its source's clients return when asked for one (NATS the first, Kafka the last).
	Headers map[string][]string
	// Subject is the NATS subject, or the Kafka topic. Variable subject, a string.
	Subject string
	// Data is the payload as it is. Variable data, bytes; variable body if it is read as JSON.
	Data []byte
	// Timestamp is when the source took the message. Variable timestamp.
	Timestamp time.Time
	// Shard is the number of the source's ordered input: a Kafka partition, 0 for a stream. Variable shard, an int.
	Shard int32
}

// Names of the variables.
const (
	varKey       = "key"
	varHeaders   = "headers"
	varSubject   = "subject"
	varBody      = "body"
	varData      = "data"
	varTimestamp = "timestamp"
	varShard     = "shard"
)

// evaluation gives one evaluation its variables. It is used by one goroutine.
type evaluation struct {
	message Message
	// body is the parsed body, or the error that it is none; nil until it is asked for.
	body ref.Val
	// headers has no source until it is asked for.
	headers table
}

var _ interpreter.Activation = (*evaluation)(nil)

// Parent implements interpreter.Activation: there is none.
func (*evaluation) Parent() interpreter.Activation { return nil }

// ResolveName implements interpreter.Activation.
func (e *evaluation) ResolveName(name string) (any, bool) {
	switch name {
	case varKey:
		return types.String(e.message.Key), true
	case varHeaders:
		return e.resolveHeaders(), true
	case varSubject:
		return types.String(e.message.Subject), true
	case varBody:
		return e.resolveBody(), true
	case varData:
		return types.Bytes(e.message.Data), true
	case varTimestamp:
		return types.Timestamp{Time: e.message.Timestamp}, true
	case varShard:
		return types.Int(e.message.Shard), true
	}
	return nil, false
}

func (e *evaluation) resolveHeaders() ref.Val {
	if e.headers.source == nil {
		e.headers.source = headers(e.message.Headers)
	}
	return &e.headers
}

func (e *evaluation) resolveBody() ref.Val {
	if e.body == nil {
		e.body = parse(e.message.Data)
	}
	return e.body
}
