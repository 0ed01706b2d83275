// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package deliver

import "strings"

const hex = "0123456789ABCDEF"

// encode writes a value as CloudEvents 1.0.2, HTTP binding, section 3.1.3.2, demands: bytes outside U+0021 to U+007E, the
// quote and the percent sign as %XX.
func encode(value string) string {
	plain := 0
	for plain < len(value) && isPlain(value[plain]) {
		plain++
	}
	if plain == len(value) {
		return value
	}
	var b strings.Builder
	b.Grow(len(value) + 2*(len(value)-plain))
	b.WriteString(value[:plain])
	for i := plain; i < len(value); i++ {
		if isPlain(value[i]) {
			b.WriteByte(value[i])
			continue
		}
		b.WriteByte('%')
		b.WriteByte(hex[value[i]>>4])
		b.WriteByte(hex[value[i]&15])
	}
	return b.String()
}

func isPlain(c byte) bool { return c > ' ' && c < 0x7f && c != '"' && c != '%' }

// printable drops what a header cannot carry from a value that must not be encoded.
func printable(value string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r > '~' {
			return -1
		}
		return r
	}, value)
}

// isToken says whether a name can be the end of a header's name (RFC 9110, section 5.6.2).
func isToken(name string) bool {
	for i := range len(name) {
		c := name[i]
		alphanumeric := c >= '0' && c <= '9' || c|0x20 >= 'a' && c|0x20 <= 'z'
		if !alphanumeric && !strings.ContainsRune("!#$%&'*+-.^_`|~", rune(c)) {
			return false
		}
	}
	return name != ""
}
