// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package key

import (
	"encoding/base64"
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"

	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"
)

// MaxLength is the longest key, in bytes. It is what a ConvoyAction can name, and well below the limits of headers and
// subjects that keys travel in.
const MaxLength = 1024

// canonical is the one text of a value. Two values of one type have one text only if they are equal. Its Expression is
// for the caller to fill in.
func canonical(value ref.Val) (string, *NoKeyError) {
	text, refusal := textOf(value)
	switch {
	case refusal != nil:
		return "", refusal
	case text == "":
		return "", &NoKeyError{Reason: ReasonMissing, Problem: "is empty on the message", Mend: mendMissing}
	case len(text) > MaxLength:
		return "", &NoKeyError{
			Reason:  ReasonLength,
			Problem: fmt.Sprintf("gives a key of more than %d bytes", MaxLength),
			Mend:    "use a shorter value, such as an identifier",
		}
	}
	return text, nil
}

func textOf(value ref.Val) (string, *NoKeyError) {
	switch v := value.(type) {
	case types.String:
		if !utf8.ValidString(string(v)) {
			return "", notText()
		}
		// A part of a string keeps all of it alive, and keys outlive their messages.
		return strings.Clone(string(v)), nil
	case types.Int:
		return strconv.FormatInt(int64(v), 10), nil
	case types.Uint:
		return strconv.FormatUint(uint64(v), 10), nil
	case types.Bool:
		return strconv.FormatBool(bool(v)), nil
	case types.Bytes:
		return base64.StdEncoding.EncodeToString(v), nil
	case types.Null:
		return "", &NoKeyError{Reason: ReasonMissing, Problem: "is null on the message", Mend: mendMissing}
	}
	problem, mend := unfit(value.Type())
	return "", &NoKeyError{Reason: ReasonType, Problem: problem, Mend: mend}
}

func notText() *NoKeyError {
	return &NoKeyError{
		Reason:  ReasonText,
		Problem: "gives a string that is not UTF-8",
		Mend:    "write bytes(...) around it, which gives its base64 as the key",
	}
}

// unfit says of a type that is none of a key what it is, and what a person can do about it.
func unfit(t ref.Type) (problem, mend string) {
	switch name := t.TypeName(); name {
	case types.DoubleType.TypeName():
		return "is a double (a number with a fraction or an exponent, or an integer beyond 64 bits)",
			"send it as a string or as an integer, or use string(int(...)), which drops the fraction and so merges the " +
				"convoys of 1.2 and 1.7, and fails beyond 64 bits"
	case types.ListType.TypeName():
		return "is a list", "name one element of it ([0]), or join strings ([body.tenant, body.id].join(\"/\"))"
	case types.MapType.TypeName():
		return "is a map (a JSON object)", "name one field of it, or join several ([body.tenant, body.id].join(\"/\"))"
	case types.TimestampType.TypeName(), types.DurationType.TypeName():
		return "is a time", "write string(...) around it"
	case types.OptionalType.TypeName():
		return "is an optional value", `add .orValue("...") with a key for the messages that lack it`
	case types.NullType.TypeName():
		return "is always null", "name a value of the message; " + variables
	default:
		return fmt.Sprintf("is of type %s", name), "a key is a string, int, uint, bytes or bool"
	}
}
