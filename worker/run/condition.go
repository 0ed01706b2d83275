// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package run

import (
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/api/equality"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"convoy.dev/convoy/api/v1alpha1"
)

// conditions are what this worker alone can know, beside its report, for its status. The loop owns them.
type conditions struct {
	list []metav1.Condition
	// parked is what is parked, action how far an action has come; nil says nothing.
	parked *v1alpha1.WorkerParked
	action *v1alpha1.ActionReport
	// backlog is the sample of the pool's backlog that is to be known, nil for none.
	backlog *v1alpha1.BacklogSample
	// changed says that the status does not have all this yet.
	changed bool
}

// setAction notes how far an action has come.
func (c *conditions) setAction(report *v1alpha1.ActionReport) {
	if !equality.Semantic.DeepEqual(c.action, report) {
		c.action, c.changed = report, true
	}
}

// setParked notes what is parked.
func (c *conditions) setParked(parked *v1alpha1.WorkerParked) {
	if !equality.Semantic.DeepEqual(c.parked, parked) {
		c.parked, c.changed = parked, true
	}
}

// write puts all this into a status.
func (c *conditions) write(status *v1alpha1.ConvoyWorkerStatus) {
	for _, condition := range c.list {
		meta.SetStatusCondition(&status.Conditions, condition)
	}
	status.Backlog = c.backlog.DeepCopy()
	status.Parked, status.Action = c.parked.DeepCopy(), c.action.DeepCopy()
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

// setBacklog notes a sample.
func (c *conditions) setBacklog(sample *v1alpha1.BacklogSample) {
	if c.backlog != sample {
		c.backlog, c.changed = sample, true
	}
}

// told says whether an object has all this.
func (c *conditions) told(status *v1alpha1.ConvoyWorkerStatus) bool {
	if (status == nil || status.Backlog == nil) != (c.backlog == nil) || c.backlog != nil && !status.Backlog.Time.Equal(&c.backlog.Time) {
		return false
	}
	for i := range c.list {
		has := (*metav1.Condition)(nil)
		if status != nil {
			has = meta.FindStatusCondition(status.Conditions, c.list[i].Type)
		}
		if has == nil || has.Status != c.list[i].Status || has.Reason != c.list[i].Reason || has.Message != c.list[i].Message {
			return false
		}
	}
	if status == nil {
		status = &v1alpha1.ConvoyWorkerStatus{}
	}
	return equality.Semantic.DeepEqual(status.Parked, c.parked) && equality.Semantic.DeepEqual(status.Action, c.action)
}

// cut makes a text valid UTF-8 of at most so many bytes.
func cut(text string, most int) string {
	return strings.ToValidUTF8(text[:min(len(text), most)], "")
}
