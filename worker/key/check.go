// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package key

import (
	"fmt"
	"unicode/utf8"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common"
	"cel.dev/cel-go/common/ast"
	"cel.dev/cel-go/common/operators"
	"cel.dev/cel-go/common/types"
)

// MaxExpression is the longest expression, in characters.
const MaxExpression = 1024

func checkLength(expression string) *CompileError {
	switch length := utf8.RuneCountInString(expression); {
	case length == 0:
		return &CompileError{Line: 1, Column: 1, Problem: "the expression is empty", Mend: mendSyntax}
	case length > MaxExpression:
		return &CompileError{
			Line: 1, Column: 1,
			Problem: fmt.Sprintf("the expression has %d characters, more than %d", length, MaxExpression),
			Mend:    "let the producer put the key into a field or header of its own",
		}
	}
	return nil
}

// checkUse refuses what compiles and can give no key, or not the same key each time.
func checkUse(checked *cel.Ast) *CompileError {
	tree := checked.NativeRep()
	if !mayBeKey(checked.OutputType()) {
		problem, mend := unfit(checked.OutputType())
		return at(begin(tree, tree.Expr()), "the expression "+problem, mend)
	}
	return checkIteration(tree)
}

func mayBeKey(t *cel.Type) bool {
	switch t.Kind() {
	case types.DynKind, types.AnyKind, types.TypeParamKind,
		types.StringKind, types.IntKind, types.UintKind, types.BytesKind, types.BoolKind:
		return true
	default:
		return false
	}
}

// begin is where an expression begins. CEL's place of an operator is its sign, that of a call its bracket.
func begin(tree *ast.AST, node ast.Expr) common.Location {
	node = leftmost(node)
	place := tree.SourceInfo().GetStartLocation(node.ID())
	return common.NewLocation(place.Line(), place.Column()-len(writtenName(node)))
}

// writtenName is what is written before the bracket of a call or structure; operators (-a, !a) have no such name.
func writtenName(node ast.Expr) string {
	if node.Kind() == ast.StructKind {
		return node.AsStruct().TypeName()
	}
	if node.Kind() != ast.CallKind {
		return ""
	}
	name := node.AsCall().FunctionName()
	if _, isOperator := operators.FindReverse(name); isOperator {
		return ""
	}
	return name
}

func leftmost(node ast.Expr) ast.Expr {
	for {
		switch {
		case node.Kind() == ast.SelectKind:
			node = node.AsSelect().Operand()
		case node.Kind() == ast.CallKind && node.AsCall().IsMemberFunction():
			node = node.AsCall().Target()
		case node.Kind() == ast.CallKind && startsWithOperand(node.AsCall()):
			node = node.AsCall().Args()[0]
		default:
			return node
		}
	}
}

// startsWithOperand says whether a call is written with its first argument first: a + b, a[b], a ? b : c, a.?b.
func startsWithOperand(call ast.CallExpr) bool {
	switch call.FunctionName() {
	case operators.Conditional, operators.Index, operators.OptIndex, operators.OptSelect:
		return true
	}
	_, binary := operators.FindReverseBinaryOperator(call.FunctionName())
	return binary && len(call.Args()) == 2
}

// checkIteration refuses to iterate over what may be a map written in the expression: CEL goes through those in random
// order, so that one message would have another key each time. JSON objects and headers are gone through by name.
func checkIteration(tree *ast.AST) *CompileError {
	root := ast.NavigateAST(tree)
	if len(ast.MatchDescendants(root, ast.KindMatcher(ast.MapKind))) == 0 {
		return nil
	}
	for _, node := range ast.MatchDescendants(root, ast.KindMatcher(ast.ComprehensionKind)) {
		over := node.AsComprehension().IterRange()
		if tree.GetType(over.ID()).Kind() == types.ListKind || isPath(over) {
			continue
		}
		return at(begin(tree, over),
			"the expression goes through a map, and may meet its entries in another order each time",
			"go through a list, or look the entry up by its name")
	}
	return nil
}

// isPath says whether a node is a variable of the message, or a field below it. What it gives then comes from the
// message.
func isPath(node ast.Expr) bool {
	for node.Kind() == ast.SelectKind {
		node = node.AsSelect().Operand()
	}
	return node.Kind() == ast.IdentKind && (node.AsIdent() == varBody || node.AsIdent() == varHeaders)
}
