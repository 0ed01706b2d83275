// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package nats

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"sync"
	"time"

	client "github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"convoy.dev/convoy/worker/broker"
)

// Error codes of JetStream that the client library has no names for, from the server's errors.json.
const (
	codeResourcesExceeded    = 10002
	codeInsufficientStorage  = 10047
	codeMemoryExceeded       = 10028
	codeInvalidConfig        = 10052
	codeSubjectsOverlap      = 10065
	codeReplicasNotSupported = 10074
)

// mends say what a person can do about an answer of JetStream that will be the same next time.
var mends = map[jetstream.ErrorCode]string{
	jetstream.JSErrCodeJetStreamNotEnabled:           "enable JetStream on the NATS servers",
	jetstream.JSErrCodeJetStreamNotEnabledForAccount: "enable JetStream for the account of the pool's user",
	jetstream.JSErrCodeMaximumConsumersLimit:         "raise max_consumers of the stream or the account: every lane that is read needs one",
	jetstream.JSErrCodeStreamMessageExceedsMaximum:   "raise max_msg_size of the stream",
	codeResourcesExceeded:                            "raise the JetStream limits of the account",
	codeInsufficientStorage:                          "give the NATS servers more storage",
	codeMemoryExceeded:                               "give the NATS servers more memory for JetStream",
	codeInvalidConfig:                                "allow what the message names, in the limits of the servers, the account or the stream",
	codeSubjectsOverlap:                              "let no other stream have subjects that begin with convoy.",
	codeReplicasNotSupported:                         "run the NATS servers as a cluster",
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

// failure tells what an error means. doing says what was attempted, subject where the request went. An error that has its
// kind already keeps it.
func (c *connection) failure(ctx context.Context, doing, subject string, err error) error {
	if err == nil {
		return nil
	}
	var api *jetstream.APIError
	switch {
	case broker.KindOf(err) != broker.Retryable, errors.Is(err, context.Canceled) && !lost(ctx, err):
		return fmt.Errorf("%s: %w", doing, err)
	case errors.As(err, &api):
		return answered(doing, api)
	case lost(ctx, err), errors.Is(err, context.DeadlineExceeded), errors.Is(err, client.ErrTimeout), errors.Is(err, client.ErrReconnectBufExceeded),
		errors.Is(err, client.ErrDisconnected), errors.Is(err, client.ErrConnectionReconnecting):
		if why := c.why(ctx, subject); why != nil {
			err = why
		}
	}
	switch {
	case errors.Is(err, client.ErrAuthorization), errors.Is(err, client.ErrAuthExpired), errors.Is(err, client.ErrAuthRevoked),
		errors.Is(err, client.ErrAccountAuthExpired), errors.Is(err, client.ErrNkeysNotSupported):
		return permanent(doing, err, "put credentials that the NATS servers accept into the Secret that source.nats.auth names")
	case errors.Is(err, client.ErrPermissionViolation):
		return permanent(doing, err, "allow the pool's user what the message names")
	case errors.Is(err, client.ErrMaxPayload):
		return permanent(doing, err, "raise max_payload of the NATS servers")
	}
	return fmt.Errorf("%s: %w", doing, err)
}

// answered classifies an answer of JetStream. An unknown refusal of a request (400 to 499) will be repeated, trouble of
// the servers (500 and more) will pass.
func answered(doing string, api *jetstream.APIError) error {
	mend, known := mends[api.ErrorCode]
	switch {
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

// denials are the permissions that were missing lately. The server tells them apart from the request, which then has no
// answer.
type denials struct {
	mu sync.Mutex
	at map[string]denial
}

type denial struct {
	err  error
	when time.Time
}

const (
	// denialLife is how long a denial explains requests without answer: longer than a request waits, and short enough
	// that a permission that was given since is believed.
	denialLife = 30 * time.Second
	maxDenials = 256
)

// quoted finds the subject in the server's words: Permissions Violation for Publish to "orders.dead".
var quoted = regexp.MustCompile(`for (Publish|Subscription) to "([^"]+)"`)

// add keeps an error that is a denial.
func (d *denials) add(err error) bool {
	found := quoted.FindStringSubmatch(err.Error())
	if !errors.Is(err, client.ErrPermissionViolation) || found == nil {
		return false
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.at == nil || len(d.at) == maxDenials {
		d.at = map[string]denial{}
	}
	subject := found[2]
	if found[1] == "Subscription" && strings.HasPrefix(subject, client.InboxPrefix) {
		subject = client.InboxPrefix // Every answer comes to an inbox.
	}
	d.at[subject] = denial{err, time.Now()}
	return true
}

// of is the denial of publishing to a subject, or of receiving answers; nil when there is none.
func (d *denials) of(subject string) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, name := range []string{subject, client.InboxPrefix} {
		if found, is := d.at[name]; is && time.Since(found.when) < denialLife {
			return found.err
		}
	}
	return nil
}
