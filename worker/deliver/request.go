// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package deliver

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"

	"convoy.dev/convoy/worker/broker"
)

// Names of headers as net/http spells them; HTTP does not care.
const (
	headerKey      = "Convoy-Key"
	headerLane     = "Convoy-Lane"
	headerEpoch    = "Convoy-Epoch"
	headerSequence = "Convoy-Sequence"
	headerAttempt  = "Convoy-Attempt"

	headerSpecVersion = "Ce-Specversion"
	headerID          = "Ce-Id"
	headerSource      = "Ce-Source"
	headerType        = "Ce-Type"
	headerTime        = "Ce-Time"
	headerSubject     = "Ce-Subject"

	headerTraceParent = "Traceparent"
	headerTraceState  = "Tracestate"

	headerContentType = "Content-Type"
	// prefixHeader is before the names of a message's own headers.
	prefixHeader = "Convoy-Header-"
	// structuredType begins the content types of CloudEvents that carry their attributes in the body.
	structuredType = "application/cloudevents"
	// eventType is the attribute ce-type of a message that is no CloudEvent of its own.
	eventType = "dev.convoy.message"
)

// request is the call as HTTP has it.
func (c *Client) request(ctx context.Context, call *Call) *http.Request {
	data, header := c.content(call)
	r := &http.Request{
		Method: http.MethodPost, URL: c.target, Host: c.target.Host,
		Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header:        header,
		ContentLength: int64(len(data)),
		Body:          http.NoBody,
		GetBody:       func() (io.ReadCloser, error) { return http.NoBody, nil },
	}
	if len(data) > 0 {
		r.Body = io.NopCloser(bytes.NewReader(data))
		r.GetBody = func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(data)), nil }
	}
	return r.WithContext(ctx)
}

// content is the body of a call, and its headers.
func (c *Client) content(call *Call) ([]byte, http.Header) {
	if c.config.Batches {
		return c.batch(call), c.batchHeader(call)
	}
	return call.Message.Data, c.header(call)
}

// header has all headers of a call that carries one message.
func (c *Client) header(call *Call) http.Header {
	m := call.Message
	h := headers{to: make(http.Header, 16+len(m.Headers)), values: make([]string, 0, 16+len(m.Headers))}
	h.identify(call)
	content, event := h.take(m.Headers)
	h.trace(call)
	if content == "" {
		content = guess(m.Data)
	}
	h.set(headerContentType, content)
	if !event && !strings.HasPrefix(content, structuredType) {
		c.describe(&h, m)
	}
	return h.to
}

// describe sets the attributes of a message that is no CloudEvent of its own.
func (c *Client) describe(h *headers, m *broker.Message) {
	h.set(headerSpecVersion, "1.0")
	h.set(headerID, identity(m))
	h.set(headerSource, c.config.Source)
	h.set(headerType, eventType)
	if !m.Timestamp.IsZero() {
		h.set(headerTime, m.Timestamp.UTC().Format(time.RFC3339Nano))
	}
	if m.Subject != "" {
		h.set(headerSubject, encode(m.Subject))
	}
}

// identity is the attribute ce-id: each repetition of a message has the same.
func identity(m *broker.Message) string {
	return strconv.FormatInt(int64(m.Shard), 10) + "-" + strconv.FormatUint(uint64(m.Sequence), 10)
}

// headers are the headers of a request; their values share one array.
type headers struct {
	to     http.Header
	values []string
}

func (h *headers) set(name, value string) {
	h.values = append(h.values, value)
	last := len(h.values)
	h.to[name] = h.values[last-1 : last : last]
}

// identify says which call this is; of several messages, what the first one has.
func (h *headers) identify(call *Call) {
	h.set("User-Agent", "convoy")
	h.set(headerKey, encode(call.Key))
	h.set(headerLane, strconv.FormatInt(int64(call.Lane), 10))
	h.set(headerEpoch, strconv.FormatInt(call.Epoch, 10))
	h.set(headerSequence, strconv.FormatUint(uint64(call.Message.Sequence), 10))
	h.set(headerAttempt, strconv.FormatUint(uint64(call.Attempt), 10))
}

// trace passes the call's own trace context on.
func (h *headers) trace(call *Call) {
	if call.TraceParent == "" {
		return
	}
	h.set(headerTraceParent, call.TraceParent)
	if delete(h.to, headerTraceState); call.TraceState != "" {
		h.set(headerTraceState, call.TraceState)
	}
}

// take passes the message's own headers on. It returns the content type, "" if the message has none, and whether the
// message is a CloudEvent in binary mode.
func (h *headers) take(own map[string][]string) (content string, event bool) {
	event = isEvent(own)
	for name, values := range own {
		if len(values) == 0 || !isToken(name) {
			continue
		}
		switch {
		case strings.EqualFold(name, headerContentType):
			content = printable(values[0])
		case event && isAttribute(name):
			h.set(http.CanonicalHeaderKey("ce-"+name[3:]), attribute(name, values[0]))
		case isTrace(name):
			h.set(http.CanonicalHeaderKey(name), printable(strings.Join(values, ",")))
		default:
			for _, value := range values {
				h.to[prefixHeader+http.CanonicalHeaderKey(name)] = append(h.to[prefixHeader+http.CanonicalHeaderKey(name)], encode(value))
			}
		}
	}
	return content, event
}

// isEvent says whether the headers are those of a CloudEvent in binary mode.
func isEvent(own map[string][]string) bool {
	for name := range own {
		if isAttribute(name) && strings.EqualFold(name[3:], "specversion") {
			return true
		}
	}
	return false
}

// isAttribute says whether a header of a message is a CloudEvents attribute: ce-NAME, or ce_NAME in Kafka.
func isAttribute(name string) bool {
	return len(name) > 3 && (name[0]|0x20) == 'c' && (name[1]|0x20) == 'e' && (name[2] == '-' || name[2] == '_')
}

// attribute is an attribute's value for HTTP. The binding of NATS encodes values as HTTP does, that of Kafka not at all.
func attribute(name, value string) string {
	if name[2] == '-' && printable(value) == value {
		return value
	}
	return encode(value)
}

// isTrace names the headers of W3C Trace Context and Baggage.
func isTrace(name string) bool {
	return strings.EqualFold(name, "traceparent") || strings.EqualFold(name, "tracestate") || strings.EqualFold(name, "baggage")
}

// guess is the content type of a body that says none.
func guess(data []byte) string {
	text := bytes.TrimSpace(data)
	if n := len(text); n >= 2 && (text[0] == '{' && text[n-1] == '}' || text[0] == '[' && text[n-1] == ']') {
		return "application/json"
	}
	return "application/octet-stream"
}
