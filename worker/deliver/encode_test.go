// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package deliver

import (
	"net/url"
	"testing"

	"golang.org/x/net/http/httpguts"
	"pgregory.net/rapid"
)

func TestEncodedValuesAreHeadersAndComeBack(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		value := rapid.OneOf(rapid.String(), rapid.Map(rapid.SliceOf(rapid.Byte()), func(b []byte) string { return string(b) })).Draw(t, "value")
		text := encode(value)
		if !httpguts.ValidHeaderFieldValue(text) {
			t.Fatalf("%q is encoded as %q, which no header can hold", value, text)
		}
		if back, err := url.PathUnescape(text); err != nil || back != value {
			t.Fatalf("%q is encoded as %q and comes back as %q, %v", value, text, back, err)
		}
	})
}

func TestNamesAreJudgedAsNetHTTPJudgesThem(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		name := rapid.OneOf(rapid.String(), rapid.StringMatching("[!-~]{1,8}")).Draw(t, "name")
		if got, want := isToken(name), httpguts.ValidHeaderFieldName(name); got != want {
			t.Fatalf("%q: %t, want %t", name, got, want)
		}
	})
}

func TestWhatIsNotEncodedIsPrintable(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		value := rapid.String().Draw(t, "value")
		if text := printable(value); !httpguts.ValidHeaderFieldValue(text) {
			t.Fatalf("%q becomes %q, which no header can hold", value, text)
		}
	})
}
