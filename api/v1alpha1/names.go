// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package v1alpha1

import corev1 "k8s.io/api/core/v1"

const (
	// LabelPool is on every object that the controller makes for a pool; its value is the pool's name. It is the
	// selector of the pool's Deployment.
	LabelPool = GroupName + "/pool"

	// FinalizerDrained keeps a worker pod's object until the pod holds no lane, so that the evidence of how it ended
	// stays. Put on by the pod template, taken off by the controller.
	FinalizerDrained = GroupName + "/drained"

	// FinalizerClaim keeps a pool with deletionPolicy Delete until no worker of it is left that holds a lane. Put on and
	// taken off by the controller; taken off at once when the namespace terminates.
	FinalizerClaim = GroupName + "/claim"

	// GateServing is the readiness gate of worker pods: True while the pod is bound to a slot. Set by the controller.
	GateServing corev1.PodConditionType = GroupName + "/serving"

	// WorkerContainer is the name of the container that the controller adds to the template's own.
	WorkerContainer = "convoy-worker"

	// WorkerPort is where a worker listens on its pod's address: probes, metrics, and the wait for the drain. No container of
	// the template may have it.
	WorkerPort = 9440

	// WorkerClusterRole is the name of the ClusterRole that the controller binds, per namespace, to the service account
	// of a pool's pods: it lets a worker watch its own ConvoyWorker and write its status.
	WorkerClusterRole = "convoy-worker"
)
