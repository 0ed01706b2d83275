// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package pool

import (
	"testing"

	corev1 "k8s.io/api/core/v1"

	"convoy.dev/convoy/api/v1alpha1"
)

// A readiness gate of the template's own that is not True holds a pod back; Convoy's is told apart. The caches keep what
// tells that.
func TestWhetherSomebodyElsesGateHoldsAPodBack(t *testing.T) {
	const theirs = corev1.PodConditionType("example.org/registered")
	for _, c := range []struct {
		name       string
		gates      []corev1.PodConditionType
		conditions map[corev1.PodConditionType]corev1.ConditionStatus
		want       bool
	}{
		{"no gate but Convoy's", []corev1.PodConditionType{v1alpha1.GateServing}, nil, false},
		{"another that is not set", []corev1.PodConditionType{theirs, v1alpha1.GateServing}, nil, true},
		{"another that is False", []corev1.PodConditionType{theirs}, map[corev1.PodConditionType]corev1.ConditionStatus{theirs: corev1.ConditionFalse}, true},
		{"another that is True", []corev1.PodConditionType{theirs}, map[corev1.PodConditionType]corev1.ConditionStatus{theirs: corev1.ConditionTrue}, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			var pod corev1.Pod
			for _, gate := range c.gates {
				pod.Spec.ReadinessGates = append(pod.Spec.ReadinessGates, corev1.PodReadinessGate{ConditionType: gate})
			}
			for kind, status := range c.conditions {
				pod.Status.Conditions = append(pod.Status.Conditions, corev1.PodCondition{Type: kind, Status: status})
			}
			trimPod(&pod)
			if got := gated(&pod); got != c.want {
				t.Errorf("held back %v, want %v", got, c.want)
			}
		})
	}
}
