// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package deliver

import "time"

// rejection is an error that trying again does not mend.
type rejection struct{ error }

// Unwrap is the error that was rejected with.
func (r *rejection) Unwrap() error { return r.error }

// Reject says of a handler's error that trying again is useless; nil stays nil.
func Reject(err error) error {
	if err == nil {
		return nil
	}
	return &rejection{err}
}

// delay is an error after which the handler wants to be left alone for a while.
type delay struct {
	error
	after time.Duration
}

// Unwrap is the error that was delayed.
func (d *delay) Unwrap() error { return d.error }

// RetryAfter says of a handler's error that the message is to be tried again after so long at the earliest, up to an hour;
// nil stays nil.
func RetryAfter(err error, after time.Duration) error {
	if err == nil {
		return nil
	}
	return &delay{err, after}
}
