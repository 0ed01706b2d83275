// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package snapshot

import (
	"cmp"
	"context"
	"maps"
	"slices"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"convoy.dev/convoy/api/v1alpha1"
)

// Snapshot is one pool and what belongs to it, as the API server knew them.
type Snapshot struct {
	// Pool is never nil.
	Pool *v1alpha1.ConvoyPool
	// Table is nil as long as the controller has not made one.
	Table *v1alpha1.LaneTable
	// Workers are the mailboxes of the pool's pods, by name.
	Workers []v1alpha1.ConvoyWorker
	// Pods are the pool's pods, by name.
	Pods []corev1.Pod
	// PodsRefused are the API server's words when it does not show pods to who asks.
	PodsRefused string
}

// Read reads everything of one pool. Objects are read one kind after another, so that a hand-over in between may show
// halfway.
func Read(ctx context.Context, from client.Reader, pool client.ObjectKey) (*Snapshot, error) {
	s, err := readConvoys(ctx, from, pool)
	if err != nil {
		return nil, err
	}
	return s, s.readPods(ctx, from, pool)
}

// readConvoys reads Convoy's own objects.
func readConvoys(ctx context.Context, from client.Reader, pool client.ObjectKey) (*Snapshot, error) {
	s := &Snapshot{Pool: &v1alpha1.ConvoyPool{}}
	if err := from.Get(ctx, pool, s.Pool); err != nil {
		return nil, err
	}
	table := &v1alpha1.LaneTable{}
	switch err := from.Get(ctx, pool, table); {
	case err == nil:
		s.Table = table
	case !apierrors.IsNotFound(err):
		return nil, err
	}
	workers := &v1alpha1.ConvoyWorkerList{}
	if err := from.List(ctx, workers, of(pool)...); err != nil {
		return nil, err
	}
	s.Workers = workers.Items
	slices.SortFunc(s.Workers, func(a, b v1alpha1.ConvoyWorker) int { return cmp.Compare(a.Name, b.Name) })
	return s, nil
}

func (s *Snapshot) readPods(ctx context.Context, from client.Reader, pool client.ObjectKey) error {
	pods := &corev1.PodList{}
	err := from.List(ctx, pods, of(pool)...)
	if apierrors.IsForbidden(err) {
		s.PodsRefused = err.Error()
		return nil
	}
	s.Pods = pods.Items
	slices.SortFunc(s.Pods, func(a, b corev1.Pod) int { return cmp.Compare(a.Name, b.Name) })
	return err
}

// of selects what the controller made for a pool.
func of(pool client.ObjectKey) []client.ListOption {
	return []client.ListOption{client.InNamespace(pool.Namespace), client.MatchingLabels{v1alpha1.LabelPool: pool.Name}}
}

// Status is the pool's status, empty as long as no controller has written one.
func (s *Snapshot) Status() v1alpha1.ConvoyPoolStatus {
	return ptr.Deref(s.Pool.Status, v1alpha1.ConvoyPoolStatus{})
}

// Refs are the pods that there are, that have a mailbox, or that the lane table names, by name.
func (s *Snapshot) Refs() []v1alpha1.PodRef {
	known := map[v1alpha1.PodRef]bool{}
	for i := range s.Pods {
		known[v1alpha1.PodRef{Name: s.Pods[i].Name, UID: string(s.Pods[i].UID)}] = true
	}
	for i := range s.Workers {
		known[ownerOf(&s.Workers[i])] = true
	}
	if s.Table != nil {
		for _, ref := range s.Table.Workers {
			known[ref] = true
		}
	}
	return slices.SortedFunc(maps.Keys(known), func(a, b v1alpha1.PodRef) int {
		return cmp.Or(cmp.Compare(a.Name, b.Name), cmp.Compare(a.UID, b.UID))
	})
}

// Worker is the mailbox of a pod, nil if there is none.
func (s *Snapshot) Worker(pod v1alpha1.PodRef) *v1alpha1.ConvoyWorker {
	for i := range s.Workers {
		if w := &s.Workers[i]; ownerOf(w) == pod {
			return w
		}
	}
	return nil
}

// ownerOf is the pod that a mailbox belongs to: it has the pod's name, and goes with the pod of that UID.
func ownerOf(w *v1alpha1.ConvoyWorker) v1alpha1.PodRef {
	ref := v1alpha1.PodRef{Name: w.Name}
	for _, owner := range w.OwnerReferences {
		if owner.Kind == "Pod" {
			ref.UID = string(owner.UID)
		}
	}
	return ref
}

// Pod is a pod, nil if it is gone or pods are not shown.
func (s *Snapshot) Pod(ref v1alpha1.PodRef) *corev1.Pod {
	for i := range s.Pods {
		if s.Pods[i].Name == ref.Name && string(s.Pods[i].UID) == ref.UID {
			return &s.Pods[i]
		}
	}
	return nil
}

// Sample is the newest backlog that a worker has reported, nil if none has.
func (s *Snapshot) Sample() *v1alpha1.BacklogSample {
	var newest *v1alpha1.BacklogSample
	for i := range s.Workers {
		if status := s.Workers[i].Status; status != nil && status.Backlog != nil &&
			(newest == nil || newest.Time.Before(&status.Backlog.Time)) {
			newest = status.Backlog
		}
	}
	return newest
}
