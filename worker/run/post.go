// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package run

import (
	"context"
	"fmt"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/util/resourceversion"

	"convoy.dev/convoy/api/v1alpha1"
	"convoy.dev/convoy/worker/drain"
	"convoy.dev/convoy/worker/mailbox"
)

// newsInterval is how far apart writes are that tell nothing but conditions.
const newsInterval = time.Second

// postman is the worker's side of its mailbox: it reads the spec, first live, then by a watch that may go back in time,
// and writes the report by compare-and-swap, one request at a time. With the API server away it goes on trying for ever,
// and nothing else waits for it.
type postman struct {
	w *Worker
	// known is the newest object read, nil before the first.
	known   *v1alpha1.ConvoyWorker
	started bool
	// raising is the report that raises the incarnation, until it is written, and highest the highest incarnation that this
	// process has asked for.
	raising *drain.Report
	highest int64
	// dirty says that the report is to be written, busy that a request is under way.
	dirty, busy bool
	// readAt is when the object is to be read again after trouble, newsAt from when conditions alone are worth a write; zero
	// for never and at once.
	readAt, newsAt time.Time
	waits          backoff
	// refusedSince is since when the API server has answered nothing but that this worker's account has no right to the
	// object; zero when it has not.
	refusedSince time.Time
}

func newPostman(w *Worker) postman {
	return postman{w: w, waits: backoff{least: soonest, most: 2 * time.Second}}
}

// wakeAt is when the postman has something to do though nothing has happened; zero for never.
func (p *postman) wakeAt() time.Time {
	switch {
	case p.busy:
		return time.Time{}
	case !p.readAt.IsZero():
		return p.readAt
	case p.started && p.w.news.changed:
		return p.newsAt
	}
	return time.Time{}
}

// watch shows the object to the loop for as long as the worker runs. It is a task of its own.
func (w *Worker) watch(ctx context.Context) {
	waits := backoff{least: soonest, most: latest}
	for {
		err := w.config.Mailbox.Watch(ctx, func(o *v1alpha1.ConvoyWorker) {
			waits.reset()
			w.inbox.post(func() { w.post.seen(o) })
		})
		if err != nil && ctx.Err() == nil {
			w.config.Log.Info("watching the ConvoyWorker", "error", err)
		}
		if !waits.wait(ctx) {
			return
		}
	}
}

// mine says whether the object belongs to this worker's pod: a pod of the same name may have been there before.
func (p *postman) mine(o *v1alpha1.ConvoyWorker) bool {
	for i := range o.OwnerReferences {
		if string(o.OwnerReferences[i].UID) == p.w.config.PodUID {
			return true
		}
	}
	return false
}

// seen takes an object that the watch has shown.
func (p *postman) seen(o *v1alpha1.ConvoyWorker) {
	if !p.started || !p.mine(o) {
		return
	}
	p.learn(o)
	p.w.step(drain.Seen{Spec: mailbox.ReadSpec(o.Spec)})
}

// learn keeps the newest object and notices what others have made of the report.
func (p *postman) learn(o *v1alpha1.ConvoyWorker) {
	if p.known != nil {
		if order, err := resourceversion.CompareResourceVersion(o.ResourceVersion, p.known.ResourceVersion); err == nil && order < 0 {
			return
		}
	}
	p.known = o
	if p.replaced(o) {
		return
	}
	p.w.orderedNow(o)
	if p.raising == nil && !p.busy {
		p.compare(o)
	}
}

// spec is the newest spec that was read, nil before the first.
func (p *postman) spec() *v1alpha1.ConvoyWorkerSpec {
	if p.known == nil {
		return nil
	}
	return p.known.Spec
}

// compare finds out what of the report and the conditions the object lacks. A report that was to be written and is there
// is one whose answer was lost.
func (p *postman) compare(o *v1alpha1.ConvoyWorker) {
	wanted, lost := p.w.machine.Report(), p.dirty
	p.dirty = !mailbox.Tells(o.Status, wanted)
	p.w.news.changed = !p.w.news.told(o.Status)
	if lost && !p.dirty {
		p.w.step(drain.Written{Report: wanted})
	}
}

// replaced notices a newer process of this pod, and ends this one.
func (p *postman) replaced(o *v1alpha1.ConvoyWorker) bool {
	if p.highest == 0 || mailbox.ReadReport(o.Status).Incarnation <= p.highest {
		return false
	}
	p.w.end(Replaced)
	return true
}

// read is a live read.
func (p *postman) read() {
	if p.busy {
		return
	}
	p.busy, p.readAt = true, time.Time{}
	w := p.w
	w.ask(func(ctx context.Context) func() {
		ctx, cancel := context.WithTimeout(ctx, requestTime)
		defer cancel()
		o, err := w.config.Mailbox.Read(ctx)
		if err == nil && !p.mine(o) {
			err = fmt.Errorf("the ConvoyWorker %s is not owned by the pod with UID %s: %w", o.Name, w.config.PodUID,
				apierrors.NewNotFound(v1alpha1.Resource("convoyworkers"), o.Name))
		}
		return func() { p.haveRead(o, err) }
	})
}

