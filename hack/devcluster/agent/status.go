// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package agent

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"
)

// lostCode is the exit code of a container of which nothing is known, as the kubelet has it.
const lostCode = 137

// status is what the API is to say of the pod, without conditions.
func (r *podRun) status() corev1.PodStatus {
	status := corev1.PodStatus{
		Phase: r.phase(), HostIP: hostIP, HostIPs: []corev1.HostIP{{IP: hostIP}},
		PodIP: r.ip, PodIPs: []corev1.PodIP{{IP: r.ip}},
	}
	if r.verdict != "" {
		status.Reason, status.Message = "Unsupported", r.verdict
	}
	for _, spec := range r.pod.Spec.Containers {
		status.ContainerStatuses = append(status.ContainerStatuses, r.statusOf(spec))
	}
	return status
}

func (r *podRun) phase() corev1.PodPhase {
	begun := len(r.containers) > 0
	for _, c := range r.containers {
		begun = begun && (c.process != nil || c.last != nil)
	}
	switch {
	case r.state == over && r.succeeded():
		return corev1.PodSucceeded
	case r.state == over:
		return corev1.PodFailed
	case begun:
		return corev1.PodRunning
	}
	return corev1.PodPending
}

// succeeded reports whether every container has ended well.
func (r *podRun) succeeded() bool {
	for _, c := range r.containers {
		if c.last == nil || c.last.code != 0 {
			return false
		}
	}
	return len(r.containers) > 0
}

func (r *podRun) statusOf(spec corev1.Container) corev1.ContainerStatus {
	status := corev1.ContainerStatus{Name: spec.Name, Image: spec.Image, ImageID: r.agent.Images[spec.Image].Path}
	at := slices.IndexFunc(r.containers, func(c *container) bool { return c.spec.Name == spec.Name })
	if at < 0 {
		status.State = r.unmade()
		return status
	}
	c := r.containers[at]
	status.Ready, status.Started, status.RestartCount = c.ready, ptr.To(c.started), c.restarts
	ended := c.terminated()
	switch {
	case c.process != nil:
		status.ContainerID = idOf(c.process)
		status.State.Running = &corev1.ContainerStateRunning{StartedAt: metav1.NewTime(c.process.since)}
		status.LastTerminationState.Terminated = ended
	case c.waits && r.state == running:
		status.State.Waiting = &corev1.ContainerStateWaiting{Reason: "CrashLoopBackOff", Message: c.refused}
		status.LastTerminationState.Terminated = ended
	default:
		status.ContainerID = c.lastID
		status.State.Terminated = ended
	}
	return status
}

// unmade is the state of a container that was never made.
func (r *podRun) unmade() corev1.ContainerState {
	if r.state == over {
		return corev1.ContainerState{Terminated: &corev1.ContainerStateTerminated{
			ExitCode: lostCode, Reason: "ContainerStatusUnknown", Message: "the container was never started",
		}}
	}
	return corev1.ContainerState{Waiting: &corev1.ContainerStateWaiting{Reason: "ContainerCreating"}}
}

// terminated is the last end of the container; nil if there was none.
func (c *container) terminated() *corev1.ContainerStateTerminated {
	if c.last == nil {
		return nil
	}
	reason := "Completed"
	if c.last.code != 0 {
		reason = "Error"
	}
	return &corev1.ContainerStateTerminated{
		ExitCode: c.last.code, Signal: c.last.signal, Reason: reason, ContainerID: c.lastID,
		StartedAt: metav1.NewTime(c.lastSince), FinishedAt: metav1.NewTime(c.last.at),
	}
}

// scheme begins the API's name of a container that is a process.
const scheme = "process://"

// idOf is the container's name by the API.
func idOf(p *process) string {
	if p.pid == 0 {
		return ""
	}
	return scheme + strconv.Itoa(p.pid)
}

// ProcessOf is the process id behind a container's ID, as the pod's status has it.
func ProcessOf(containerID string) (int, error) {
	number, ours := strings.CutPrefix(containerID, scheme)
	pid, err := strconv.Atoi(number)
	if !ours || err != nil {
		return 0, fmt.Errorf("%q names no process", containerID)
	}
	return pid, nil
}

// conditions are those of the pod that are the node's to tell, without their times.
func (r *podRun) conditions(status corev1.PodStatus) []corev1.PodCondition {
	made := r.state != preparing && r.verdict == ""
	containers := condition(corev1.ContainersReady, status.Phase == corev1.PodRunning, "ContainersNotReady")
	for _, c := range status.ContainerStatuses {
		if !c.Ready {
			containers = condition(corev1.ContainersReady, false, "ContainersNotReady")
		}
	}
	ready := condition(corev1.PodReady, containers.Status == corev1.ConditionTrue, "ContainersNotReady")
	for _, gate := range r.pod.Spec.ReadinessGates {
		if ready.Status == corev1.ConditionTrue && !r.gateOpen(gate.ConditionType) {
			ready = condition(corev1.PodReady, false, "ReadinessGatesNotReady")
		}
	}
	return []corev1.PodCondition{
		condition(corev1.PodReadyToStartContainers, made, ""), condition(corev1.PodInitialized, made, "ContainersNotInitialized"),
		containers, ready,
	}
}

func (r *podRun) gateOpen(gate corev1.PodConditionType) bool {
	for _, c := range r.pod.Status.Conditions {
		if c.Type == gate {
			return c.Status == corev1.ConditionTrue
		}
	}
	return false
}

func condition(kind corev1.PodConditionType, holds bool, reason string) corev1.PodCondition {
	if holds {
		return corev1.PodCondition{Type: kind, Status: corev1.ConditionTrue}
	}
	return corev1.PodCondition{Type: kind, Status: corev1.ConditionFalse, Reason: reason}
}
