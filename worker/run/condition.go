// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package run

import (
	"strings"
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
	news := meta.SetStatusCondition(&c.list, metav1.Condition{
		Type: kind, Status: status, Reason: reason, Message: cut(message, v1alpha1.MaxWorkerMessage),
		LastTransitionTime: metav1.NewTime(time.Now()),
	})
	c.changed = c.changed || news
	return news
}

// told says whether an object has the conditions.
func (c *conditions) told(status *v1alpha1.ConvoyWorkerStatus) bool {
	for i := range c.list {
		has := (*metav1.Condition)(nil)
		if status != nil {
			has = meta.FindStatusCondition(status.Conditions, c.list[i].Type)
		}
		if has == nil || has.Status != c.list[i].Status || has.Reason != c.list[i].Reason || has.Message != c.list[i].Message {
			return false
		}
	}
	return true
}

// cut makes a text valid UTF-8 of at most so many bytes.
func cut(text string, most int) string {
	return strings.ToValidUTF8(text[:min(len(text), most)], "")
}
