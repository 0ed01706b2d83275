// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package nats

import (
	"errors"
	"fmt"
	"net/textproto"
	"net/url"
	"strconv"
	"strings"
	"time"

	client "github.com/nats-io/nats.go"

	"convoy.dev/convoy/worker/broker"
	"convoy.dev/convoy/worker/drain"
	"convoy.dev/convoy/worker/order"
)

// Headers of a message in a Routed lane or in the park, beside the message's own.
const (
	// headerRouted says who routed it, and which message of the source it is: <epoch>.<incarnation>.<sequence>.
	headerRouted = "Convoy-Routed"
	// headerTrace is broker.Message.Trace, of a message that has one.
	headerTrace = "Convoy-Trace"
	// headerKept begins headers of the message's own that would be taken for those of NATS or Convoy, or that have a name
	// which cannot be written. What follows is the name, percent-encoded.
	headerKept = "Convoy-Kept-"
	// ours begins the headers that Convoy gives a meaning.
	ours = "Convoy-"
)

// mark is what every message of the lane stream says of the router that wrote it: its token, and how far the shard is routed
// with this message.
type mark struct {
	token    drain.Token
	sequence order.Sequence
}

func (m mark) String() string {
	b := strconv.AppendInt(make([]byte, 0, 48), m.token.Epoch, 10)
	b = strconv.AppendInt(append(b, '.'), m.token.Incarnation, 10)
	b = strconv.AppendUint(append(b, '.'), uint64(m.sequence), 10)
	return string(b)
}

// errForeign is about a message in the lane stream that no router wrote.
var errForeign = errors.New("it is not as routing writes it")

func parseMark(text string) (mark, error) {
	epoch, rest, _ := strings.Cut(text, ".")
	incarnation, sequence, _ := strings.Cut(rest, ".")
	var m mark
	var errs [3]error
	m.token.Epoch, errs[0] = strconv.ParseInt(epoch, 10, 64)
	m.token.Incarnation, errs[1] = strconv.ParseInt(incarnation, 10, 64)
	number, err := strconv.ParseUint(sequence, 10, 62)
	m.sequence, errs[2] = order.Sequence(number), err
	if errors.Join(errs[:]...) != nil {
		return mark{}, errForeign
	}
	return m, nil
}

// foreign is the error for a message that no router wrote.
func foreign(stream string, at order.Position) error {
	return &broker.PermanentError{
		Err:  fmt.Errorf("reading message %d of the stream %s: %w", at, stream, errForeign),
		Mend: fmt.Sprintf("let nobody but Convoy publish there, and remove that message (nats stream rmm %s %d)", stream, at),
	}
}

// pack makes of a message of the source one of a lane. Headers that NATS would obey a second time are kept under another
// name.
func pack(m *broker.Message, subject string, by mark) *client.Msg {
	header := make(client.Header, len(m.Headers)+6)
	for name, values := range m.Headers {
		if reserved(name) || !writable(name) {
			name = keptAs(name)
		}
		header[name] = values
	}
	header[headerRouted] = []string{by.String()}
	setOrigin(header, m)
	return &client.Msg{Subject: subject, Header: header, Data: m.Data}
}

// setOrigin says in a copy of a message what it has beside its body and headers.
func setOrigin(header client.Header, m *broker.Message) {
	header[headerOrigin] = []string{m.Subject}
	header[headerTimestamp] = []string{m.Timestamp.UTC().Format(time.RFC3339Nano)}
	if m.Trace != "" {
		header[headerTrace] = []string{m.Trace}
	}
}

// readOrigin reads what setOrigin says.
func readOrigin(header client.Header, m *broker.Message) (err error) {
	m.Subject, m.Trace = header.Get(headerOrigin), header.Get(headerTrace)
	m.Timestamp, err = time.Parse(time.RFC3339Nano, header.Get(headerTimestamp))
	return err
}

// reserved says whether a header is NATS' or Convoy's, whichever way it is spelled.
func reserved(name string) bool { return begins(name, control) || begins(name, ours) }

func begins(name, with string) bool {
	return len(name) >= len(with) && strings.EqualFold(name[:len(with)], with)
}

// writable says whether a header's name can be written: clients read names that they refuse to write.
func writable(name string) bool {
	for i := range len(name) {
		if c := name[i]; c <= ' ' || c >= 0x7f || c == ':' {
			return false
		}
	}
	return name != ""
}

// keptAs is the name under which a header is kept.
func keptAs(name string) string { return headerKept + url.QueryEscape(name) }

// keptOf is the name of a header that is kept under another.
func keptOf(name string) (string, bool) {
	if !begins(name, headerKept) {
		return "", false
	}
	of, err := url.QueryUnescape(name[len(headerKept):])
	return of, err == nil
}

// written makes the values of headers what they are once they were written: a key must be the same for who routes a message
// and for who has its lane, and clients read values that they write in another way.
func written(headers map[string][]string) {
	for _, values := range headers {
		for i, value := range values {
			if strings.ContainsAny(value, "\r\n") || strings.TrimSpace(value) != value {
				values[i] = textproto.TrimString(breaks.Replace(value))
			}
		}
	}
}

// breaks are ends of lines, which no header can have.
var breaks = strings.NewReplacer("\r", " ", "\n", " ")

// unpack makes a message what it was in the source. One of a Native lane is that already, but for headers that nobody could
// copy.
func (from *input) unpack(m broker.Message) (broker.Message, error) {
	written(m.Headers)
	if !from.packed {
		return m, nil
	}
	packed := client.Header(m.Headers)
	by, err := parseMark(packed.Get(headerRouted))
	if err != nil {
		return broker.Message{}, foreign(from.stream, m.Position)
	}
	m.Sequence = by.sequence
	if err := readOrigin(packed, &m); err != nil {
		return broker.Message{}, foreign(from.stream, m.Position)
	}
	m.Headers = nil
	for name, values := range packed {
		if of, is := keptOf(name); is {
			name = of
		} else if reserved(name) {
			continue
		}
		if m.Headers == nil {
			m.Headers = make(map[string][]string, len(packed))
		}
		m.Headers[name] = values
	}
	return m, nil
}
