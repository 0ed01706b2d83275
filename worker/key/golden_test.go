// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package key

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "write what the tables in testdata should say")

// TestTables goes through the tables in testdata. A case is a paragraph: comments, an expression, the parts of a message,
// and what comes of it (key, none or refused).
func TestTables(t *testing.T) {
	files, err := filepath.Glob("testdata/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatalf("tables: %v, %v", files, err)
	}
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			want, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			got := answerAll(t, string(want))
			if *update {
				if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
					t.Fatal(err)
				}
				return
			}
			if diff := cmp.Diff(strings.Split(string(want), "\n"), strings.Split(got, "\n")); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
}

func answerAll(t *testing.T, table string) string {
	t.Helper()
	paragraphs := strings.Split(strings.TrimSpace(table), "\n\n")
	for i, paragraph := range paragraphs {
		paragraphs[i] = answer(t, paragraph)
	}
	return strings.Join(paragraphs, "\n\n") + "\n"
}

// answer is the case with what really comes of it.
func answer(t *testing.T, paragraph string) string {
	t.Helper()
	var kept []string
	var expression string
	message := Message{Headers: map[string][]string{}}
	for line := range strings.Lines(paragraph) {
		line = strings.TrimSuffix(line, "\n")
		name, value, _ := strings.Cut(line, ": ")
		switch name {
		case "key", "none", "refused", "mend":
			continue
		case "expression":
			expression = unescape(t, value)
		case "native":
			message.Key = []byte(unescape(t, value))
		case "subject":
			message.Subject = value
		case "header":
			header, value, _ := strings.Cut(value, "=")
			message.Headers[header] = append(message.Headers[header], unescape(t, value))
		case "body":
			message.Data = []byte(value)
		case "data":
			message.Data = []byte(unescape(t, value))
		default:
			if !strings.HasPrefix(line, "#") {
				t.Fatalf("unknown line %q", line)
			}
		}
		kept = append(kept, line)
	}
	return strings.Join(append(kept, outcome(t, expression, message)...), "\n")
}

// outcome is what comes of a case, as lines of the table.
func outcome(t *testing.T, expression string, message Message) []string {
	t.Helper()
	compiled, err := Compile(expression)
	var refusal *CompileError
	if errors.As(err, &refusal) {
		return []string{
			fmt.Sprintf("refused: %d:%d %s", refusal.Line, refusal.Column, refusal.Problem),
			"mend: " + refusal.Mend,
		}
	}
	if err != nil {
		t.Fatalf("%s: %v", expression, err)
	}
	key, err := compiled.Eval(message)
	if byCEL, errOfCEL := compiled.evaluate(message); key != byCEL || fmt.Sprint(err) != fmt.Sprint(errOfCEL) {
		t.Errorf("%s: %q, %v; by CEL alone %q, %v", expression, key, err, byCEL, errOfCEL)
	}
	var none *NoKeyError
	switch {
	case errors.As(err, &none):
		if errors.Is(err, ErrMissing) != (none.Reason == ReasonMissing) {
			t.Errorf("%s: reason %s, but ErrMissing is %t", expression, none.Reason, errors.Is(err, ErrMissing))
		}
		return []string{fmt.Sprintf("none: %s, %s", none.Reason, none.Problem), "mend: " + none.Mend}
	case err != nil:
		t.Fatalf("%s: %v", expression, err)
	}
	return []string{"key: " + strconv.Quote(key)}
}

// unescape reads a value that may be written as a Go string.
func unescape(t *testing.T, value string) string {
	t.Helper()
	if !strings.HasPrefix(value, `"`) || !strings.HasSuffix(value, `"`) || len(value) < 2 {
		return value
	}
	text, err := strconv.Unquote(value)
	if err != nil {
		return value
	}
	return text
}
