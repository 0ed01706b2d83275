// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package key

import (
	"bytes"

	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"
)

// object is data that begins with a JSON object.
type object []byte

var _ source = object(nil)

// find goes through the whole object, because the last of several members with one name counts.
func (o object) find(name string) (ref.Val, bool) {
	found := -1
	for i := skipSpace(o, 1); o[i] != '}'; i = next(o, i) {
		quote := i
		i = skipString(o, i)
		matches := spells(o[quote+1:i-1], name)
		i = skipColon(o, i)
		if matches {
			found = i
		}
		i = skipValue(o, i)
	}
	if found < 0 {
		return nil, false
	}
	return decode(o[found:]), true
}

func (o object) all() []member {
	members, _ := decodeMembers(o, 0)
	return members
}

// spells says whether the text between quotes is name.
func spells(quoted []byte, name string) bool {
	if bytes.IndexByte(quoted, '\\') < 0 {
		return string(quoted) == name
	}
	return unquote(quoted) == name
}

// headers are a message's headers.
type headers map[string][]string

var _ source = headers(nil)

func (h headers) find(name string) (ref.Val, bool) {
	values := h[name]
	if len(values) == 0 {
		return nil, false
	}
	return types.String(values[0]), true
}

func (h headers) all() []member {
	members := make([]member, 0, len(h))
	for name, values := range h {
		if len(values) > 0 {
			members = append(members, member{name: name, value: types.String(values[0])})
		}
	}
	return byName(members)
}
