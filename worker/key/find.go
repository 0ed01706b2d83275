// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package key

import (
	"bytes"
	"encoding/binary"
	"math/bits"
	"strconv"
)

// maxDepth is how deeply a body may be nested to be searched without CEL.
const maxDepth = 100

// keyIn is the key at a path of a body; false leaves the message to CEL.
func keyIn(body []byte, path []string) (string, bool) {
	s := search{data: body}
	end := s.value(s.space(0), maxDepth, path, true)
	if end == invalid || s.space(end) != len(body) || s.to == 0 {
		return "", false
	}
	value := body[s.from:s.to]
	switch value[0] {
	case '"':
		return textKey(value[1 : len(value)-1])
	case 't', 'f':
		return string(value), true
	case '{', '[', 'n':
		return "", false
	}
	return integerKey(value)
}

func textKey(quoted []byte) (string, bool) {
	if bytes.IndexByte(quoted, '\\') < 0 {
		return keyOf(quoted)
	}
	return keyOf([]byte(unquote(quoted)))
}

// integerKey is the key that an integer is: its own digits, because JSON writes each integer in one way but for -0.
func integerKey(digits []byte) (string, bool) {
	if string(digits) == "-0" {
		return "0", true
	}
	if _, err := strconv.ParseInt(string(digits), 10, 64); err == nil {
		return string(digits), true
	}
	_, err := strconv.ParseUint(string(digits), 10, 64)
	return string(digits), err == nil
}

// search goes through a body once. It checks that it is JSON, as encoding/json does, and finds the value at a path on the
// way. Its methods take the position at which something begins and return the one behind it, or invalid.
type search struct {
	data []byte
	// from and to are where the value found lies; to is 0 while none is.
	from, to int
}

const invalid = -1

// value goes through one value. If it is wanted, it is at the head of path: the value sought when nothing is left of that.
func (s *search) value(i, depth int, path []string, wanted bool) int {
	if i >= len(s.data) || depth == 0 {
		return invalid
	}
	var end int
	if wanted {
		s.to = 0 // Of several members with one name the last one counts.
	}
	switch s.data[i] {
	case '{':
		end = s.object(i, depth, path, wanted)
	case '[':
		end = s.list(i, depth)
	case '"':
		end, _ = passText(s.data, i)
	case 't':
		end = s.word(i, "true")
	case 'f':
		end = s.word(i, "false")
	case 'n':
		end = s.word(i, "null")
	default:
		end = s.number(i)
	}
	if wanted && len(path) == 0 && end != invalid {
		s.from, s.to = i, end
	}
	return end
}

func (s *search) object(i, depth int, path []string, wanted bool) int {
	i = s.space(i + 1)
	if s.at(i) == '}' {
		return i + 1
	}
	for more := true; more; {
		if s.at(i) != '"' {
			return invalid
		}
		end, escaped := passText(s.data, i)
		if end == invalid {
			return invalid
		}
		member, rest := false, path
		if wanted && len(path) > 0 && spelled(s.data[i+1:end-1], escaped, path[0]) {
			member, rest = true, path[1:]
		}
		i = s.space(end)
		if s.at(i) != ':' {
			return invalid
		}
		i, more = s.after(s.value(s.space(i+1), depth-1, rest, member), '}')
	}
	return i
}

// spelled says whether the text between quotes is name.
func spelled(quoted []byte, escaped bool, name string) bool {
	if escaped {
		return unquote(quoted) == name
	}
	return string(quoted) == name
}

func (s *search) list(i, depth int) int {
	i = s.space(i + 1)
	if s.at(i) == ']' {
		return i + 1
	}
	for more := true; more; {
		i, more = s.after(s.value(i, depth-1, nil, false), ']')
	}
	return i
}

// after goes on behind one value of an object or a list: to the next one if there are more, or behind what closes it.
func (s *search) after(i int, closing byte) (next int, more bool) {
	if i == invalid {
		return invalid, false
	}
	i = s.space(i)
	switch s.at(i) {
	case ',':
		return s.space(i + 1), true
	case closing:
		return i + 1, false
	}
	return invalid, false
}

// at is the byte at a position; 0, which is nowhere in JSON, behind the end.
func (s *search) at(i int) byte {
	if i >= len(s.data) {
		return 0
	}
	return s.data[i]
}

func (s *search) space(i int) int {
	if i < len(s.data) && s.data[i] > ' ' {
		return i
	}
	return skipSpace(s.data, i)
}

func (s *search) word(i int, word string) int {
	if end := i + len(word); end <= len(s.data) && string(s.data[i:end]) == word {
		return end
	}
	return invalid
}

// passText is the position behind the string that begins at i, gone through eight bytes at a time, or invalid; escaped says
// that it has a backslash.
func passText(data []byte, i int) (end int, escaped bool) {
	for i++; ; {
		for i+8 <= len(data) {
			stop := special(binary.LittleEndian.Uint64(data[i:]))
			if stop != 0 {
				i += bits.TrailingZeros64(stop) / 8
				break
			}
			i += 8
		}
		if i >= len(data) || data[i] < ' ' {
			return invalid, escaped
		}
		switch data[i] {
		case '"':
			return i + 1, escaped
		case '\\':
			if i = passEscape(data, i+1); i == invalid {
				return invalid, true
			}
			escaped = true
		default:
			i++
		}
	}
}

// special has the highest bit of the first byte set that is a quote, a backslash or below a space; 0 if none is. Bytes
// above the first may be marked wrongly. A byte is a quote or below a space if it is below '!' with its second bit
// turned over. See "Bit Twiddling Hacks" by Sean Eron Anderson, "Determine if a word has a byte less than n".
func special(word uint64) uint64 {
	const ones, highs = 0x0101010101010101, 0x8080808080808080
	low, backslash := word^(ones*2), word^(ones*'\\')
	return ((low-ones*'!')&^low | (backslash-ones)&^backslash) & highs
}

// passEscape is the position behind what stands behind a backslash.
func passEscape(data []byte, i int) int {
	if i >= len(data) {
		return invalid
	}
	if data[i] != 'u' {
		if escapes[data[i]] == 0 {
			return invalid
		}
		return i + 1
	}
	end := i + 5
	if end > len(data) {
		return invalid
	}
	for _, c := range data[i+1 : end] {
		if !isDigit(c) && (c|0x20 < 'a' || c|0x20 > 'f') {
			return invalid
		}
	}
	return end
}

func (s *search) number(i int) int {
	if s.at(i) == '-' {
		i++
	}
	switch {
	case s.at(i) == '0':
		i++
	default:
		if i = s.digits(i); i == invalid {
			return invalid
		}
	}
	if s.at(i) == '.' {
		if i = s.digits(i + 1); i == invalid {
			return invalid
		}
	}
	if s.at(i)|0x20 == 'e' {
		i++
		if c := s.at(i); c == '+' || c == '-' {
			i++
		}
		return s.digits(i)
	}
	return i
}

// digits goes through one digit or more.
func (s *search) digits(i int) int {
	if !isDigit(s.at(i)) {
		return invalid
	}
	for isDigit(s.at(i)) {
		i++
	}
	return i
}

func isDigit(c byte) bool { return '0' <= c && c <= '9' }
