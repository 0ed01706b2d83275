// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package pool

import (
	"maps"
	"slices"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/event"
	"sigs.k8s.io/controller-runtime/pkg/predicate"

	"convoy.dev/convoy/api/v1alpha1"
)

// What wakes a pool: a change of what its plan or its status is made from. Objects also change in other ways, some of
// them every few seconds.
var (
	poolChanged = changed(func(before, after client.Object) bool {
		return before.GetGeneration() != after.GetGeneration() ||
			(before.GetDeletionTimestamp() == nil) != (after.GetDeletionTimestamp() == nil) ||
			!slices.Equal(before.GetFinalizers(), after.GetFinalizers()) || lost(before, after, "status")
	})

	workerChanged = changed(func(before, after *v1alpha1.ConvoyWorker) bool {
		return !equality.Semantic.DeepEqual(before.Spec, after.Spec) ||
			!equality.Semantic.DeepEqual(withoutBacklog(before.Status), withoutBacklog(after.Status)) ||
			backlogChanged(before.Status, after.Status)
	})

	podChanged = changed(func(before, after *corev1.Pod) bool {
		return before.Spec.NodeName != after.Spec.NodeName ||
			(before.DeletionTimestamp == nil) != (after.DeletionTimestamp == nil) ||
			!slices.Equal(before.Finalizers, after.Finalizers) ||
			!maps.Equal(before.Annotations, after.Annotations) ||
			!equality.Semantic.DeepEqual(before.OwnerReferences, after.OwnerReferences) ||
			!equality.Semantic.DeepEqual(before.Status, after.Status)
	})

	deploymentChanged = changed(func(before, after *appsv1.Deployment) bool {
		return before.Generation != after.Generation ||
			before.Status.ObservedGeneration != after.Status.ObservedGeneration ||
			before.Status.Replicas != after.Status.Replicas ||
			(before.DeletionTimestamp == nil) != (after.DeletionTimestamp == nil) ||
			ownedFields(before) != ownedFields(after) ||
			!equality.Semantic.DeepEqual(before.OwnerReferences, after.OwnerReferences)
	})

	setChanged = changed(func(before, after *appsv1.ReplicaSet) bool {
		return before.Generation != after.Generation ||
			before.Annotations[revisionAnnotation] != after.Annotations[revisionAnnotation] ||
			before.Annotations[desiredAnnotation] != after.Annotations[desiredAnnotation] ||
			before.Status.Replicas != after.Status.Replicas || before.Status.ReadyReplicas != after.Status.ReadyReplicas ||
			before.Status.ObservedGeneration != after.Status.ObservedGeneration ||
			!equality.Semantic.DeepEqual(words(before), words(after))
	})

	nodeChanged = predicate.Funcs{
		CreateFunc:  func(event.CreateEvent) bool { return false },
		GenericFunc: func(event.GenericEvent) bool { return false },
		UpdateFunc: func(e event.UpdateEvent) bool {
			before, is := e.ObjectOld.(*corev1.Node)
			after, too := e.ObjectNew.(*corev1.Node)
			return is && too && !unreachableSince(before).Equal(unreachableSince(after))
		},
	}

	// kubeletChanged lets nodes with an old kubelet pass when they come and go, and those whose kubelet was replaced.
	kubeletChanged = predicate.Funcs{
		CreateFunc:  func(e event.CreateEvent) bool { return isOld(e.Object) },
		DeleteFunc:  func(e event.DeleteEvent) bool { return isOld(e.Object) },
		GenericFunc: func(event.GenericEvent) bool { return false },
		UpdateFunc:  func(e event.UpdateEvent) bool { return isOld(e.ObjectOld) != isOld(e.ObjectNew) },
	}
)

func isOld(o client.Object) bool {
	node, is := o.(*corev1.Node)
	return is && old(node)
}

// changed lets every event pass but an update that changes nothing of interest.
func changed[T client.Object](differ func(before, after T) bool) predicate.Predicate {
	return predicate.Funcs{UpdateFunc: func(e event.UpdateEvent) bool {
		before, is := e.ObjectOld.(T)
		after, too := e.ObjectNew.(T)
		return !is || !too || differ(before, after)
	}}
}

// lost says that an unstructured object had a field and has it no longer.
func lost(before, after client.Object, field string) bool {
	was, is := before.(*unstructured.Unstructured)
	now, too := after.(*unstructured.Unstructured)
	if !is || !too {
		return false
	}
	_, had := was.Object[field]
	_, has := now.Object[field]
	return had && !has
}

func withoutBacklog(s *v1alpha1.ConvoyWorkerStatus) v1alpha1.ConvoyWorkerStatus {
	if s == nil {
		return v1alpha1.ConvoyWorkerStatus{}
	}
	without := *s
	without.Backlog, without.Action = nil, nil
	return without
}

func backlogChanged(before, after *v1alpha1.ConvoyWorkerStatus) bool {
	if after == nil || after.Backlog == nil {
		return false
	}
	return before == nil || before.Backlog == nil || differs(total(before.Backlog), total(after.Backlog))
}

// words is what a ReplicaSet says of pods that it cannot make, but for when.
func words(set *appsv1.ReplicaSet) []appsv1.ReplicaSetCondition {
	said := slices.Clone(set.Status.Conditions)
	for i := range said {
		said[i].LastTransitionTime = metav1.Time{}
	}
	return said
}
