// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package key

import "unicode/utf8"

// The functions below go through JSON that is known to be valid, so they check nothing. Positions are indexes into it.

// skipSpace is the first position from i on that is not white space.
func skipSpace(data []byte, i int) int {
	for i < len(data) && (data[i] == ' ' || data[i] == '\n' || data[i] == '\r' || data[i] == '\t') {
		i++
	}
	return i
}

// skipString is the position behind the string that begins at i.
func skipString(data []byte, i int) int {
	for i++; data[i] != '"'; i++ {
		if data[i] == '\\' {
			i++
		}
	}
	return i + 1
}

// skipValue is the position behind the value that begins at i.
func skipValue(data []byte, i int) int {
	switch data[i] {
	case '"':
		return skipString(data, i)
	case '{', '[':
		return skipNested(data, i)
	}
	for i < len(data) {
		switch data[i] {
		case ',', ']', '}', ' ', '\n', '\r', '\t':
			return i
		}
		i++
	}
	return i
}

func skipNested(data []byte, i int) int {
	for depth := 0; ; {
		switch data[i] {
		case '"':
			i = skipString(data, i)
			continue
		case '{', '[':
			depth++
		case '}', ']':
			depth--
		}
		i++
		if depth == 0 {
			return i
		}
	}
}

// next is the position of the next element or member, or of the closing bracket, from behind an element on.
func next(data []byte, i int) int {
	i = skipSpace(data, i)
	if data[i] == ',' {
		i = skipSpace(data, i+1)
	}
	return i
}

// unquote is the text between the quotes of a string. Half a surrogate pair becomes the three bytes that encode it, which
// are not UTF-8: the usual replacement character would make different strings equal.
func unquote(quoted []byte) string {
	text := make([]byte, 0, len(quoted))
	for i := 0; i < len(quoted); i++ {
		if quoted[i] != '\\' {
			text = append(text, quoted[i])
			continue
		}
		i++
		if quoted[i] != 'u' {
			text = append(text, escapes[quoted[i]])
			continue
		}
		unit := hex4(quoted[i+1:])
		i += 4
		if isHigh(unit) && i+6 < len(quoted) && quoted[i+1] == '\\' && quoted[i+2] == 'u' && isLow(hex4(quoted[i+3:])) {
			unit = 0x10000 + (unit-0xD800)<<10 + (hex4(quoted[i+3:]) - 0xDC00)
			i += 6
		}
		text = appendUnit(text, unit)
	}
	return string(text)
}

// escapes are the characters that a backslash stands before.
var escapes = [256]byte{'"': '"', '\\': '\\', '/': '/', 'b': '\b', 'f': '\f', 'n': '\n', 'r': '\r', 't': '\t'}

func isHigh(unit rune) bool { return 0xD800 <= unit && unit < 0xDC00 }
func isLow(unit rune) bool  { return 0xDC00 <= unit && unit < 0xE000 }

func appendUnit(text []byte, unit rune) []byte {
	if isHigh(unit) || isLow(unit) {
		return append(text, 0xE0|byte(unit>>12), 0x80|byte(unit>>6)&0x3F, 0x80|byte(unit)&0x3F)
	}
	return utf8.AppendRune(text, unit)
}

func hex4(digits []byte) rune {
	var unit rune
	for _, digit := range digits[:4] {
		unit <<= 4
		switch {
		case digit <= '9':
			unit |= rune(digit - '0')
		case digit <= 'F':
			unit |= rune(digit - 'A' + 10)
		default:
			unit |= rune(digit - 'a' + 10)
		}
	}
	return unit
}
