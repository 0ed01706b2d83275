// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package pool

import (
	"context"
	"sync"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"convoy.dev/convoy/api/v1alpha1"
	"convoy.dev/convoy/controllers/pool/child"
	"convoy.dev/convoy/controllers/pool/plan"
	"convoy.dev/convoy/worker/mailbox"
)

// atOnce is how many mailboxes are written at the same time: each write waits for the API server, and the lanes of the
// last should not wait for all the others'.
const atOnce = 16

// writeMailboxes makes and writes ConvoyWorkers.
func (w *writer) writeMailboxes(ctx context.Context) {
	results := make([]mailboxWrite, len(w.plan.Specs))
	var all sync.WaitGroup
	free := make(chan struct{}, atOnce)
	for i, spec := range w.plan.Specs {
		free <- struct{}{}
		all.Go(func() {
			results[i].object, results[i].err = w.writeMailbox(ctx, spec)
			<-free
		})
	}
	all.Wait()
	for i, result := range results {
		w.done.note("writing the ConvoyWorker of pod "+w.plan.Specs[i].Pod.Name, result.err)
		if result.err == nil && result.object != nil {
			w.memory.wrote(result.object, w.seen.now)
		}
	}
}

type mailboxWrite struct {
	object *v1alpha1.ConvoyWorker
	err    error
}

// writeMailbox makes one mailbox, empty, or writes its spec over the version that was observed.
func (w *writer) writeMailbox(ctx context.Context, spec plan.SpecWrite) (*v1alpha1.ConvoyWorker, error) {
	if spec.Create {
		return w.createMailbox(ctx, spec.Pod)
	}
	seen := w.mailboxOf(spec.Pod)
	if seen == nil {
		return nil, nil
	}
	if spec.Recheck {
		if good, err := w.recheck(ctx, spec.Spec.Revision); err != nil || !good {
			return nil, err
		}
	}
	next := seen.DeepCopy()
	next.Spec = mailbox.WriteSpec(spec.Spec)
	if seen.Spec != nil {
		next.Spec.Action = seen.Spec.Action
	}
	return next, w.config.Client.Update(ctx, next, fieldOwner)
}

// createMailbox makes an empty mailbox that goes with its pod. One that is there already is another pod's of the same
// name, and goes with that one, or was made a moment ago.
func (w *writer) createMailbox(ctx context.Context, pod plan.PodRef) (*v1alpha1.ConvoyWorker, error) {
	made := &v1alpha1.ConvoyWorker{ObjectMeta: metav1.ObjectMeta{
		Name: pod.Name, Namespace: w.seen.key.Namespace, Labels: child.Labels(w.seen.key.Name),
		OwnerReferences: []metav1.OwnerReference{{
			APIVersion: "v1", Kind: "Pod", Name: pod.Name, UID: types.UID(pod.UID), Controller: new(true),
		}},
	}}
	err := w.config.Client.Create(ctx, made, fieldOwner)
	if apierrors.IsAlreadyExists(err) {
		return nil, nil
	}
	return made, err
}

func (w *writer) mailboxOf(pod plan.PodRef) *v1alpha1.ConvoyWorker {
	for i := range w.seen.workers {
		if owner, owned := ownerPod(&w.seen.workers[i]); owned && owner == pod {
			return &w.seen.workers[i]
		}
	}
	return nil
}
