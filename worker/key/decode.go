// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package key

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"

	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"
)

// parse is the variable body: the data as JSON, an error that ends the evaluation if it is none, and null if there is no
// data (a Kafka tombstone), as if it said so. The data is checked as a whole and decoded where it is looked at.
func parse(data []byte) ref.Val {
	switch {
	case len(data) == 0:
		return types.NullValue
	case !json.Valid(data):
		return types.WrapErr(notJSON(data))
	}
	return decode(data[skipSpace(data, 0):])
}

func notJSON(data []byte) *NoKeyError {
	var syntax *json.SyntaxError
	var place int64
	if err := json.Unmarshal(data, new(json.RawMessage)); errors.As(err, &syntax) {
		place = syntax.Offset
	}
	return &NoKeyError{
		Reason:  ReasonBody,
		Problem: fmt.Sprintf("uses the body, which is not JSON (or is nested more than 10,000 deep) at byte %d", place),
		Mend:    "use headers, subject, key or data for messages that are not JSON",
	}
}

// decode is the value that data begins with. Objects and lists are decoded when they are looked into.
func decode(data []byte) ref.Val {
	switch data[0] {
	case '{':
		return &table{source: object(data)}
	case '[':
		return &list{data: data}
	}
	return scalar(data[:skipValue(data, 0)])
}

// decodeAll is the value at i, down to the leaves, and the position behind it. It looks at each byte once, however deeply
// the value is nested.
func decodeAll(data []byte, i int) (ref.Val, int) {
	switch data[i] {
	case '{':
		members, end := decodeMembers(data, i)
		return &table{members: members}, end
	case '[':
		elements, end := decodeElements(data, i)
		return &list{whole: wholeList(elements)}, end
	}
	end := skipValue(data, i)
	return scalar(data[i:end]), end
}

func decodeMembers(data []byte, i int) ([]member, int) {
	members := []member{}
	for i = skipSpace(data, i+1); data[i] != '}'; i = next(data, i) {
		var found member
		quote := i
		i = skipString(data, i)
		found.name = text(data[quote+1 : i-1])
		found.value, i = decodeAll(data, skipColon(data, i))
		members = append(members, found)
	}
	return byName(members), i + 1
}

func decodeElements(data []byte, i int) ([]ref.Val, int) {
	elements := []ref.Val{}
	for i = skipSpace(data, i+1); data[i] != ']'; i = next(data, i) {
		var element ref.Val
		element, i = decodeAll(data, i)
		elements = append(elements, element)
	}
	return elements, i + 1
}

// skipColon is the position of a member's value, from behind its name on.
func skipColon(data []byte, i int) int { return skipSpace(data, skipSpace(data, i)+1) }

func scalar(data []byte) ref.Val {
	switch data[0] {
	case 'n':
		return types.NullValue
	case 't':
		return types.True
	case 'f':
		return types.False
	case '"':
		return types.String(text(data[1 : len(data)-1]))
	}
	return number(string(data))
}

// number keeps integers exact: an int, above that a uint; beyond 64 bits, or with a fraction or exponent, a double.
func number(digits string) ref.Val {
	if signed, err := strconv.ParseInt(digits, 10, 64); err == nil {
		return types.Int(signed)
	}
	if unsigned, err := strconv.ParseUint(digits, 10, 64); err == nil {
		return types.Uint(unsigned)
	}
	// Out of range is infinite, which is a double too; JSON allows nothing else that fails.
	double, err := strconv.ParseFloat(digits, 64)
	if err != nil && !errors.Is(err, strconv.ErrRange) {
		return types.WrapErr(fmt.Errorf("reading a number: %w", err))
	}
	return types.Double(double)
}

// text is the text between quotes.
func text(quoted []byte) string {
	if bytes.IndexByte(quoted, '\\') < 0 {
		return string(quoted)
	}
	return unquote(quoted)
}
