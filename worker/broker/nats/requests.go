// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package nats

import (
	"context"
	"errors"
	"regexp"
	"strings"
	"sync"
	"time"

	client "github.com/nats-io/nats.go"
)

// requestTime bounds one request. A context that ends sooner ends it sooner.
const requestTime = 5 * time.Second

// errLost ends requests whose answer cannot come any more.
var errLost = errors.New("the connection was lost before the answer came")

// requests are the requests under way. They end as soon as it is known that no answer will come: the connection is lost,
// or the server says, apart from the request, that it is not allowed.
type requests struct {
	mu    sync.Mutex
	under map[*request]struct{}
	// deaf is why no answer can come at all: this user may not receive any. A new connection begins anew.
	deaf error
}

// request is one request and what ends it.
type request struct {
	subject string
	end     context.CancelCauseFunc
}

// to reports whether it is a request to a subject. A last token * stands for any one.
func (r *request) to(subject string) bool {
	if prefix, wild := strings.CutSuffix(r.subject, "*"); wild {
		return strings.HasPrefix(subject, prefix)
	}
	return r.subject == subject
}

// begin returns a context for one request to a subject, or for several. Its cause says why no answer comes, if that is
// known.
func (r *requests) begin(ctx context.Context, subject string) (context.Context, context.CancelFunc) {
	ctx, end := context.WithCancelCause(ctx)
	this := &request{subject, end}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.deaf != nil {
		end(r.deaf)
	}
	if r.under == nil {
		r.under = map[*request]struct{}{}
	}
	r.under[this] = struct{}{}
	return ctx, func() {
		r.mu.Lock()
		delete(r.under, this)
		r.mu.Unlock()
		end(nil)
	}
}

// ask makes a request to a subject, and tells what its error means. doing says what is attempted.
func (c *connection) ask(ctx context.Context, doing, subject string, call func(context.Context) error) error {
	ctx, end := c.requests.begin(ctx, subject)
	defer end()
	ctx, cancel := context.WithTimeout(ctx, requestTime)
	defer cancel()
	return c.failure(ctx, doing, call(ctx))
}

// lost ends all requests.
func (r *requests) lost() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.deaf = nil
	for this := range r.under {
		this.end(errLost)
	}
}

// quoted finds the subject in the server's words: Permissions Violation for Publish to "orders.dead".
var quoted = regexp.MustCompile(`for (Publish|Subscription) to "([^"]+)"`)

// denied ends the requests that an error says are not allowed. It returns whether the error is one of that kind, and whether
// there were such requests, which then tell of it themselves.
func (r *requests) denied(err error) (is, told bool) {
	found := quoted.FindStringSubmatch(err.Error())
	if !errors.Is(err, client.ErrPermissionViolation) || found == nil {
		return false, false
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	deaf := found[1] == "Subscription" && strings.HasPrefix(found[2], client.InboxPrefix)
	if deaf {
		r.deaf = err
	}
	for this := range r.under {
		if deaf || this.to(found[2]) {
			this.end(err)
			told = true
		}
	}
	return true, told
}

// unanswered is why a request has no answer, as far as that is known; nil otherwise.
func unanswered(ctx context.Context, err error) error {
	cause := context.Cause(ctx)
	if errors.Is(err, context.Canceled) && (errors.Is(cause, errLost) || errors.Is(cause, client.ErrPermissionViolation)) {
		return cause
	}
	return nil
}
