// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package agent

import (
	"bytes"
	"encoding/json"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/utils/ptr"
)

// reported is what the API was told of a pod.
type reported struct {
	// patch is the last that was taken.
	patch []byte
	// conditions have the times of their last transitions.
	conditions map[corev1.PodConditionType]corev1.PodCondition
	// retrying says that another report is under way.
	retrying bool
}

// toldCondition is a condition in a merge, in which a reason that is left out would stay.
type toldCondition struct {
	corev1.PodCondition `json:",inline"`
	Reason              *string `json:"reason"`
}

// cleared is a value that null takes the place of when it is empty.
func cleared(text string) *string {
	if text == "" {
		return nil
	}
	return &text
}

// report writes the status if it has changed, and removes the object of a deleted pod whose processes have ended. What
// cannot be written now is tried again.
func (r *podRun) report() {
	if r.gone {
		return
	}
	err := r.writeStatus()
	if err == nil && r.state == over && r.pod.DeletionTimestamp != nil {
		err = r.remove()
	}
	if err == nil || r.ctx.Err() != nil || r.reported.retrying {
		return
	}
	r.agent.Say("reporting pod %s/%s: %v", r.pod.Namespace, r.pod.Name, err)
	r.reported.retrying = true
	r.after(retryAfter, func() { r.reported.retrying = false })
}

func (r *podRun) writeStatus() error {
	status := r.status()
	told := struct {
		corev1.PodStatus `json:",inline"`
		Conditions       []toldCondition `json:"conditions"`
	}{PodStatus: status}
	for _, c := range r.conditions(status) {
		before := r.reported.conditions[c.Type]
		c.LastTransitionTime = before.LastTransitionTime
		if before.Status != c.Status {
			c.LastTransitionTime = metav1.Now()
		}
		r.reported.conditions[c.Type] = c
		told.Conditions = append(told.Conditions, toldCondition{c, cleared(c.Reason)})
	}
	// A merge leaves alone the conditions of others: the scheduler's and those of readiness gates.
	patch, err := json.Marshal(map[string]any{"metadata": map[string]any{"uid": r.pod.UID}, "status": told})
	if err != nil {
		return fmt.Errorf("encoding the status: %w", err)
	}
	if bytes.Equal(patch, r.reported.patch) {
		return nil
	}
	_, err = r.agent.client.CoreV1().Pods(r.pod.Namespace).
		Patch(r.ctx, r.pod.Name, types.StrategicMergePatchType, patch, metav1.PatchOptions{}, "status")
	if err != nil && !apierrors.IsNotFound(err) {
		return fmt.Errorf("writing the status: %w", err)
	}
	r.reported.patch = patch
	return nil
}

// remove confirms a deletion: the object goes, or waits for its finalizers.
func (r *podRun) remove() error {
	if ptr.Deref(r.pod.DeletionGracePeriodSeconds, 1) == 0 {
		return nil // Confirmed, by this or by force; only finalizers are left.
	}
	err := r.agent.client.CoreV1().Pods(r.pod.Namespace).Delete(r.ctx, r.pod.Name, metav1.DeleteOptions{
		GracePeriodSeconds: ptr.To[int64](0), Preconditions: metav1.NewUIDPreconditions(string(r.pod.UID)),
	})
	if err != nil && !apierrors.IsNotFound(err) && !apierrors.IsConflict(err) {
		return fmt.Errorf("confirming the deletion: %w", err)
	}
	return nil
}
