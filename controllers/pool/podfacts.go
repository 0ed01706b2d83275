// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package pool

import (
	"cmp"
	"slices"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"convoy.dev/convoy/api/v1alpha1"
	"convoy.dev/convoy/controllers/pool/child"
	"convoy.dev/convoy/controllers/pool/plan"
)

const (
	// annotationCost is how the ReplicaSet's controller is told which pods to delete first.
	annotationCost = "controller.kubernetes.io/pod-deletion-cost"
	lowestCost     = "-2147483648"
	// annotationCostSince is when the cost was changed last: made the lowest, or taken back.
	annotationCostSince = v1alpha1.GroupName + "/deletion-cost-since"
	// reasonPodGC is the reason that pod garbage collection gives for a pod that it ends without the kubelet's word.
	reasonPodGC = "DeletionByPodGC"
)

// podStates is the facts about the pool's pods: those that the Deployment made, those that the table names, and those
// that are on their way out with our finalizer, whoever made them. Others that merely bear the label are no workers.
func (o *observation) podStates() []plan.Pod {
	named := o.named()
	newest := o.newestSet()
	var states []plan.Pod
	for i := range o.pods {
		pod := &o.pods[i]
		owner := metav1.GetControllerOf(pod)
		made := owner != nil && slices.ContainsFunc(o.sets, func(s appsv1.ReplicaSet) bool { return s.UID == owner.UID })
		if !made && !named[refOf(pod)] && !leaves(pod) {
			continue
		}
		facts := o.podState(pod)
		facts.Current = made && newest != nil && owner.UID == newest.UID
		states = append(states, facts)
	}
	return states
}

// accounts are the service accounts of the pods that may be workers, and of those that the Deployment may be making.
func (o *observation) accounts() []string {
	var accounts []string
	if o.deployment != nil {
		accounts = append(accounts, o.deployment.Spec.Template.Spec.ServiceAccountName)
	}
	for i := range o.pods {
		pod := &o.pods[i]
		if slices.ContainsFunc(o.state.Pods, func(p plan.Pod) bool { return p.PodRef == refOf(pod) }) {
			accounts = append(accounts, pod.Spec.ServiceAccountName)
		}
	}
	return slices.DeleteFunc(accounts, func(account string) bool { return account == "" })
}

// named is the pods that the table knows.
func (o *observation) named() map[plan.PodRef]bool {
	named := map[plan.PodRef]bool{}
	if o.table != nil {
		for _, ref := range o.table.Workers {
			named[plan.PodRef{Name: ref.Name, UID: ref.UID}] = true
		}
	}
	return named
}

// leaves says that a pod goes, or has ended, and is kept by our finalizer.
func leaves(pod *corev1.Pod) bool {
	return hasFinalizer(pod) && (pod.DeletionTimestamp != nil || final(pod))
}

func final(pod *corev1.Pod) bool {
	return pod.Status.Phase == corev1.PodSucceeded || pod.Status.Phase == corev1.PodFailed
}

func hasFinalizer(pod *corev1.Pod) bool {
	return slices.Contains(pod.Finalizers, v1alpha1.FinalizerDrained)
}

func refOf(o metav1.Object) plan.PodRef {
	return plan.PodRef{Name: o.GetName(), UID: string(o.GetUID())}
}

func comparePods(a, b plan.PodRef) int {
	return cmp.Or(cmp.Compare(a.Name, b.Name), cmp.Compare(a.UID, b.UID))
}

// podState is what a pod's object and its node's say.
func (o *observation) podState(pod *corev1.Pod) plan.Pod {
	p := plan.Pod{
		PodRef: refOf(pod), Node: pod.Spec.NodeName, Created: pod.CreationTimestamp.Time,
		Phase: phases[pod.Status.Phase], Deleting: pod.DeletionTimestamp != nil, Finalizer: hasFinalizer(pod),
		ContainersReady: isTrue(pod, corev1.ContainersReady), Ready: isTrue(pod, corev1.PodReady),
		Serving: isTrue(pod, v1alpha1.GateServing), Gated: gated(pod),
		Cheap: pod.Annotations[annotationCost] == lowestCost, CostSince: costSince(pod),
	}
	if owner := metav1.GetControllerOf(pod); owner != nil {
		p.Set = owner.Name
	}
	for _, c := range pod.Status.Conditions {
		switch {
		case c.Status != corev1.ConditionTrue:
		case c.Type == corev1.PodReady:
			p.ReadySince = c.LastTransitionTime.Time
		case c.Type == corev1.ContainersReady:
			p.ContainersReadySince = c.LastTransitionTime.Time
		}
		if c.Type == corev1.DisruptionTarget && c.Status == corev1.ConditionTrue && c.Reason == reasonPodGC {
			p.PodGC = true
		}
	}
	p.Containers = containerStates(pod)
	p.WorkerDownSince, p.BackOff = workerDown(pod, o.workerContainer(pod))
	if node := o.nodes[pod.Spec.NodeName]; node != nil {
		p.UnreachableSince = unreachableSince(node)
	}
	return p
}

