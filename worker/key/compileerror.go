// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package key

import (
	"fmt"
	"slices"
	"strings"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common"
	"cel.dev/cel-go/common/ast"
)

// CompileError says why an expression is refused, and what to do about it.
type CompileError struct {
	// Line and Column are where, in characters, both from 1.
	Line, Column int
	// Problem is what is wrong. Example: "order_id is not a variable".
	Problem string
	// Mend is what a person can do about it. Example: "a field of the message body is body.order_id".
	Mend string
}

// Error implements error.
func (e *CompileError) Error() string {
	return fmt.Sprintf("line %d, column %d: %s: %s", e.Line, e.Column, e.Problem, e.Mend)
}

const (
	mendSyntax = `write one CEL expression, such as body.order_id, headers["order-id"], subject.split(".")[1] or key`

	variables = "the variables are key, headers, subject, body, data, timestamp and shard"

	mendMeaning = variables + "; string(x), int(x) and uint(x) convert; beside CEL's standard functions there are those " +
		"on strings, base64, regex and optional values"

	mendLiteral = `a pattern is written as in RE2 ("^a+$"), a time as "2026-01-31T12:00:00Z", a duration as "1h30m"`
)

// syntaxRefusal is the first thing that is not CEL.
func syntaxRefusal(issues *cel.Issues) *CompileError {
	return refusalOf(firstIssue(issues), mendSyntax)
}

// meaningRefusal is the first thing that has no meaning: an unknown name, or types that do not go together.
func meaningRefusal(parsed *cel.Ast, issues *cel.Issues) *CompileError {
	issue := firstIssue(issues)
	refusal := refusalOf(issue, mendMeaning)
	if refusal == nil {
		return nil
	}
	node := nodeOf(parsed, issue.ExprID)
	switch {
	case node == nil:
	case node.Kind() == ast.IdentKind:
		name := node.AsIdent()
		refusal.Problem = name + " is not a variable"
		refusal.Mend = fmt.Sprintf("a field of the message body is body.%s, a header is headers[%q]; %s", name, name, variables)
	case node.Kind() == ast.LiteralKind:
		refusal.Mend = mendLiteral
	}
	return refusal
}

func firstIssue(issues *cel.Issues) *common.Error {
	if issues == nil || len(issues.Errors()) == 0 {
		return nil
	}
	return slices.MinFunc(issues.Errors(), func(a, b *common.Error) int {
		if a.Location.Line() != b.Location.Line() {
			return a.Location.Line() - b.Location.Line()
		}
		return a.Location.Column() - b.Location.Column()
	})
}

func refusalOf(issue *common.Error, mend string) *CompileError {
	if issue == nil {
		return nil
	}
	problem := strings.TrimSuffix(strings.TrimPrefix(issue.Message, "Syntax error: "), " (in container '')")
	return at(issue.Location, problem, mend)
}

// at is a refusal at a place. CEL counts columns from 0, and has none for what belongs nowhere.
func at(place common.Location, problem, mend string) *CompileError {
	return &CompileError{Line: max(1, place.Line()), Column: max(0, place.Column()) + 1, Problem: problem, Mend: mend}
}

// nodeOf is the node with an id, or nil.
func nodeOf(parsed *cel.Ast, id int64) ast.Expr {
	root := ast.NavigateAST(parsed.NativeRep())
	found := ast.MatchDescendants(root, func(node ast.NavigableExpr) bool { return node.ID() == id })
	if len(found) == 0 {
		return nil
	}
	return found[0]
}