func (p *postman) haveRead(o *v1alpha1.ConvoyWorker, err error) {
	p.busy = false
	if apierrors.IsNotFound(err) {
		p.w.step(drain.Missing{})
	}
	p.refused(err)
	if err != nil {
		p.later("reading the ConvoyWorker", err)
		return
	}
	p.waits.reset()
	p.known = o
	p.w.orderedNow(o)
	report := mailbox.ReadReport(o.Status)
	if !p.started || p.raising != nil {
		p.started, p.raising = true, nil
		p.w.step(drain.Started{Spec: mailbox.ReadSpec(o.Spec), Report: report})
		return
	}
	if p.replaced(o) {
		return
	}
	p.w.step(drain.Seen{Spec: mailbox.ReadSpec(o.Spec)})
	p.compare(o)
}

// rightless is for how long the API server refuses this worker's account before that counts as for good: one that starts
// may refuse what it does not know yet.
const rightless = 5 * time.Second

// refused notices that the worker's account has lost its rights: its pool is gone, and its RoleBinding or service account
// with it. A worker that is to go then has nobody to tell so.
func (p *postman) refused(err error) {
	switch {
	case !apierrors.IsForbidden(err) && !apierrors.IsUnauthorized(err):
		p.refusedSince = time.Time{}
	case p.refusedSince.IsZero():
		p.refusedSince = p.w.at
	case p.w.at.Sub(p.refusedSince) >= rightless:
		p.w.step(drain.Missing{})
	}
}

// later reads again after a while: after a conflict, or when nobody knows whether a write has been made.
func (p *postman) later(doing string, err error) {
	wait := p.waits.draw()
	if apierrors.IsConflict(err) {
		p.waits.reset()
		wait = min(wait, 20*time.Millisecond)
	} else {
		p.w.metrics.apiErrors.Inc()
		p.w.config.Log.Info("the API server does not do what it was asked for; it is asked again", "doing", doing, "error", err)
	}
	p.readAt = p.w.at.Add(wait)
}

func (p *postman) raise(r drain.Report) {
	p.raising, p.highest = &r, max(p.highest, r.Incarnation)
}

func (p *postman) write() { p.dirty = true }

// send makes the next request, unless one is under way: then it follows.
func (p *postman) send() {
	switch {
	case p.busy:
	case !p.readAt.IsZero():
		if !p.w.at.Before(p.readAt) {
			p.read()
		}
	case p.known == nil:
	case p.raising != nil:
		p.put(*p.raising, p.raised)
	case p.dirty, p.w.news.changed && p.started && !p.w.at.Before(p.newsAt):
		p.put(p.w.machine.Report(), p.written)
	}
}

// put is one compare-and-swap of the status. The mark that tells of a resignation comes before the report that does. That
// report also says whether the pool is at rest: the last worker's, which follows the last words of all lanes, will know.
func (p *postman) put(r drain.Report, then func(drain.Report, error)) {
	w := p.w
	p.busy, p.dirty, w.news.changed = true, false, false
	p.newsAt = w.at.Add(newsInterval)
	next := p.known.DeepCopy()
	if next.Status == nil {
		next.Status = &v1alpha1.ConvoyWorkerStatus{}
	}
	mailbox.WriteReport(r, next.Status)
	w.news.write(next.Status)
	w.ask(func(ctx context.Context) func() {
		if r.Resigned {
			if err := w.config.Marks.make(markResigned); err != nil {
				return func() { p.havePut(r, nil, err, then) }
			}
			if w.atRest(ctx) {
				next.Status.AtRest = new(true)
			}
		}
		ctx, cancel := context.WithTimeout(ctx, requestTime)
		defer cancel()
		made, err := w.config.Mailbox.WriteStatus(ctx, next)
		return func() { p.havePut(r, made, err, then) }
	})
}

func (p *postman) havePut(r drain.Report, made *v1alpha1.ConvoyWorker, err error, then func(drain.Report, error)) {
	p.busy = false
	p.refused(err)
	if err != nil {
		p.later("writing the ConvoyWorker's status", err)
		then(r, err)
		return
	}
	p.waits.reset()
	p.learn(made)
	then(r, nil)
}

func (p *postman) raised(r drain.Report, err error) {
	if err != nil {
		return // raising stays set, so that the read that follows begins anew
	}
	if p.raising != nil && p.raising.Incarnation == r.Incarnation {
		p.raising = nil // otherwise a higher one has been asked for meanwhile
	}
	p.w.step(drain.Raised{Incarnation: r.Incarnation})
	p.w.step(drain.Written{Report: r}) // It may say that the worker has resigned: a stop came before the write was made.
}

func (p *postman) written(r drain.Report, err error) {
	if err != nil {
		p.dirty = true
		return
	}
	p.w.step(drain.Written{Report: r})
}
