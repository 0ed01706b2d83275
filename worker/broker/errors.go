// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package broker

import (
	"errors"
	"fmt"

	"convoy.dev/convoy/worker/drain"
)

// Kind is what an error means for what comes next.
type Kind uint8

const (
	// Retryable: the same request may succeed later. It is also the kind of an error that says nothing of itself.
	Retryable Kind = iota
	// Permanent: somebody has to mend the broker, the pool or its permissions first.
	Permanent
	// Fenced: another owner has a newer epoch record.
	Fenced
)

var kindNames = [...]string{Retryable: "Retryable", Permanent: "Permanent", Fenced: "Fenced"}

// String is the kind's name.
func (k Kind) String() string { return kindNames[k] }

// ErrFenced is wrapped by an error of kind Fenced.
var ErrFenced = errors.New("a newer epoch record is in force")

// ErrGone says that the broker no longer has a message: its retention took it.
var ErrGone = errors.New("the message is no longer in the broker")

// Cause tells errors of kind Permanent apart, as far as an adapter can.
type Cause uint8

const (
	// CauseOther is none of the following.
	CauseOther Cause = iota
	// CauseNotFound: the broker has no such source.
	CauseNotFound
	// CauseDenied: the broker refuses the credentials of the pool, or one side the certificates of the other, or the user has no
	// permission.
	CauseDenied
	// CauseUnfit: the store of the lanes cannot hold them as safely as the source holds its messages.
	CauseUnfit
	// CauseFull: the broker has no room for what was to be written. It goes on by itself when there is some.
	CauseFull
)

var causeNames = [...]string{CauseOther: "Other", CauseNotFound: "NotFound", CauseDenied: "Denied", CauseUnfit: "Unfit", CauseFull: "Full"}

// String is the cause's name.
func (c Cause) String() string { return causeNames[c] }

// CauseOf is what an error comes from, as far as it says.
func CauseOf(err error) Cause {
	var permanent *PermanentError
	switch {
	case errors.Is(err, ErrStoreFull):
		return CauseFull
	case errors.As(err, &permanent):
		return permanent.Cause
	}
	return CauseOther
}

// PermanentError is an error of kind Permanent. Mend says what a person can do.
type PermanentError struct {
	Err   error
	Mend  string
	Cause Cause
}

// Error is what happened and what can be done.
func (e *PermanentError) Error() string { return fmt.Sprintf("%v: %s", e.Err, e.Mend) }

// Unwrap is the broker's own error.
func (e *PermanentError) Unwrap() error { return e.Err }

// RefusedError says that an epoch record stands in the way of opening a lane or a shard.
type RefusedError struct {
	Kind          drain.Kind
	Lane          int32
	Token, Record drain.Token
	// Own says that the record is this worker's, perhaps an earlier process's.
	Own bool
}

// Error names both tokens.
func (e *RefusedError) Error() string {
	what := "lane"
	if e.Kind == drain.Shard {
		what = "shard"
	}
	return fmt.Sprintf("opening %s %d at %v: the epoch record is %v", what, e.Lane, e.Token, e.Record)
}

// ClaimError says why a claim is refused.
type ClaimError struct {
	// Held is the claim that stands.
	Held Claim
	// Other says that another pool holds it; otherwise the fingerprints differ.
	Other bool
	// Mend says what a person can do.
	Mend string
}

// Error names the claim that stands, and the mend.
func (e *ClaimError) Error() string {
	if e.Other {
		return fmt.Sprintf("claimed by pool %s/%s of cluster %s: %s", e.Held.Namespace, e.Held.Name, e.Held.Cluster, e.Mend)
	}
	return fmt.Sprintf("claimed with fingerprint %s: %s", e.Held.Fingerprint, e.Mend)
}

// KindOf says what an error means for what comes next.
func KindOf(err error) Kind {
	var permanent *PermanentError
	var refused *RefusedError
	var claim *ClaimError
	switch {
	case errors.Is(err, ErrFenced), errors.As(err, &refused):
		return Fenced
	case errors.As(err, &permanent), errors.As(err, &claim), errors.Is(err, ErrGone):
		return Permanent
	}
	return Retryable
}
