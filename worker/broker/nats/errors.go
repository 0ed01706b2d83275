// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package nats

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"slices"

	client "github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"convoy.dev/convoy/worker/broker"
)

// Error codes of JetStream that the client library has no names for, from the server's errors.json.
const (
	codeAccountFull          = 10002
	codeServersFull          = 10023
	codeStorageExceeded      = 10047
	codeMemoryExceeded       = 10028
	codeInvalidConfig        = 10052
	codeSubjectsOverlap      = 10065
	codeReplicasNotSupported = 10074
	codeStoreFailed          = 10077
)

// mends say what a person can do about an answer of JetStream that will be the same next time.
var mends = map[jetstream.ErrorCode]string{
	jetstream.JSErrCodeJetStreamNotEnabled:           "enable JetStream on the NATS servers",
	jetstream.JSErrCodeJetStreamNotEnabledForAccount: "enable JetStream for the account of the pool's user",
	jetstream.JSErrCodeMaximumConsumersLimit:         "raise max_consumers of the stream or the account: every lane that is read needs one",
	jetstream.JSErrCodeStreamMessageExceedsMaximum:   "raise max_msg_size of the stream",
	codeAccountFull:          "raise the JetStream limits of the account, or let its streams keep less",
	codeServersFull:          "give the NATS servers more room for JetStream, or let streams keep less",
	codeStorageExceeded:      "give the NATS servers more storage, or let streams reserve less of it (max_bytes)",
	codeMemoryExceeded:       "give the NATS servers more memory for JetStream",
	codeInvalidConfig:        "allow what the message names, in the limits of the servers, the account or the stream",
	codeSubjectsOverlap:      "let no other stream have subjects that begin with convoy.",
	codeStoreFailed:          "make room in the stream: raise its limits, or remove messages from it",
	codeReplicasNotSupported: "run the NATS servers as a cluster",
}

// conflict reports whether a write was refused because it was conditional on another sequence.
func conflict(err error) bool {
	return code(err) == jetstream.JSErrCodeStreamWrongLastSequence || code(err) == jetstream.JSErrCodeStreamWrongLastSequenceConstant
}

// code is the error code of JetStream's answer; 0 when the error is no answer.
func code(err error) jetstream.ErrorCode {
	var api *jetstream.APIError
	if errors.As(err, &api) {
		return api.ErrorCode
	}
	return 0
}

// fullCodes say that there is no room.
var fullCodes = []jetstream.ErrorCode{codeAccountFull, codeServersFull, codeStorageExceeded, codeMemoryExceeded, codeStoreFailed}

// full tells that the stream of the lanes takes nothing more, if that is what an answer says. It hides the answer's code, for
// which a person would be asked to act, though room may come by itself.
func full(err error) error {
	var api *jetstream.APIError
	if errors.As(err, &api) && slices.Contains(fullCodes, api.ErrorCode) {
		return fmt.Errorf("%w (%s): %s", broker.ErrStoreFull, api.Description, mends[api.ErrorCode])
	}
	return err
}

// failure tells what an error means. doing says what was attempted; ctx is the request's own, see requests.begin. An error
// that has its kind already keeps it.
func (c *connection) failure(ctx context.Context, doing string, err error) error {
	if err == nil {
		return nil
	}
	if cause := unanswered(ctx, err); cause != nil {
		err = cause
	}
	var api *jetstream.APIError
	switch {
	case broker.KindOf(err) != broker.Retryable, errors.Is(err, context.Canceled):
		return fmt.Errorf("%s: %w", doing, err)
	case errors.As(err, &api):
		return answered(doing, api)
	}
	if !c.IsConnected() {
		err = c.why(err)
	}
	switch {
	case errors.Is(err, client.ErrAuthorization), errors.Is(err, client.ErrAuthExpired), errors.Is(err, client.ErrAuthRevoked),
		errors.Is(err, client.ErrAccountAuthExpired), errors.Is(err, client.ErrNkeysNotSupported):
		return denied(doing, err, "put credentials that the NATS servers accept into the Secret that source.nats.auth names")
	case distrust(err):
		return denied(doing, err, "let source.nats.tls, and the Secrets that it names, fit the certificates of the NATS servers")
	case errors.Is(err, client.ErrPermissionViolation):
		return denied(doing, err, "allow the pool's user what the message names")
	case errors.Is(err, client.ErrMaxPayload):
		return permanent(doing, err, "raise max_payload of the NATS servers")
	case errors.Is(err, context.DeadlineExceeded):
		return fmt.Errorf("%s: there was no answer in time, and the logs of the NATS servers may say why: %w", doing, err)
	}
	return fmt.Errorf("%s: %w", doing, err)
}

// distrust reports whether one side does not accept the other's certificate, or wants TLS and the other does not.
func distrust(err error) bool {
	var unverified *tls.CertificateVerificationError
	var alert tls.AlertError
	return errors.As(err, &unverified) || errors.As(err, &alert) ||
		errors.Is(err, client.ErrSecureConnWanted) || errors.Is(err, client.ErrSecureConnRequired)
}

// answered classifies an answer of JetStream. An unknown refusal of a request (400 to 499) will be repeated, trouble of
// the servers (500 and more) will pass.
func answered(doing string, api *jetstream.APIError) error {
	mend, known := mends[api.ErrorCode]
	switch {
	case known && slices.Contains(fullCodes, api.ErrorCode):
		return fmt.Errorf("%s: %w", doing, &broker.PermanentError{Err: api, Mend: mend, Cause: broker.CauseFull})
	case known:
		return permanent(doing, api, mend)
	case api.Code >= 400 && api.Code < 500 && !conflict(api):
		return permanent(doing, api, "see what the NATS servers say")
	}
	return fmt.Errorf("%s: %w", doing, api)
}

func permanent(doing string, err error, mend string) error {
	return fmt.Errorf("%s: %w", doing, &broker.PermanentError{Err: err, Mend: mend})
}

func denied(doing string, err error, mend string) error {
	return fmt.Errorf("%s: %w", doing, &broker.PermanentError{Err: err, Mend: mend, Cause: broker.CauseDenied})
}
