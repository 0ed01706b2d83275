// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package deliver

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"convoy.dev/convoy/worker/broker"
)

// batchType is the content type of a list of messages: the JSON batch format of CloudEvents 1.0.2.
const batchType = "application/cloudevents-batch+json"

// Names of the attributes that a message has in a batch, beside those of CloudEvents.
const (
	attributeSequence = "convoysequence"
	attributeAttempt  = "convoyattempt"
	attributeHeaders  = "convoyheaders"
)

// batchHeader has all headers of a call that carries a list.
func (c *Client) batchHeader(call *Call) http.Header {
	h := headers{to: make(http.Header, 8), values: make([]string, 0, 8)}
	h.identify(call)
	h.set(headerContentType, batchType)
	h.trace(call)
	return h.to
}

// batch is the messages of a call as a list.
func (c *Client) batch(call *Call) []byte {
	size := 512 + len(call.Message.Data)
	for i := range call.Rest {
		size += 512 + len(call.Rest[i].Data)
	}
	list := element{list: append(make([]byte, 0, size), '[')}
	list.write(c, call.Message, call.Attempt)
	for i := range call.Rest {
		list.list = append(list.list, ',')
		list.write(c, &call.Rest[i], 1)
	}
	return append(list.list, ']')
}

// element writes one message of a batch after the other.
type element struct {
	list []byte
	// begun says that the message has a member.
	begun bool
}

// write writes a message as an event: one that is a CloudEvent in JSON keeps its own envelope. What Convoy says comes last:
// of several members with one name that is the one that counts.
func (e *element) write(c *Client, m *broker.Message, attempt uint32) {
	own := read(m)
	e.list, e.begun = append(e.list, '{'), false
	if own.envelope != nil {
		e.list, e.begun = append(e.list, own.envelope...), true
	} else {
		e.attributes(c, m, &own)
		e.data(m.Data, own.content)
	}
	e.text(attributeSequence, strconv.FormatUint(uint64(m.Sequence), 10))
	e.raw(attributeAttempt, strconv.AppendUint(nil, uint64(attempt), 10))
	if len(own.others) > 0 {
		e.text(attributeHeaders, string(quote(own.others)))
	}
	e.list = append(e.list, '}')
}

// attributes writes the message's own attributes, and Convoy's if it is no CloudEvent of its own.
func (e *element) attributes(c *Client, m *broker.Message, own *ownHeaders) {
	for name, value := range own.attributes {
		e.text(name, value)
	}
	if own.event {
		return
	}
	e.text("specversion", "1.0")
	e.text("id", identity(m))
	e.text("source", c.config.Source)
	e.text("type", eventType)
	if !m.Timestamp.IsZero() {
		e.text("time", m.Timestamp.UTC().Format(time.RFC3339Nano))
	}
	if m.Subject != "" {
		e.text("subject", m.Subject)
	}
}

// data writes the payload: JSON as it is, text as a string, and everything else in base64.
func (e *element) data(data []byte, content string) {
	e.text("datacontenttype", content)
	media, _, _ := strings.Cut(content, ";")
	media = strings.ToLower(strings.TrimSpace(media))
	switch {
	case len(data) == 0:
	case (strings.HasSuffix(media, "/json") || strings.HasSuffix(media, "+json")) && json.Valid(data):
		e.raw("data", data)
	case strings.HasPrefix(media, "text/") && utf8.Valid(data):
		e.text("data", string(data))
	default:
		e.text("data_base64", base64.StdEncoding.EncodeToString(data))
	}
}

func (e *element) text(name, value string) { e.raw(name, quote(value)) }

func (e *element) raw(name string, value []byte) {
	if e.begun {
		e.list = append(e.list, ',')
	}
	e.begun = true
	e.list = append(append(append(e.list, quote(name)...), ':'), value...)
}

// quote writes a text, or a map of texts, as JSON, which always succeeds.
func quote(value any) []byte {
	text, err := json.Marshal(value)
	if err != nil {
		panic("deliver: " + err.Error())
	}
	return text
}

// ownHeaders is what a message's headers say.
type ownHeaders struct {
	content string
	// event says that the message is a CloudEvent, and attributes are its own. envelope is its JSON, without the
	// brackets, if it carries them in its body.
	event      bool
	attributes map[string]string
	envelope   []byte
	others     map[string][]string
}

func read(m *broker.Message) ownHeaders {
	own := ownHeaders{event: isEvent(m.Headers), attributes: map[string]string{}, others: map[string][]string{}}
	for name, values := range m.Headers {
		switch {
		case len(values) == 0:
		case strings.EqualFold(name, headerContentType):
			own.content = values[0]
		case own.event && isAttribute(name) && isAttributeName(strings.ToLower(name[3:])):
			own.attributes[strings.ToLower(name[3:])] = decoded(name, values[0])
		case isTrace(name):
			own.attributes[strings.ToLower(name)] = strings.Join(values, ",")
		default:
			own.others[name] = values
		}
	}
	if own.content == "" {
		own.content = guess(m.Data)
	}
	if strings.HasPrefix(own.content, structuredType+"+json") && json.Valid(m.Data) {
		own.envelope = envelope(m.Data)
	}
	return own
}

// envelope is what is between the brackets of a JSON object, or nil for an empty one and for what is none.
func envelope(data []byte) []byte {
	data = bytes.TrimSpace(data)
	if data[0] != '{' {
		return nil
	}
	inner := bytes.TrimSpace(data[1 : len(data)-1])
	if len(inner) == 0 {
		return nil
	}
	return inner
}

// isAttributeName says whether CloudEvents allows the name, and a batch has no use of its own for it.
func isAttributeName(name string) bool {
	for i := range len(name) {
		if c := name[i]; (c < 'a' || c > 'z') && (c < '0' || c > '9') {
			return false
		}
	}
	return name != "data" && name != "datacontenttype" && !strings.HasPrefix(name, "convoy")
}

// decoded is an attribute's value as it was before its binding encoded it.
func decoded(name, value string) string {
	if name[2] == '-' {
		if plain, err := url.PathUnescape(value); err == nil {
			return plain
		}
	}
	return value
}
