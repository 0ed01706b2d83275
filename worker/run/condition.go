// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package run

import (
	"time"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"convoy.dev/convoy/api/v1alpha1"
)

// conditions are what this worker alone can know, for its status. The loop owns them.
type conditions struct {
	list []metav1.Condition
	// changed says that the status does not have them yet.
	changed bool
}

// set notes a condition, and reports whether that is news.
func (c *conditions) set(kind string, is bool, reason, message string) bool {
	status := metav1.ConditionFalse
	if is {
		status = metav1.ConditionTrue
	}
	const longest = v1alpha1.MaxWorkerMessage // what the API server accepts
	news := meta.SetStatusCondition(&c.list, metav1.Condition{
		Type: kind, Status: status, Reason: reason, Message: message[:min(len(message), longest)],
		LastTransitionTime: metav1.NewTime(time.Now()),
	})
	c.changed = c.changed || news
	return news
}
