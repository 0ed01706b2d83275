// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package key

import (
	"fmt"

	"cel.dev/cel-go/cel"
)

// Expression is a compiled key expression. It never changes and may be used by any number of goroutines at once.
type Expression struct {
	text    string
	program cel.Program
	// lookup answers without program where it can; nil if the expression is more than a look-up.
	lookup *lookup
}

// Compile checks a key expression and prepares it for Eval. An expression that can never give a key is refused with a
// *CompileError, whose words are fit for a condition. What compiles gives the same key for the same message in every
// process.
func Compile(expression string) (*Expression, error) {
	if refusal := checkLength(expression); refusal != nil {
		return nil, refusal
	}
	language, err := prepared()
	if err != nil {
		return nil, err
	}
	parsed, issues := language.Parse(expression)
	if refusal := syntaxRefusal(issues); refusal != nil {
		return nil, refusal
	}
	checked, issues := language.Check(parsed)
	if refusal := meaningRefusal(parsed, issues); refusal != nil {
		return nil, refusal
	}
	if refusal := checkUse(checked); refusal != nil {
		return nil, refusal
	}
	refusal, err := checkCost(language, checked)
	switch {
	case err != nil:
		return nil, err
	case refusal != nil:
		return nil, refusal
	}
	program, err := language.Program(checked, planning(checked)...)
	if err != nil {
		return nil, &CompileError{Line: 1, Column: 1, Problem: err.Error(), Mend: mendMeaning}
	}
	return &Expression{text: expression, program: program, lookup: lookupOf(checked.NativeRep().Expr())}, nil
}

// String is the expression as it was written.
func (e *Expression) String() string { return e.text }

// Eval is the key of a message: valid UTF-8, 1 to MaxLength bytes, sharing no memory with the message. Any error is a
// *NoKeyError; errors.Is(err, ErrMissing) tells the message that simply has no value there from one whose value cannot
// be a key. The body is parsed only if the expression comes to use it.
func (e *Expression) Eval(message Message) (string, error) {
	if e.lookup != nil {
		if key, found := e.lookup.key(&message); found {
			return key, nil
		}
	}
	return e.evaluate(message)
}

// evaluate is Eval by CEL alone.
func (e *Expression) evaluate(message Message) (string, error) {
	value, _, err := e.program.Eval(&evaluation{message: message})
	if err != nil {
		return "", noKey(e.text, err)
	}
	text, refusal := canonical(value)
	if refusal != nil {
		refusal.Expression = e.text
		return "", refusal
	}
	return text, nil
}

// GoString keeps a compiled program out of %#v.
func (e *Expression) GoString() string { return fmt.Sprintf("key.Expression(%q)", e.text) }
