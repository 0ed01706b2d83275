// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package view

import (
	"slices"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"convoy.dev/convoy/api/v1alpha1"
)

// Alarms are the types of conditions that say, where they are True, that something is wrong. Every other type says so
// where it is False, but for Rebalancing, which is information.
var Alarms = []string{
	v1alpha1.ConditionWorkerUnreachable, v1alpha1.ConditionWorkerIncompatible, v1alpha1.ConditionHandOverStuck,
	v1alpha1.ConditionLaneBlocked, v1alpha1.ConditionLaneStoreFull, v1alpha1.ConditionHotLane, v1alpha1.ConditionBraking,
	v1alpha1.ConditionKeySpansLanes,
}

// Wrong says that a condition tells of something wrong.
func Wrong(c *metav1.Condition) bool {
	switch {
	case c.Type == v1alpha1.ConditionRebalancing:
		return false
	case slices.Contains(Alarms, c.Type):
		return c.Status == metav1.ConditionTrue
	}
	return c.Status == metav1.ConditionFalse
}
