// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package pool

import (
	"slices"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"convoy.dev/convoy/api/v1alpha1"
	"convoy.dev/convoy/controllers/pool/child"
)

// CacheOptions restricts the manager's cache to what pools are made of, and to the parts of it that the controller
// reads: in a large cluster most pods and nodes are none of its business. With namespaces given only these are watched.
func CacheOptions(namespaces []string) cache.Options {
	managed := labels.SelectorFromSet(labels.Set{child.LabelManagedBy: child.ManagedBy})
	ours := func(transform func(any) (any, error)) cache.ByObject {
		return cache.ByObject{Label: managed, Transform: transform}
	}
	options := cache.Options{
		DefaultTransform: cache.TransformStripManagedFields(),
		ByObject: map[client.Object]cache.ByObject{
			&corev1.Pod{}:            ours(trim(trimPod)),
			&corev1.Node{}:           {Transform: trim(trimNode)},
			&corev1.Namespace{}:      {Transform: trim(trimNamespace)},
			&appsv1.ReplicaSet{}:     ours(trim(trimReplicaSet)),
			&appsv1.Deployment{}:     ours(trim(keepOurs[*appsv1.Deployment])),
			&v1alpha1.ConvoyWorker{}: {Transform: cache.TransformStripManagedFields()},
			&v1alpha1.LaneTable{}:    {Transform: cache.TransformStripManagedFields()},
		},
	}
	for _, kind := range []metav1.TypeMeta{accountKind, bindingKind, budgetKind} {
		options.ByObject[&metav1.PartialObjectMetadata{TypeMeta: kind}] = ours(trim(keepOurs[*metav1.PartialObjectMetadata]))
	}
	if len(namespaces) > 0 {
		options.DefaultNamespaces = map[string]cache.Config{}
		for _, namespace := range namespaces {
			options.DefaultNamespaces[namespace] = cache.Config{}
		}
	}
	return options
}

// trim makes a transform of a function that takes away what is not read. It takes anything, as the cache demands: an
// object that was deleted unseen comes wrapped, and is left as it is.
func trim[T client.Object](take func(T)) func(any) (any, error) {
	return func(object any) (any, error) {
		if typed, ok := object.(T); ok {
			take(typed)
		}
		return object, nil
	}
}

// keepOurs keeps, of what is noted about the owners of fields, the operator's own.
func keepOurs[T client.Object](o T) {
	o.SetManagedFields(slices.DeleteFunc(o.GetManagedFields(), func(entry metav1.ManagedFieldsEntry) bool { return !ours(entry) }))
}

func trimPod(pod *corev1.Pod) {
	pod.ManagedFields = nil
	spec := corev1.PodSpec{
		NodeName: pod.Spec.NodeName, ServiceAccountName: pod.Spec.ServiceAccountName, ReadinessGates: pod.Spec.ReadinessGates,
	}
	for _, c := range pod.Spec.Containers {
		spec.Containers = append(spec.Containers, corev1.Container{Name: c.Name})
	}
	for _, c := range pod.Spec.InitContainers {
		spec.InitContainers = append(spec.InitContainers, corev1.Container{Name: c.Name, RestartPolicy: c.RestartPolicy})
	}
	pod.Spec = spec
	pod.Status = corev1.PodStatus{
		Phase: pod.Status.Phase, Conditions: pod.Status.Conditions,
		InitContainerStatuses: pod.Status.InitContainerStatuses, ContainerStatuses: pod.Status.ContainerStatuses,
	}
}

func trimNode(node *corev1.Node) {
	node.ObjectMeta = metav1.ObjectMeta{Name: node.Name, UID: node.UID, ResourceVersion: node.ResourceVersion}
	node.Spec = corev1.NodeSpec{}
	node.Status = corev1.NodeStatus{
		Conditions: slices.DeleteFunc(node.Status.Conditions, func(c corev1.NodeCondition) bool { return c.Type != corev1.NodeReady }),
		NodeInfo:   corev1.NodeSystemInfo{KubeletVersion: node.Status.NodeInfo.KubeletVersion},
	}
}

func trimNamespace(namespace *corev1.Namespace) {
	namespace.ObjectMeta = metav1.ObjectMeta{
		Name: namespace.Name, UID: namespace.UID, ResourceVersion: namespace.ResourceVersion,
		DeletionTimestamp: namespace.DeletionTimestamp,
	}
	namespace.Spec, namespace.Status = corev1.NamespaceSpec{}, corev1.NamespaceStatus{}
}

// trimReplicaSet leaves of the pod template what tells whether it is the Deployment's present one.
func trimReplicaSet(set *appsv1.ReplicaSet) {
	set.ManagedFields = nil
	digest := templateDigest(&set.Spec.Template)
	set.Spec = appsv1.ReplicaSetSpec{Replicas: set.Spec.Replicas}
	set.Spec.Template.Annotations = map[string]string{annotationDigest: digest}
}
