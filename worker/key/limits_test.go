// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package key

import (
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"unsafe"
)

func compile(t *testing.T, expression string) *Expression {
	t.Helper()
	compiled, err := Compile(expression)
	if err != nil {
		t.Fatalf("compiling %s: %v", expression, err)
	}
	return compiled
}

func wantReason(t *testing.T, err error, want Reason) {
	t.Helper()
	var none *NoKeyError
	if !errors.As(err, &none) || none.Reason != want {
		t.Errorf("got %v, want reason %s", err, want)
	}
}

func TestLongestKey(t *testing.T) {
	expression := compile(t, `key`)
	longest := strings.Repeat("k", MaxLength)
	if got, err := expression.Eval(Message{Key: []byte(longest)}); got != longest {
		t.Errorf("a key of %d bytes: %v", MaxLength, err)
	}
	_, err := expression.Eval(Message{Key: []byte(longest + "k")})
	wantReason(t, err, ReasonLength)
	_, err = compile(t, `data`).Eval(Message{Data: make([]byte, MaxLength)})
	wantReason(t, err, ReasonLength)
}

func TestLongestExpression(t *testing.T) {
	if _, err := Compile(`"` + strings.Repeat("é", MaxExpression-2) + `"`); err != nil {
		t.Errorf("an expression of %d characters: %v", MaxExpression, err)
	}
	var refusal *CompileError
	if _, err := Compile(`"` + strings.Repeat("é", MaxExpression-1) + `"`); !errors.As(err, &refusal) {
		t.Errorf("an expression of %d characters: %v", MaxExpression+1, err)
	}
	for _, nested := range []string{
		strings.Repeat("(", 500) + "key" + strings.Repeat(")", 500),
		strings.Repeat("!", 1000) + "true",
		strings.Repeat("[", 500) + "1" + strings.Repeat("]", 500),
		"body" + strings.Repeat(".a", 500),
	} {
		if _, err := Compile(nested); err != nil && !errors.As(err, &refusal) {
			t.Errorf("%.20s...: %v", nested, err)
		}
	}
}

func TestDeepBodies(t *testing.T) {
	nested := func(depth int) []byte {
		return []byte(`{"id": 7, "deep": ` + strings.Repeat(`{"a":[`, depth/2) + strings.Repeat(`]}`, depth/2) + `}`)
	}
	for _, expression := range []string{`body.id`, `body.deep == body.deep ? body.id : 0`} {
		if got, err := compile(t, expression).Eval(Message{Data: nested(9_998)}); got != "7" {
			t.Errorf("%s: %v", expression, err)
		}
		_, err := compile(t, expression).Eval(Message{Data: nested(10_000)})
		wantReason(t, err, ReasonBody)
	}
}

// A body costs memory only where it is looked into: 16 MiB beside the key do not show.
func TestLargeBodiesAreNotDecoded(t *testing.T) {
	body := []byte(`{"before": [` + strings.Repeat(`{"x": "yyyyyyyy"},`, 1<<19) + `0], "id": 7, "after": "` +
		strings.Repeat("z", 8<<20) + `"}`)
	expression := compile(t, `body.id`)
	allocations := testing.AllocsPerRun(1, func() {
		if got, err := expression.Eval(Message{Data: body}); got != "7" {
			t.Errorf("got %q, %v", got, err)
		}
	})
	if allocations > 10 {
		t.Errorf("%v allocations", allocations)
	}
}

func TestCostIsLimited(t *testing.T) {
	message := Message{Data: []byte("[" + strings.Repeat(`"element",`, 400_000) + `"last"]`)}
	_, err := compile(t, `body.exists(x, x == "none")`).Eval(message)
	wantReason(t, err, ReasonCost)
	if got, err := compile(t, `body[400000]`).Eval(message); got != "last" {
		t.Errorf("one element: got %q, %v", got, err)
	}
}

