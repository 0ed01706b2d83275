// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package key

import (
	"slices"
	"strings"
	"unicode/utf8"

	"cel.dev/cel-go/common/ast"
	"cel.dev/cel-go/common/operators"
	"cel.dev/cel-go/common/types"
)

// lookup is an expression that names one value of the message and does nothing else: key, subject, headers["a"], headers.a,
// body, body.a.b, body["a"].b. It is answered without CEL. It knows keys alone: a message that gives none, or that is in
// any way unusual, goes to CEL, so that limits and the words of errors have one place.
type lookup struct {
	place place
	// header is the header's name, path the names below the body, from the outermost on.
	header string
	path   []string
}

// place is the variable that a look-up begins at.
type place uint8

const (
	inKey place = iota + 1
	inSubject
	inHeaders
	inBody
)

// lookupOf is the look-up that a checked expression is, or nil.
func lookupOf(node ast.Expr) *lookup {
	var path []string
	for node.Kind() != ast.IdentKind {
		operand, name, ok := step(node)
		if !ok {
			return nil
		}
		node, path = operand, append(path, name)
	}
	slices.Reverse(path)
	switch name := node.AsIdent(); {
	case name == varBody:
		return &lookup{place: inBody, path: path}
	case name == varHeaders && len(path) == 1:
		return &lookup{place: inHeaders, header: path[0]}
	case name == varKey && len(path) == 0:
		return &lookup{place: inKey}
	case name == varSubject && len(path) == 0:
		return &lookup{place: inSubject}
	}
	return nil
}

// step takes the last name off a path: a.name or a["name"].
func step(node ast.Expr) (operand ast.Expr, name string, ok bool) {
	switch node.Kind() {
	case ast.SelectKind:
		selected := node.AsSelect()
		return selected.Operand(), selected.FieldName(), !selected.IsTestOnly()
	case ast.CallKind:
		call := node.AsCall()
		if call.FunctionName() != operators.Index || call.Args()[1].Kind() != ast.LiteralKind {
			return nil, "", false
		}
		text, isText := call.Args()[1].AsLiteral().(types.String)
		return call.Args()[0], string(text), isText
	default:
		return nil, "", false
	}
}

// key is the message's key; false leaves the message to CEL.
func (l *lookup) key(message *Message) (string, bool) {
	var text string
	switch l.place {
	case inBody:
		return keyIn(message.Data, l.path)
	case inKey:
		return keyOf(message.Key)
	case inSubject:
		text = message.Subject
	case inHeaders:
		values := message.Headers[l.header]
		if len(values) == 0 {
			return "", false
		}
		text = values[0]
	}
	if text == "" || len(text) > MaxLength || !utf8.ValidString(text) {
		return "", false
	}
	return strings.Clone(text), true
}

// keyOf is a copy of a text that is a key.
func keyOf(text []byte) (string, bool) {
	if len(text) == 0 || len(text) > MaxLength || !utf8.Valid(text) {
		return "", false
	}
	return string(text), true
}
