// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package key

import (
	"encoding/base64"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf8"

	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"
	"pgregory.net/rapid"
)

// FuzzEval looks for panics, for keys that are none, and for messages with two keys.
func FuzzEval(f *testing.F) {
	for _, expression := range expressions(f) {
		f.Add(expression, []byte(`{"id": 9007199254740993, "items": [{"id": "a"}, null], "a": {"b": "c"}}`), "h", "orders.eu.1", []byte("k"))
		f.Add(expression, []byte(`[1.5, "x", {"a": -0}]`), "", "", []byte{0xff})
	}
	f.Fuzz(func(t *testing.T, expression string, body []byte, header, subject string, native []byte) {
		compiled, err := Compile(expression)
		if err != nil {
			checkRefusal(t, expression, err)
			return
		}
		message := Message{Key: native, Headers: map[string][]string{"id": {header}}, Subject: subject, Data: body}
		key, err := compiled.Eval(message)
		checkAnswer(t, expression, key, err)
		again, errAgain := compiled.Eval(message)
		if key != again || (err == nil) != (errAgain == nil) {
			t.Errorf("%s: %q, then %q (%v, then %v)", expression, key, again, err, errAgain)
		}
	})
}

func checkRefusal(t *testing.T, expression string, err error) {
	t.Helper()
	var refusal *CompileError
	if !errors.As(err, &refusal) {
		t.Errorf("%q: %v", expression, err)
		return
	}
	if refusal.Line < 1 || refusal.Column < 1 || refusal.Problem == "" || refusal.Mend == "" {
		t.Errorf("%q: %+v", expression, refusal)
	}
}

func checkAnswer(t *testing.T, expression, key string, err error) {
	t.Helper()
	if err == nil {
		if key == "" || len(key) > MaxLength || !utf8.ValidString(key) {
			t.Errorf("%s: %q is no key", expression, key)
		}
		return
	}
	var none *NoKeyError
	if !errors.As(err, &none) || none.Reason == "" || none.Problem == "" || none.Mend == "" || none.Expression != expression {
		t.Errorf("%s: %#v", expression, err)
		return
	}
	// CEL turns a panic into an error with these words.
	if cause := none.Unwrap(); key != "" || (cause != nil && strings.HasPrefix(cause.Error(), "internal error")) {
		t.Errorf("%s: key %q, %v", expression, key, cause)
	}
}

// expressions are those of the tables.
func expressions(f *testing.F) []string {
	f.Helper()
	var found []string
	files, err := filepath.Glob("testdata/*.txt")
	if err != nil || len(files) == 0 {
		f.Fatalf("tables: %v, %v", files, err)
	}
	for _, file := range files {
		table, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		for line := range strings.Lines(string(table)) {
			if expression, ok := strings.CutPrefix(strings.TrimSpace(line), "expression: "); ok {
				found = append(found, expression)
			}
		}
	}
	return found
}

// Values of one type have one text only if they are equal.
func TestTextsAreCanonical(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		one, other := rapid.Int64().Draw(t, "one"), rapid.Int64().Draw(t, "other")
		same(t, one == other, types.Int(one), types.Int(other))
		same(t, one == other, types.Uint(one), types.Uint(other))
		same(t, (one > 0) == (other > 0), types.Bool(one > 0), types.Bool(other > 0))
		few := rapid.SliceOfN(rapid.Byte(), 1, 3)
		left, right := few.Draw(t, "left"), few.Draw(t, "right")
		same(t, string(left) == string(right), types.Bytes(left), types.Bytes(right))
		text := rapid.StringN(1, 3, -1)
		first, second := text.Draw(t, "first"), text.Draw(t, "second")
		same(t, first == second, types.String(first), types.String(second))
	})
}

func same(t *rapid.T, equal bool, one, other ref.Val) {
	t.Helper()
	left, none := canonical(one)
	right, noneEither := canonical(other)
	if none != nil || noneEither != nil || (left == right) != equal {
		t.Fatalf("%v is %q, %v is %q", one.Value(), left, other.Value(), right)
	}
	if bytes, ok := one.(types.Bytes); ok {
		if back, err := base64.StdEncoding.DecodeString(left); err != nil || string(back) != string(bytes) {
			t.Fatalf("%q is %v, not %v", left, back, bytes)
		}
	}
}
