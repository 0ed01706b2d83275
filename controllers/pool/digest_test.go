// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package pool

import (
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
	"k8s.io/utils/ptr"
)

// The caches keep no pod templates of ReplicaSets, and yet tell which is of the Deployment's present one.
func TestTheReplicaSetOfThePresentTemplateIsKnown(t *testing.T) {
	template := func(image, hash string) corev1.PodTemplateSpec {
		made := corev1.PodTemplateSpec{
			ObjectMeta: metav1.ObjectMeta{Labels: map[string]string{"app": "orders"}},
			Spec:       corev1.PodSpec{Containers: []corev1.Container{{Name: "handler", Image: image}}},
		}
		if hash != "" {
			made.Labels[appsv1.DefaultDeploymentUniqueLabelKey] = hash
		}
		return made
	}
	o := observation{deployment: &appsv1.Deployment{Spec: appsv1.DeploymentSpec{Replicas: ptr.To(int32(3)), Template: template("two", "")}}}
	for _, set := range []struct{ name, image string }{{"old", "one"}, {"new", "two"}} {
		o.sets = append(o.sets, appsv1.ReplicaSet{
			ObjectMeta: metav1.ObjectMeta{Name: set.name},
			Spec:       appsv1.ReplicaSetSpec{Replicas: ptr.To(int32(2)), Template: template(set.image, set.name)},
		})
	}
	for _, trimmed := range []bool{false, true} {
		if trimmed {
			for i := range o.sets {
				trimReplicaSet(&o.sets[i])
			}
		}
		if got := o.deploymentState(); got.Present != "new" || got.Old != 2 || got.Available != 3 {
			t.Errorf("trimmed %v: present %q, %d old, %d available; want new, 2 and 3", trimmed, got.Present, got.Old, got.Available)
		}
	}
	if o.sets[0].Spec.Template.Spec.Containers != nil {
		t.Error("the cache keeps the template")
	}
	o.deployment.Spec.Template = template("three", "")
	if got := o.deploymentState(); got.Present != "" || got.Old != 4 {
		t.Errorf("a template without a ReplicaSet: present %q, %d old; want none and 4", got.Present, got.Old)
	}
	o.deployment.Spec.Strategy.RollingUpdate = &appsv1.RollingUpdateDeployment{MaxUnavailable: ptr.To(intstr.FromInt32(2))}
	if got := o.deploymentState(); got.Available != 1 {
		t.Errorf("%d of 3 stay available when 2 may be unavailable, want 1", got.Available)
	}
}
