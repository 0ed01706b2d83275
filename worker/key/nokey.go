// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package key

import (
	"errors"
	"fmt"

	"cel.dev/cel-go/interpreter"
)

// ErrMissing is what a message without a value has: the field, header, native key or body is absent, null or empty.
// The pool's key.onMissing says what becomes of it.
var ErrMissing = errors.New("the message has no key")

// Reason says why a message has no key. The values are few, and fit for a metric's label and a dead letter.
type Reason string

const (
	// ReasonMissing means that there is no value, null, or an empty one.
	ReasonMissing Reason = "Missing"
	// ReasonType means that the value's type is none of a key: a double, a list, a map, a time.
	ReasonType Reason = "WrongType"
	// ReasonText means that the value is a string that is not UTF-8.
	ReasonText Reason = "NotText"
	// ReasonLength means that the key would be longer than MaxLength.
	ReasonLength Reason = "TooLong"
	// ReasonBody means that the expression uses the body and the body is not JSON.
	ReasonBody Reason = "NotJSON"
	// ReasonCost means that the evaluation was stopped at MaxCost.
	ReasonCost Reason = "TooCostly"
	// ReasonFailed means that a function failed on the message's values.
	ReasonFailed Reason = "Failed"
)

// NoKeyError says why an expression has no key on a message. Its text tells of the expression and of types, and nothing
// of the message's content, so that it can be logged and shown.
type NoKeyError struct {
	// Expression is the expression as it was written.
	Expression string
	// Reason is the kind of problem.
	Reason Reason
	// Problem is what is wrong. Example: "is a double".
	Problem string
	// Mend is what a person can do about it.
	Mend string
	// cause has CEL's own words. They may quote the message, so they are reached by errors.Unwrap alone.
	cause error
}

// Error implements error.
func (e *NoKeyError) Error() string {
	return fmt.Sprintf("the key expression %s %s: %s", e.Expression, e.Problem, e.Mend)
}

// Is makes errors.Is(err, ErrMissing) true for ReasonMissing.
func (e *NoKeyError) Is(target error) bool { return target == ErrMissing && e.Reason == ReasonMissing }

// Unwrap is CEL's error, or nil. It may quote the message: for a person who looks at that message, not for a log.
func (e *NoKeyError) Unwrap() error { return e.cause }

const mendMissing = `if that is right for some messages, name another value for them: has(body.a) ? body.a : key, ` +
	`or body.?a.orValue("none"), or key == "" ? "none" : key`

// noKey says what an evaluation's error means.
func noKey(expression string, err error) *NoKeyError {
	failure := &NoKeyError{Expression: expression, cause: err}
	var known *NoKeyError
	var cancelled interpreter.EvalCancelledError
	switch {
	case errors.As(err, &known):
		*failure = *known
		failure.Expression = expression
	case isAbsence(err):
		failure.Reason = ReasonMissing
		failure.Problem = "uses a field, header or element that the message does not have"
		failure.Mend = mendMissing
	case errors.As(err, &cancelled) && cancelled.Cause == interpreter.CostLimitExceeded:
		failure.Reason = ReasonCost
		failure.Problem = fmt.Sprintf("costs more than %d on the message", MaxCost)
		failure.Mend = "use a field of the message instead of searching lists or long texts for the key"
	default:
		failure.Reason = ReasonFailed
		failure.Problem = "cannot be computed on the values of the message"
		failure.Mend = "convert values of another type (string(x), int(x)), and test with has(x), size(x) or matches() what a " +
			"function cannot take"
	}
	return failure
}
