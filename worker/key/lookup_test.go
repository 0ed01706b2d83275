// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package key

import (
	"errors"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// lookups are expressions that are answered without CEL.
var lookups = []string{
	`key`, `subject`, `headers["id"]`, `headers.id`, `body`, `body.id`, `body.a.b`, `body["a"].b`, `body.a["b"]`, `body["a b"]`, `body[""]`,
	"body.a\n.b.c",
}

func TestLookupsAreRecognised(t *testing.T) {
	for _, expression := range lookups {
		if compile(t, expression).lookup == nil {
			t.Errorf("%s goes through CEL", expression)
		}
	}
	for _, expression := range []string{
		`body[0]`, `body.a[0]`, `has(body.a)`, `body[body.a]`, `body.?a.orValue("")`, `data`, `shard`, `headers["a"] + ""`, `string(body.a)`, `!body.a`,
		`body.a == body.b`, `"text"`, `body.all(x, x)`, `{"a": key}.a`, `[key][0]`, `body.a ? key : subject`, `(body.a).b.all(body, body)`, `headers[key]`,
	} {
		if compile(t, expression).lookup != nil {
			t.Errorf("%s does not go through CEL", expression)
		}
	}
}

// agree checks that a look-up has the key that CEL has, and none where CEL has none: then CEL says why.
func agree(t interface {
	Helper()
	Errorf(string, ...any)
}, compiled *Expression, message Message) {
	t.Helper()
	key, found := compiled.lookup.key(&message)
	byCEL, err := compiled.evaluate(message)
	if found && (err != nil || key != byCEL) {
		t.Errorf("%s on %q: %q, by CEL %q, %v", compiled, message.Data, key, byCEL, err)
	}
	if !found && err == nil && !deep(message.Data) {
		t.Errorf("%s on %q: CEL has to find %q", compiled, message.Data, byCEL)
	}
	evaluated, errEval := compiled.Eval(message)
	var none, noneByCEL *NoKeyError
	if evaluated != byCEL || errors.As(errEval, &none) != errors.As(err, &noneByCEL) || (none != nil && none.Reason != noneByCEL.Reason) {
		t.Errorf("%s on %q: Eval gives %q, %v; CEL %q, %v", compiled, message.Data, evaluated, errEval, byCEL, err)
	}
}

// deep says whether a body may be nested too deeply to be searched.
func deep(data []byte) bool {
	brackets := 0
	for _, c := range data {
		if c == '{' || c == '[' {
			brackets++
		}
	}
	return brackets >= maxDepth
}

// FuzzLookup holds look-ups against CEL on any bytes.
func FuzzLookup(f *testing.F) {
	for _, body := range []string{
		`{"id": 9007199254740993}`, `{"id": "a\u00e9\ud83d"}`, `{"id": 18446744073709551616}`, `{"id": -0, "a": {"b": true}}`, `{"a": {"b": 1}, "a": 2}`,
		`{"a": 2, "a": {"b": 1, "b": {"c": "x"}}}`, `{"\u0061": {"b": {"c": false}}}`, `"text"`, ` 7 `, `{"id": 1.0}`, `{"id": 1e5}`, `{"id": 01}`, `{"id": -}`, `{"id": "a}`,
		`{"id": nul}`, `{"a b": "c", "": "d"}`, `{"id": ["a"]}`, `{,}`, `[1,]`, `{"id":1,}`, `{"id":1} x`, "{\"id\": \"\xff\"}", "{\"id\": \"a\nb\"}", `{"id": "\u12g4"}`, `{"id": "\x"}`, `{"id": ""}`,
		strings.Repeat("[", maxDepth) + strings.Repeat("]", maxDepth), `{"id": {"id": 1}}`, `{"x": {"id": 1}, "id": 2, "y": [{"id": 3}]}`,
	} {
		f.Add([]byte(body), []byte("k"), "h", "s")
	}
	f.Add([]byte(`{}`), []byte("\xff"), "\xff", strings.Repeat("s", MaxLength+1))
	var compiled []*Expression
	for _, expression := range lookups {
		e, err := Compile(expression)
		if err != nil {
			f.Fatal(err)
		}
		compiled = append(compiled, e)
	}
	f.Fuzz(func(t *testing.T, body, native []byte, header, subject string) {
		for _, e := range compiled {
			agree(t, e, Message{Data: body, Key: native, Headers: map[string][]string{"id": {header}}, Subject: subject})
		}
	})
}

// TestLookupsAgreeWithCEL holds look-ups against CEL on texts that are JSON or nearly so.
func TestLookupsAgreeWithCEL(t *testing.T) {
	var compiled []*Expression
	for _, expression := range lookups {
		compiled = append(compiled, compile(t, expression))
	}
	rapid.Check(t, func(t *rapid.T) {
		body := []byte(jsonText(4).Draw(t, "body"))
		if len(body) > 0 && rapid.IntRange(0, 3).Draw(t, "break") == 0 {
			at := rapid.IntRange(0, len(body)-1).Draw(t, "at")
			body[at] = rapid.SampledFrom([]byte("\"\\{}[]:,0-.eE \x00\x1f\x80utfn")).Draw(t, "with")
		}
		for _, e := range compiled {
			agree(t, e, Message{Data: body})
		}
	})
}

// jsonText makes JSON with the names that the look-ups ask for, and with white space and escapes.
func jsonText(depth int) *rapid.Generator[string] {
	return rapid.Custom(func(t *rapid.T) string {
		space := rapid.SampledFrom([]string{"", "", " ", "\n\t", "\r "})
		name := rapid.SampledFrom([]string{`"a"`, `"b"`, `"c"`, `"id"`, `""`, `"a b"`, `"\u0061"`, `"i\u0064"`, `"long name of a member"`})
		scalar := rapid.SampledFrom([]string{
			`1`, `-0`, `0`, `-7`, `9007199254740993`, `9223372036854775808`, `18446744073709551615`, `18446744073709551616`, `1.5`, `1E+3`, `01`, `.5`, `"x"`, `""`,
			`"a longer text than eight bytes"`, `"\ud83d\ude00"`, `"\ud83d"`, `"\/\b\n"`, "\"\xc3\"", "\"\xc3\xa9\"", `true`, `false`, `null`, `nul`, "\"\x1f\"",
		})
		kind := rapid.IntRange(0, 5).Draw(t, "kind")
		if depth == 0 || kind < 2 {
			return scalar.Draw(t, "scalar")
		}
		var parts []string
		for range rapid.IntRange(0, 4).Draw(t, "members") {
			value := space.Draw(t, "space") + jsonText(depth-1).Draw(t, "value") + space.Draw(t, "space")
			if kind > 2 {
				value = space.Draw(t, "space") + name.Draw(t, "name") + space.Draw(t, "space") + ":" + value
			}
			parts = append(parts, value)
		}
		if kind == 2 {
			return "[" + strings.Join(parts, ",") + space.Draw(t, "space") + "]"
		}
		return "{" + strings.Join(parts, ",") + space.Draw(t, "space") + "}"
	})
}

// A search without CEL goes only so deep; the answer is the same.
func TestLookupsOfDeepBodiesGoThroughCEL(t *testing.T) {
	for depth, found := range map[int]bool{maxDepth - 2: true, maxDepth + 2: false} {
		message := Message{Data: []byte(`{"id": 7, "deep": ` + strings.Repeat("[", depth) + strings.Repeat("]", depth) + `}`)}
		compiled := compile(t, `body.id`)
		if _, got := compiled.lookup.key(&message); got != found {
			t.Errorf("nested %d deep: found without CEL is %t", depth, got)
		}
		if got, err := compiled.Eval(message); got != "7" {
			t.Errorf("nested %d deep: %q, %v", depth, got, err)
		}
	}
}