// The limit is left out only where no message can come near it.
func TestCostIsCountedWhereTheMessageCanRaiseIt(t *testing.T) {
	for expression, counted := range map[string]bool{
		`key`:                                 false,
		`headers["a"]`:                        false,
		`body.a.b[3].c`:                       false,
		`has(body.a) ? body.a : subject`:      false,
		`body.?a[?0].b.orValue(key)`:          true,
		`body.a == body.b`:                    true,
		`body.exists(x, x == 1)`:              true,
		`headers.exists(x, x == "a")`:         true,
		`subject.split(".")[1]`:               true,
		`body.a + body.b`:                     true,
		`subject.matches("a+")`:               true,
		`string(data)`:                        true,
		`[1, 2].exists(x, x in body.list)`:    true,
		`"%s".format([body.a])`:               true,
		`regex.extract(key, "a").orValue("")`: true,
	} {
		language, err := prepared()
		if err != nil {
			t.Fatal(err)
		}
		checked, issues := language.Compile(expression)
		if issues.Err() != nil {
			t.Fatal(issues.Err())
		}
		if got := len(planning(checked)) == 2; got != counted {
			t.Errorf("%s: counted is %t, want %t", expression, got, counted)
		}
	}
}

// Keys live longer than messages, whose buffers are used again.
func TestKeysShareNothingWithTheMessage(t *testing.T) {
	for _, expression := range []string{`key`, `body.id`, `string(data)`, `data`, `bytes(key)`} {
		message := Message{Key: []byte("native"), Data: []byte(`{"id": "text"}`)}
		got, err := compile(t, expression).Eval(message)
		if err != nil {
			t.Fatal(err)
		}
		kept := strings.Clone(got)
		for _, buffer := range [][]byte{message.Key, message.Data} {
			clear(buffer)
		}
		if got != kept {
			t.Errorf("%s: %q became %q", expression, kept, got)
		}
	}
	message := Message{Subject: "orders.1042"}
	got, err := compile(t, `subject`).Eval(message)
	if err != nil || unsafe.StringData(got) == unsafe.StringData(message.Subject) {
		t.Errorf("the key keeps the whole subject alive (%v)", err)
	}
}

func TestErrorsDoNotQuoteTheMessage(t *testing.T) {
	const secret = "hunter2"
	message := Message{
		Key: []byte(secret), Subject: secret, Headers: map[string][]string{"h": {secret}},
		Data: []byte(`{"id": "` + secret + `", "list": ["` + secret + `"]}`),
	}
	broken := message
	broken.Data = []byte(`{"id": "` + secret)
	for _, expression := range []string{
		`int(body.id)`, `body[body.id]`, `body.list`, `string(timestamp(key))`, `string(duration(headers["h"]))`, `body.id + 1`,
		`subject.split(".")[7]`, `body.list[0].x`, `regex.extract(key, body.id + "(").orValue("")`, `key.matches(body.id + "(")`,
		`{"a": 1}[key]`, `headers[subject]`, `base64.decode(key + "!")`, `bool(key)`,
	} {
		for _, m := range []Message{message, broken} {
			_, err := compile(t, expression).Eval(m)
			if err == nil {
				t.Errorf("%s has a key", expression)
			} else if strings.Contains(err.Error(), secret) {
				t.Errorf("%s: %v", expression, err)
			}
		}
	}
}

func TestExpressionsAreSafeForConcurrentUse(t *testing.T) {
	var workers sync.WaitGroup
	for _, expression := range []string{
		`body.id`, `headers["h"]`, `subject.split(".")[1]`, `body.list.filter(x, x > 1)[0]`, `!body.id`, `body.id in ["7", "8"]`,
		`body.list + 1`, `has(body.x) ? 1 : int(body.id)`, `body.a || body.b`,
	} {
		compiled := compile(t, expression)
		answers := make([]string, 10)
		for i := range answers {
			answers[i] = fmt.Sprint(compiled.Eval(numbered(i)))
		}
		for range 4 {
			workers.Go(func() {
				for round := range 200 {
					i := round % len(answers)
					if got := fmt.Sprint(compiled.Eval(numbered(i))); got != answers[i] {
						t.Errorf("%s: got %s, want %s", expression, got, answers[i])
					}
				}
			})
		}
	}
	workers.Wait()
}

func numbered(i int) Message {
	return Message{
		Headers: map[string][]string{"h": {fmt.Sprintf("header-%d", i)}},
		Subject: fmt.Sprintf("orders.%d", i),
		Data:    fmt.Appendf(nil, `{"id": "%d", "list": [1, 2, %d]}`, i, i),
	}
}