var phases = map[corev1.PodPhase]plan.Phase{
	corev1.PodPending: plan.Pending, corev1.PodRunning: plan.Running, corev1.PodSucceeded: plan.Succeeded,
	corev1.PodFailed: plan.Failed, corev1.PodUnknown: plan.Unknown,
}

// gated says that a readiness gate of somebody else's is not True.
func gated(pod *corev1.Pod) bool {
	return slices.ContainsFunc(pod.Spec.ReadinessGates, func(g corev1.PodReadinessGate) bool {
		return g.ConditionType != v1alpha1.GateServing && !isTrue(pod, g.ConditionType)
	})
}

func isTrue(pod *corev1.Pod, kind corev1.PodConditionType) bool {
	c := podCondition(pod, kind)
	return c != nil && c.Status == corev1.ConditionTrue
}

func podCondition(pod *corev1.Pod, kind corev1.PodConditionType) *corev1.PodCondition {
	at := slices.IndexFunc(pod.Status.Conditions, func(c corev1.PodCondition) bool { return c.Type == kind })
	if at < 0 {
		return nil
	}
	return &pod.Status.Conditions[at]
}

func costSince(pod *corev1.Pod) time.Time {
	since, err := time.Parse(time.RFC3339Nano, pod.Annotations[annotationCostSince])
	if err != nil {
		return time.Time{} // written by somebody else: not known
	}
	return since
}

// workerContainer is the name of the container that runs the worker.
func (o *observation) workerContainer(pod *corev1.Pod) string {
	if child.Embedded(o.pool) && len(pod.Spec.Containers) > 0 {
		return pod.Spec.Containers[0].Name
	}
	return v1alpha1.WorkerContainer
}

// containerStates is the states of the containers that may run as long as the pod does: the main ones and sidecars. One
// without a status has not been started.
func containerStates(pod *corev1.Pod) []plan.ContainerState {
	var states []plan.ContainerState
	for i := range pod.Spec.InitContainers {
		c := &pod.Spec.InitContainers[i]
		if c.RestartPolicy != nil && *c.RestartPolicy == corev1.ContainerRestartPolicyAlways {
			states = append(states, stateOf(pod.Status.InitContainerStatuses, c.Name))
		}
	}
	for i := range pod.Spec.Containers {
		states = append(states, stateOf(pod.Status.ContainerStatuses, pod.Spec.Containers[i].Name))
	}
	return states
}

func stateOf(statuses []corev1.ContainerStatus, name string) plan.ContainerState {
	status := containerStatus(statuses, name)
	switch {
	case status == nil:
		return plan.Waiting
	case status.State.Running != nil:
		return plan.Started
	case status.State.Terminated != nil:
		return plan.Terminated
	default:
		return plan.Waiting
	}
}

func containerStatus(statuses []corev1.ContainerStatus, name string) *corev1.ContainerStatus {
	for i := range statuses {
		if statuses[i].Name == name {
			return &statuses[i]
		}
	}
	return nil
}

// workerDown says since when a container has not been running, and whether the kubelet waits before it starts it again.
func workerDown(pod *corev1.Pod, name string) (since time.Time, backOff bool) {
	status := containerStatus(pod.Status.ContainerStatuses, name)
	if status == nil {
		return pod.CreationTimestamp.Time, false
	}
	state := status.State
	switch {
	case state.Running != nil:
		return time.Time{}, false
	case state.Terminated != nil:
		since = state.Terminated.FinishedAt.Time
	case status.LastTerminationState.Terminated != nil:
		since = status.LastTerminationState.Terminated.FinishedAt.Time
	}
	if since.IsZero() {
		since = pod.CreationTimestamp.Time
	}
	return since, state.Waiting != nil && state.Waiting.Reason == "CrashLoopBackOff"
}

// unreachableSince is since when a node has not answered: the node lifecycle controller then calls its readiness
// Unknown. A node that says itself that it is not ready does answer.
func unreachableSince(node *corev1.Node) time.Time {
	for _, c := range node.Status.Conditions {
		if c.Type == corev1.NodeReady && c.Status == corev1.ConditionUnknown {
			return c.LastTransitionTime.Time
		}
	}
	return time.Time{}
}
