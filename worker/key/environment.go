// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package key

import (
	"errors"
	"fmt"
	"reflect"
	"sync"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/ext"
)

// Versions of the function libraries. They are part of what an expression means, and keys must not change with an
// upgrade of Convoy while lanes hold messages: a version is raised only if it adds functions and changes none.
const (
	optionalVersion = 2
	stringsVersion  = 5
	encodersVersion = 1
	regexVersion    = 0
)

// prepared is the language of key expressions, made once.
var prepared = sync.OnceValues(func() (*cel.Env, error) {
	language, err := cel.NewEnv(
		cel.Variable(varKey, cel.StringType),
		cel.Variable(varHeaders, cel.MapType(cel.StringType, cel.StringType)),
		cel.Variable(varSubject, cel.StringType),
		cel.Variable(varBody, cel.DynType),
		cel.Variable(varData, cel.BytesType),
		cel.Variable(varTimestamp, cel.TimestampType),
		cel.Variable(varShard, cel.IntType),
		cel.OptionalTypes(cel.OptionalTypesVersion(optionalVersion)),
		ext.Strings(ext.StringsVersion(stringsVersion)),
		ext.Encoders(ext.EncodersVersion(encodersVersion)),
		ext.Regex(ext.RegexVersion(regexVersion)),
		cel.DefaultUTCTimeZone(true),
		cel.ASTValidators(cel.ValidateRegexLiterals(), cel.ValidateTimestampLiterals(), cel.ValidateDurationLiterals()),
	)
	if err != nil {
		return nil, fmt.Errorf("preparing the language of key expressions: %w", err)
	}
	return language, nil
})

// absence is the type of CEL's error for a field, header or element that is not there. The library does not export it,
// and its text is not for programs; so it is taken from an absence made on purpose.
var absence = sync.OnceValue(func() reflect.Type {
	language, err := prepared()
	if err != nil {
		return nil
	}
	checked, issues := language.Compile(`{"present": 1}.absent`)
	if issues.Err() != nil {
		return nil
	}
	program, err := language.Program(checked)
	if err != nil {
		return nil
	}
	_, _, err = program.Eval(cel.NoVars())
	return reflect.TypeOf(errors.Unwrap(err))
})

// isAbsence says whether an evaluation ended because something was not there.
func isAbsence(err error) bool {
	cause := errors.Unwrap(err)
	return cause != nil && reflect.TypeOf(cause) == absence()
}
